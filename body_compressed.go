package sonde

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sonde/internal/message"
)

// Compressed returns the body encoded by c, which Content-Encoding says then. A body
// in memory is encoded at once and goes with its length; any other is encoded as it
// is sent, each time, and goes chunked. A nil c is an error.
//
// Not every server takes it (RFC 9110 §12.5.3); one that does not answers 415.
func (b Body) Compressed(c Coding) Body {
	switch {
	case c == nil:
		b.err = errors.New("body: the coding is nil")
		return b
	case b.err != nil || b.empty():
		return b
	}
	names := c.Name()
	if b.coding != "" {
		names = b.coding + ", " + names
	}
	if b.inMemory && b.tap == nil {
		data, err := encoded(c, b.data)
		out := Bytes(data)
		out.mediaType, out.coding, out.err = b.mediaType, names, err
		return out
	}
	plain := b
	return Body{
		size: -1, again: b.again, single: b.single, discard: b.discard, mediaType: b.mediaType, coding: names,
		open: func() (io.ReadCloser, int64, error) {
			rc, err := newEncoder(c, &plain)
			return rc, -1, err
		},
	}
}

// encoded is data encoded by c.
func encoded(c Coding, data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := c.NewWriter(&out)
	if err == nil {
		_, err = w.Write(data)
		if cerr := w.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("body: content coding %s: %w", c.Name(), err)
	}
	return out.Bytes(), nil
}

// encoder is a body that is encoded as it is read.
type encoder struct {
	plain message.Body
	name  string
	w     io.WriteCloser // writes to out; nil: its end was written
	out   bytes.Buffer
	in    []byte
	err   error // how the plain body ended
}

// encodeAtOnce is how much of the plain body is read at a time.
const encodeAtOnce = 32 << 10

func newEncoder(c Coding, b *Body) (*encoder, error) {
	plain, _, err := b.prepare()
	if err != nil {
		return nil, err
	}
	if plain.Reader == nil {
		plain.Reader = io.NopCloser(bytes.NewReader(plain.Bytes))
	}
	e := &encoder{plain: plain, name: c.Name(), in: make([]byte, encodeAtOnce)}
	if e.w, err = c.NewWriter(&e.out); err != nil {
		plain.Reader.Close()
		return nil, fmt.Errorf("content coding %s: %w", e.name, err)
	}
	return e, nil
}

// Read reads encoded bytes.
func (e *encoder) Read(p []byte) (int, error) {
	for e.out.Len() == 0 && e.err == nil && len(p) > 0 {
		n, err := e.plain.Reader.Read(e.in)
		if n > 0 {
			if _, werr := e.w.Write(e.in[:n]); werr != nil {
				err = fmt.Errorf("content coding %s: %w", e.name, werr)
			}
		}
		if e.err = err; err == io.EOF {
			if err := e.w.Close(); err != nil {
				e.err = fmt.Errorf("content coding %s: %w", e.name, err)
			}
			e.w = nil
		}
	}
	if e.out.Len() > 0 {
		return e.out.Read(p)
	}
	return 0, e.err
}

// Close closes the plain body. It may come while a Read of it waits.
func (e *encoder) Close() error { return e.plain.Reader.Close() }

// stays reports whether closing wakes no Read.
func (e *encoder) stays() bool { return e.plain.Stays }

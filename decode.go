package sonde

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"sonde/internal/message"
)

// codingsMost is how many codings may lie on each other: nobody needs two, and each
// costs memory.
const codingsMost = 4

// decoders are the codings that a client knows, by its preference: those of Config
// and then sonde's own, which one of Config's may replace.
func (cfg *Config) decoders() []Coding {
	all := slices.Clone(cfg.Codings)
	for _, own := range [...]Coding{Gzip(), Deflate()} {
		if !slices.ContainsFunc(all, func(c Coding) bool { return c.Name() == own.Name() }) {
			all = append(all, own)
		}
	}
	return all
}

// accepted says which codings are welcome.
func accepted(codings []Coding) string {
	names := make([]string, len(codings))
	for i, c := range codings {
		names[i] = c.Name()
	}
	return strings.Join(names, ", ")
}

const acceptEncoding = "Accept-Encoding"

// WithDecoding decodes the response whatever the request says: with an
// Accept-Encoding of the caller's, which is sent as it is, or an exact header, which
// says none by itself. The part of a 206 is never decoded.
func WithDecoding() Option { return Option{func(r *Request) { r.set.decode = decodeAll }} }

// WithoutDecoding asks for no content coding, and leaves the body as it comes.
func WithoutDecoding() Option { return Option{func(r *Request) { r.set.decode = decodeNone }} }

// asks reports whether the client says by itself which codings r's response may
// have. A part of an encoded representation cannot be decoded, HEAD has no content
// and CONNECT no response to speak of.
func (c *Client) asks(r *Request) bool {
	return c.asking && r.set.decode == byAsking && !r.set.exact && r.method != HEAD && r.method != CONNECT &&
		!r.fields.Has(acceptEncoding) && !r.fields.Has("Range")
}

// decodeRule says when a response is decoded.
type decodeRule uint8

const (
	byAsking decodeRule = iota // where sonde has asked for it
	decodeAll
	decodeNone
)

// decodes reports whether the response to r is to be decoded.
func (c *Client) decodes(r *Request) bool { return r.set.decode == decodeAll || c.asks(r) }

// decoders are the codings of the response whose head is there, the last applied
// first, and their names in the order in which they were applied. None: it is not
// encoded, or has one that is not known; then it stays as it is.
func (k *call) decoders() (codings []Coding, names string) {
	f := &k.head.Fields
	for i := f.Index("Content-Encoding", 0); i >= 0; i = f.Index("Content-Encoding", i+1) {
		for _, list := f.Peek(i); list != ""; {
			var name string
			name, list = message.CutMember(list)
			if name == "" || message.EqualFold(name, "identity") {
				continue
			}
			coding := k.client.coding(name)
			if coding == nil || len(codings) == codingsMost {
				return nil, ""
			}
			if names != "" {
				names += ", "
			}
			names += coding.Name()
			codings = append(codings, coding)
		}
	}
	slices.Reverse(codings)
	return codings, names
}

// coding is the one with that name, nil if there is none.
func (c *Client) coding(name string) Coding {
	// RFC 9110 §8.4.1.3: x-gzip is the same as gzip.
	if message.EqualFold(name, "x-gzip") {
		name = "gzip"
	}
	for _, coding := range c.codings {
		if message.EqualFold(coding.Name(), name) {
			return coding
		}
	}
	return nil
}

// decoding is one coding being taken off a body.
type decoding struct {
	in     *intake
	coding Coding
	src    *bufio.Reader // encoded
	r      io.ReadCloser // decoded; nil: not begun
	out    int64         // bytes so far
}

// sourceBuffers are buffers for encoded bytes. A read of this size goes past the
// connection's own buffer.
var sourceBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}

func newDecoding(in *intake, coding Coding, src io.Reader) *decoding {
	d := &decoding{in: in, coding: coding, src: sourceBuffers.Get().(*bufio.Reader)}
	d.src.Reset(src)
	return d
}

// Read reads decoded bytes.
func (d *decoding) Read(p []byte) (int, error) {
	if d.r == nil {
		if err := d.begin(); err != nil {
			return 0, err
		}
	}
	n, err := d.r.Read(p)
	if d.out += int64(n); d.in.swells(d.out) {
		return n, d.in.failure
	}
	switch {
	case err == nil:
		return n, nil
	case d.in.broken != nil:
		return n, d.in.broken
	case d.in.failure != nil: // of a coding below
		return n, d.in.failure
	case err != io.EOF:
		return n, d.fail(err)
	case n > 0:
		return n, nil // they are worth more now than a wait for the end of what lies below
	}
	// RFC 9110 §8.4: the coding is that of the whole content. Bytes behind its end
	// belong to nothing.
	if _, err := d.src.Peek(1); err == nil {
		return 0, d.fail(errBehind)
	}
	return 0, d.below()
}

var errBehind = errors.New("there are bytes behind its end")

// begin makes the reader, which may read the first bytes. A body of no bytes at
// all is empty, whatever its coding.
func (d *decoding) begin() error {
	if _, err := d.src.Peek(1); err != nil {
		return d.below()
	}
	r, err := d.coding.NewReader(d.src)
	switch {
	case err == nil:
		d.r = r
		return nil
	case d.in.broken != nil, d.in.failure != nil:
		return d.below()
	case err == io.EOF: // within its first bytes
		err = io.ErrUnexpectedEOF
	}
	return d.fail(err)
}

// below is how what lies below has ended.
func (d *decoding) below() error {
	switch {
	case d.in.broken != nil:
		return d.in.broken
	case d.in.failure != nil:
		return d.in.failure
	}
	return io.EOF
}

// fail makes err the body's end.
func (d *decoding) fail(err error) error {
	return d.in.fail(fmt.Errorf("content coding %s: %w", d.coding.Name(), err))
}

// close gives back what the decoding has borrowed.
func (d *decoding) close() {
	if d.r != nil {
		d.r.Close()
		d.r = nil
	}
	d.src.Reset(nil)
	sourceBuffers.Put(d.src)
	d.src = nil
}

package nethttp

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"sonde"
)

var (
	errReadClosed     = errors.New("http: read on closed response body")
	errConcurrentRead = errors.New("http: concurrent read on response body")
)

// wholeBody is a body that came with its head: its connection serves others
// already. A small one has memory of its own, any other the buffer that it was
// received in, which goes back when it has been read or closed. Close may come while
// another goroutine reads.
type wholeBody struct {
	mu     sync.Mutex // guards all
	data   []byte     // what is left
	buf    *buffer    // where it lies; nil: in memory of its own
	closed bool
}

// ownMemory is the size up to which a copy is cheaper than another buffer.
const ownMemory = 1 << 10

// take makes data the body, which lies in c's buffer. own is a copy, if it is small.
func (b *wholeBody) take(own, data []byte, c *trip) {
	if b.data = own; len(own) > 0 {
		return
	}
	c.buf.b = c.call.Buf
	b.data, b.buf = data, c.buf
	c.buf, c.call.Buf = nil, nil
}

// release gives the buffer back. b.mu is held.
func (b *wholeBody) release() {
	b.data = nil
	if b.buf != nil {
		b.buf.recycle()
		b.buf = nil
	}
}

// Read gives what is left; the last bytes come with io.EOF.
func (b *wholeBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, errReadClosed
	case len(b.data) == 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n := copy(p, b.data)
	if b.data = b.data[n:]; len(b.data) == 0 {
		b.release()
		return n, io.EOF
	}
	return n, nil
}

// WriteTo gives what is left to w.
func (b *wholeBody) WriteTo(w io.Writer) (int64, error) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return 0, errReadClosed
	}
	data, buf := b.data, b.buf
	b.data, b.buf = nil, nil // w may close the body
	b.mu.Unlock()
	if len(data) == 0 {
		return 0, nil
	}
	n, err := w.Write(data)
	if n < len(data) && err == nil {
		err = io.ErrShortWrite
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data, b.buf = data[min(max(n, 0), len(data)):], buf; len(b.data) == 0 || b.closed {
		b.release()
	}
	return int64(n), err
}

// Close ends it.
func (b *wholeBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.release()
	return nil
}

// liveBody is a body on the wire. Close may come while another goroutine reads.
type liveBody struct {
	ex   *sonde.Exchange
	t    *Transport
	over *flight
	resp *http.Response // gets the trailer; nil: there cannot be one

	closed atomic.Bool
	mu     sync.Mutex // guards err
	err    error      // what Read has ended with
}

// Read reads the body. Before it returns io.EOF the connection can serve others,
// and the trailer is there.
func (b *liveBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errReadClosed
	}
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := b.ex.Body.Read(p)
	if err != nil {
		err = b.ended(err)
	}
	return n, err
}

// WriteTo writes the rest to w.
func (b *liveBody) WriteTo(w io.Writer) (int64, error) {
	if b.closed.Load() {
		return 0, errReadClosed
	}
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err == io.EOF {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := b.ex.Body.WriteTo(w)
	var failed *sonde.Error
	switch {
	case err == nil:
		b.ended(io.EOF)
	case errors.As(err, &failed) && err == error(failed):
		err = b.ended(err)
	}
	return n, err
}

// ended notes the body's end, and makes err what net/http would have said.
func (b *liveBody) ended(err error) error {
	if err == io.EOF {
		if b.resp != nil {
			addTrailer(b.resp, b.ex.Trailer())
		}
	} else if b.closed.Load() {
		err = errReadClosed
	} else {
		err = b.t.bodyFailure(b.over, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	return b.err
}

// Close ends the body, and a Read that waits. What is left of it is read where
// that is cheap; otherwise the connection ends.
func (b *liveBody) Close() error {
	if !b.closed.Swap(true) {
		b.ex.Body.Close()
	}
	return nil
}

package sonde

import (
	"io"
	"io/fs"
)

// What lets a middleware see bodies as they pass, without taking their place.

// Tap calls f with each piece of the body as it is read, and then once with nil
// and how the body ended: io.EOF at its end, an error that is fs.ErrClosed if it
// was closed before, another one if reading failed. If it has ended already, f is
// called at once. The bytes are f's until it returns; it must not use the
// exchange. Taps add up, the newest is called first. What is left of a body when
// it is closed passes no tap.
func (b *BodyReader) Tap(f func(p []byte, end error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch older := b.tap; {
	case b.end != nil:
		f(nil, b.end)
	case b.k == nil && b.src == nil:
		f(nil, io.EOF)
	case older == nil:
		b.tap = f
	default:
		b.tap = func(p []byte, end error) {
			f(p, end)
			older(p, end)
		}
	}
}

// closedBody is what reading a closed body gives.
type closedBody struct{}

// Error says so.
func (closedBody) Error() string { return "the body was closed" }

// Unwrap makes it fs.ErrClosed.
func (closedBody) Unwrap() error { return fs.ErrClosed }

// tapped tells of bytes that were read, if there are any, and of the end, if it
// is that. b.mu is held.
func (b *BodyReader) tapped(p []byte, end error) {
	f := b.tap
	if f == nil {
		return
	}
	if len(p) > 0 {
		f(p, nil)
	}
	if end != nil {
		b.tap = nil
		f(nil, end)
	}
}

// Tap returns the body with a witness: attempt is called each time that it is
// opened, and the Writer gets what is read of it, perhaps on another goroutine,
// perhaps after the call has ended; its errors are not looked at. A file does not
// go by sendfile then.
func (b Body) Tap(attempt func() io.Writer) Body {
	if older := b.tap; older == nil {
		b.tap = attempt
	} else {
		b.tap = func() io.Writer { return io.MultiWriter(attempt(), older()) }
	}
	return b
}

// tapped is a body under way that w sees.
type tapped struct {
	io.ReadCloser
	w io.Writer
}

// Read reads.
func (t tapped) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if n > 0 {
		t.w.Write(p[:n])
	}
	return n, err
}

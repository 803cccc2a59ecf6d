package capture

import (
	"errors"
	"io"
)

// window is a stretch of a stream that can be looked at in place. What peek
// returns stays where it is until the next call of peek or skip.
type window struct {
	in     io.Reader
	buf    []byte
	lo, hi int
	at     int64 // offset of lo in the stream
}

const windowSize = 128 << 10

func newWindow(in io.Reader) window { return window{in: in, buf: make([]byte, windowSize)} }

// peek returns the next n bytes. At the end of the stream it returns io.EOF if
// there is nothing left and io.ErrUnexpectedEOF if there is less than n. Memory
// grows with the bytes that arrive, not with n.
func (w *window) peek(n int) ([]byte, error) {
	for w.hi-w.lo < n {
		if err := w.read(n); err != nil {
			if errors.Is(err, io.EOF) && w.hi > w.lo {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return w.buf[w.lo : w.lo+n : w.lo+n], nil
}

// read gets more bytes; there are fewer than n.
func (w *window) read(n int) error {
	if w.lo > 0 && w.lo+n > len(w.buf) {
		w.hi = copy(w.buf, w.buf[w.lo:w.hi])
		w.lo = 0
	}
	if w.hi == len(w.buf) {
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	for range 100 {
		got, err := w.in.Read(w.buf[w.hi:])
		if got < 0 || got > len(w.buf)-w.hi {
			return errors.New("capture: a reader that counts wrong")
		}
		w.hi += got
		if got > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// take steps over n bytes that peek returned.
func (w *window) take(n int) {
	w.lo += n
	w.at += int64(n)
}

// skip steps over n bytes of the stream.
func (w *window) skip(n int64) error {
	for n > 0 {
		if w.lo == w.hi {
			if _, err := w.peek(1); err != nil {
				if errors.Is(err, io.EOF) {
					err = io.ErrUnexpectedEOF
				}
				return err
			}
		}
		step := int(min(n, int64(w.hi-w.lo)))
		w.take(step)
		n -= int64(step)
	}
	return nil
}

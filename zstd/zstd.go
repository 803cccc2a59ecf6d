// Package zstd is the content coding zstd, Zstandard (RFC 8878), for sonde's
// Config.Codings.
package zstd

import (
	"io"
	"io/fs"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Coding is the coding zstd. The zero Coding is ready; it is safe for concurrent
// use.
type Coding struct {
	// Level is how hard NewWriter tries, from 1, the fastest, to 22, as the zstd
	// command counts. 0 is 3.
	Level int
}

const (
	defaultLevel = 3
	// window is the largest that a frame may need. RFC 9659 §3: for content codings
	// that is 8 MiB, so that a server cannot take the client's memory.
	window = 8 << 20
)

// Name is "zstd".
func (Coding) Name() string { return "zstd" }

var readers sync.Pool

// NewReader decodes what it reads from r, while its own Read is called. A frame that
// needs a window of more than 8 MiB is an error (RFC 9659 §3). It must be closed.
func (Coding) NewReader(r io.Reader) (io.ReadCloser, error) {
	d, _ := readers.Get().(*zstd.Decoder)
	if d == nil {
		// One at a time: it has no goroutines, and needs no Close.
		fresh, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, err
		}
		d = fresh
	}
	if err := d.Reset(r); err != nil {
		return nil, err
	}
	// The decoder's Read waits until p is full. A block that has come, an event of a
	// stream perhaps, must not wait for the next one: WriteTo gives each by itself.
	out := &reader{d: d}
	out.next, out.stop = iter.Pull(func(yield func([]byte) bool) {
		if _, err := d.WriteTo(blocks(yield)); err != nil {
			out.err = err
		}
	})
	return out, nil
}

// blocks are the decoded blocks, each valid until it is asked for the next.
type blocks func([]byte) bool

// Write gives one.
func (yield blocks) Write(p []byte) (int, error) {
	if len(p) > 0 && !yield(p) {
		return 0, fs.ErrClosed
	}
	return len(p), nil
}

// NewWriter encodes what it is given into w, on the goroutine that writes.
func (c Coding) NewWriter(w io.Writer) (io.WriteCloser, error) {
	level := c.Level
	if level == 0 {
		level = defaultLevel
	}
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
}

// reader gives its decoder back when it is closed.
type reader struct {
	d    *zstd.Decoder
	next func() ([]byte, bool)
	stop func()
	left []byte // of the last block
	err  error  // how the stream ended; nil: at its end
	over bool
}

// Read reads.
func (r *reader) Read(p []byte) (int, error) {
	if len(r.left) == 0 && !r.over {
		block, ok := r.next()
		r.left, r.over = block, !ok
	}
	switch {
	case r.d == nil:
		return 0, fs.ErrClosed
	case len(r.left) > 0:
		n := copy(p, r.left)
		r.left = r.left[n:]
		return n, nil
	case r.err != nil:
		return 0, r.err
	}
	return 0, io.EOF
}

// Close gives the decoder back.
func (r *reader) Close() error {
	if r.d == nil {
		return nil
	}
	r.stop()
	d := r.d
	r.d, r.left, r.over = nil, nil, true
	if err := d.Reset(nil); err == nil {
		readers.Put(d)
	}
	return nil
}

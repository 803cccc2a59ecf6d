package nethttp

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"sync"
)

// unzipped is a body that a server compressed because this package asked for it.
// One goroutine reads it; Close may come from another.
type unzipped struct {
	body io.ReadCloser

	mu  sync.Mutex
	zr  *gzipReader // nil while a Read has it, and before the first
	err error       // what Read says by itself: why there is no zr
}

// gzipReader is a gzip.Reader with the buffer that it reads from.
type gzipReader struct {
	gzip.Reader
	in *bufio.Reader
}

var gzipReaders = sync.Pool{New: func() any { return &gzipReader{in: bufio.NewReaderSize(nil, 4<<10)} }}

var nothing = bytes.NewReader(nil)

func (z *gzipReader) recycle() {
	z.in.Reset(nothing)
	z.Reader.Reset(z.in) // holds on to no body
	gzipReaders.Put(z)
}

// take gets the reader for one Read.
func (u *unzipped) take() (*gzipReader, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return nil, u.err
	}
	z := u.zr
	if z == nil {
		z = gzipReaders.Get().(*gzipReader)
		z.in.Reset(u.body)
		if err := z.Reader.Reset(z.in); err != nil {
			z.recycle()
			u.err = err
			return nil, err
		}
	}
	u.zr, u.err = nil, errConcurrentRead
	return z, nil
}

// give brings it back.
func (u *unzipped) give(z *gzipReader) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != errConcurrentRead { // closed meanwhile
		z.recycle()
		return
	}
	u.zr, u.err = z, nil
}

// Read decodes.
func (u *unzipped) Read(p []byte) (int, error) {
	z, err := u.take()
	if err != nil {
		return 0, err
	}
	defer u.give(z)
	return z.Read(p)
}

// Close ends the body.
func (u *unzipped) Close() error {
	u.mu.Lock()
	if u.zr != nil {
		u.zr.recycle()
		u.zr = nil
	}
	u.err = errReadClosed
	u.mu.Unlock()
	return u.body.Close()
}

package sonde

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"io/fs"
	"sync"
)

// Gzip is the coding gzip (RFC 1952). A body may have several members; bytes
// behind the last one are an error (§2.2).
func Gzip() Coding { return gzipCoding{} }

// Deflate is the coding deflate: the zlib format (RFC 1950), as RFC 9110 §8.4.1.2
// wants it. Bare deflate (RFC 1951), which some servers send under that name, is
// read as well.
func Deflate() Coding { return deflateCoding{} }

type gzipCoding struct{}

var gzipReaders, gzipWriters sync.Pool

func (gzipCoding) Name() string { return "gzip" }

// NewReader reads the first member's header.
func (gzipCoding) NewReader(r io.Reader) (io.ReadCloser, error) {
	z, _ := gzipReaders.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	if err := z.Reset(r); err != nil {
		gzipReaders.Put(z)
		return nil, err
	}
	return &lentReader{z, &gzipReaders}, nil
}

func (gzipCoding) NewWriter(w io.Writer) (io.WriteCloser, error) {
	z, _ := gzipWriters.Get().(*gzip.Writer)
	if z == nil {
		return &lentWriter{gzip.NewWriter(w), &gzipWriters}, nil
	}
	z.Reset(w)
	return &lentWriter{z, &gzipWriters}, nil
}

type deflateCoding struct{}

var zlibReaders, flateReaders, zlibWriters sync.Pool

func (deflateCoding) Name() string { return "deflate" }

// NewReader looks at the first two bytes. RFC 1950 §2.2: of zlib they are a
// multiple of 31 and name the method 8, with a window of 32 KiB at most. Bare
// deflate would begin so only with a stored block whose padding is not zero.
func (deflateCoding) NewReader(r io.Reader) (io.ReadCloser, error) {
	br, ok := r.(*bufio.Reader)
	if !ok {
		br = bufio.NewReader(r)
	}
	start, err := br.Peek(2)
	if len(start) == 2 && start[0]&0x0f == 8 && start[0]>>4 <= 7 && (int(start[0])<<8|int(start[1]))%31 == 0 {
		return newZlibReader(br)
	}
	if len(start) == 0 {
		return nil, err
	}
	if z, ok := flateReaders.Get().(io.Reader); ok {
		z.(flate.Resetter).Reset(br, nil) // never fails without a dictionary
		return &lentReader{z, &flateReaders}, nil
	}
	return &lentReader{flate.NewReader(br), &flateReaders}, nil
}

func newZlibReader(r io.Reader) (io.ReadCloser, error) {
	z, ok := zlibReaders.Get().(io.Reader)
	if !ok {
		fresh, err := zlib.NewReader(r)
		if err != nil {
			return nil, err
		}
		return &lentReader{fresh, &zlibReaders}, nil
	}
	if err := z.(zlib.Resetter).Reset(r, nil); err != nil {
		zlibReaders.Put(z)
		return nil, err
	}
	return &lentReader{z, &zlibReaders}, nil
}

func (deflateCoding) NewWriter(w io.Writer) (io.WriteCloser, error) {
	z, _ := zlibWriters.Get().(*zlib.Writer)
	if z == nil {
		return &lentWriter{zlib.NewWriter(w), &zlibWriters}, nil
	}
	z.Reset(w)
	return &lentWriter{z, &zlibWriters}, nil
}

// lentReader is a reader that goes back to its pool when it is closed: making one
// costs some 40 KB.
type lentReader struct {
	r    io.Reader
	pool *sync.Pool
}

func (l *lentReader) Read(p []byte) (int, error) {
	if l.r == nil {
		return 0, fs.ErrClosed
	}
	return l.r.Read(p)
}

func (l *lentReader) Close() error {
	if l.r != nil {
		l.pool.Put(l.r)
		l.r = nil
	}
	return nil
}

// lentWriter is a writer that goes back to its pool when it is closed: making one
// costs some 800 KB.
type lentWriter struct {
	w    io.WriteCloser
	pool *sync.Pool
}

func (l *lentWriter) Write(p []byte) (int, error) {
	if l.w == nil {
		return 0, fs.ErrClosed
	}
	return l.w.Write(p)
}

func (l *lentWriter) Close() error {
	if l.w == nil {
		return nil
	}
	err := l.w.Close()
	l.pool.Put(l.w)
	l.w = nil
	return err
}

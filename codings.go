package sonde

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
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

var flateReaders, zlibWriters sync.Pool

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
	if len(start) == 0 {
		return nil, err
	}
	bare := len(start) < 2 || start[0]&0x0f != 8 || start[0]>>4 > 7 || (int(start[0])<<8|int(start[1]))%31 != 0
	if !bare {
		if start[1]&0x20 != 0 {
			return nil, zlib.ErrDictionary // nobody has told us one
		}
		br.Discard(2)
	}
	z, ok := flateReaders.Get().(io.Reader)
	if !ok {
		z = flate.NewReader(br)
	} else {
		z.(flate.Resetter).Reset(br, nil) // never fails without a dictionary
	}
	lent := lentReader{z, &flateReaders}
	if bare {
		return &lent, nil
	}
	return &zlibReader{lentReader: lent, src: br, sum: 1}, nil
}

// zlibReader reads zlib's format behind its header. That of compress/zlib does no
// more here, and has every program carry 12 KB.
type zlibReader struct {
	lentReader
	src *bufio.Reader // of what is inflated
	sum uint32
	end error // what every Read says from now on
}

// Read reads inflated bytes, and checks them at their end.
func (z *zlibReader) Read(p []byte) (int, error) {
	if z.end != nil && z.r != nil {
		return 0, z.end
	}
	n, err := z.lentReader.Read(p)
	z.sum = adler32(z.sum, p[:n])
	if err == io.EOF {
		err = z.check()
	}
	z.end = err
	return n, err
}

// check compares the sum behind the data (RFC 1950 §2.2); io.EOF: it is right.
func (z *zlibReader) check() error {
	var want [4]byte
	switch _, err := io.ReadFull(z.src, want[:]); {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case binary.BigEndian.Uint32(want[:]) != z.sum:
		return zlib.ErrChecksum
	}
	return io.EOF
}

// adler32 is the sum of what had sum before and of p behind it (RFC 1950 §8.2). It
// begins with 1.
func adler32(sum uint32, p []byte) uint32 {
	const base = 65521 // the largest prime below 1<<16
	a, b := sum&0xffff, sum>>16
	for len(p) > 0 {
		some := p[:min(len(p), 5552)] // as many as b holds without the remainder
		for _, c := range some {
			a += uint32(c)
			b += a
		}
		a, b, p = a%base, b%base, p[len(some):]
	}
	return b<<16 | a
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

// Package br is the content coding br, Brotli (RFC 7932), for sonde's
// Config.Codings. It links net/http by way of the library that it stands on, which
// sonde itself does not.
package br

import (
	"io"
	"io/fs"
	"sync"

	"github.com/andybalholm/brotli"
)

// Coding is the coding br. The zero Coding is ready; it is safe for concurrent use.
type Coding struct {
	// Level is how hard NewWriter tries, from 1, the fastest, to 11. 0 is 4, which is
	// about as fast as gzip's default and smaller.
	Level int
}

const defaultLevel = 4

// Name is "br".
func (Coding) Name() string { return "br" }

var readers sync.Pool

// NewReader decodes what it reads from r. A stream that needs a window of more than
// 16 MiB, which RFC 7932 does not have, is an error.
func (Coding) NewReader(r io.Reader) (io.ReadCloser, error) {
	b, _ := readers.Get().(*brotli.Reader)
	if b == nil {
		return &reader{b: brotli.NewReader(r)}, nil
	}
	if err := b.Reset(r); err != nil {
		return nil, err
	}
	return &reader{b: b}, nil
}

// NewWriter encodes what it is given into w.
func (c Coding) NewWriter(w io.Writer) (io.WriteCloser, error) {
	level := c.Level
	if level == 0 {
		level = defaultLevel
	}
	return brotli.NewWriterLevel(w, min(max(level, brotli.BestSpeed), brotli.BestCompression)), nil
}

// reader gives its decoder back when it is closed.
type reader struct {
	b   *brotli.Reader
	end bool // it is at its end, where Reset leaves nothing of the stream behind
}

// Read reads.
func (r *reader) Read(p []byte) (int, error) {
	if r.b == nil {
		return 0, fs.ErrClosed
	}
	n, err := r.b.Read(p)
	r.end = err == io.EOF
	return n, err
}

// Close gives the decoder back.
func (r *reader) Close() error {
	if r.b != nil && r.end {
		readers.Put(r.b)
	}
	r.b = nil
	return nil
}

package sonde

import (
	"bytes"
	"io"
	"os"

	"sonde/internal/message"
)

// WithDownloadProgress calls f as the response's body comes: with the bytes so far,
// encoded as they are received, and how many there will be, -1 if that is not known.
// f is called on the goroutine that reads and must not use the exchange.
func WithDownloadProgress(f func(received, total int64)) Option {
	return Option{func(r *Request) { r.set.received = f }}
}

// WithUploadProgress calls f as the request's body leaves: with the bytes that the
// system has taken, and how many there are, -1 if that is not known. Each attempt
// begins with 0. f is called on another goroutine than the call's, one call of it at
// a time for each attempt. A file does not go by sendfile(2) then.
func WithUploadProgress(f func(sent, total int64)) Option {
	return Option{func(r *Request) { r.set.uploaded = f }}
}

// watched is b, which tells f how far it is.
func watched(b message.Body, total int64, f func(sent, total int64)) message.Body {
	if b.Reader == nil {
		b.Reader, b.Bytes = io.NopCloser(bytes.NewReader(b.Bytes)), nil
	}
	b.Reader, b.File = &departing{ReadCloser: b.Reader, f: f, total: total}, (*os.File)(nil)
	return b
}

// departing is a body on its way out. That more of it is read tells that what was
// read before has left.
type departing struct {
	io.ReadCloser
	f                  func(sent, total int64)
	given, told, total int64
	begun              bool
	err                error // came with the last bytes
}

// Read reads.
func (d *departing) Read(p []byte) (int, error) {
	if !d.begun || d.given > d.told {
		d.begun, d.told = true, d.given
		d.f(d.told, d.total)
	}
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.ReadCloser.Read(p)
	d.given += int64(n)
	if n > 0 && err != nil {
		d.err, err = err, nil
	}
	return n, err
}

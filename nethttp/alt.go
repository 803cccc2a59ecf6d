package nethttp

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

var errCannotRewind = errors.New("net/http: cannot rewind body after connection loss")

// tracked is a body of which one must know whether it was touched.
type tracked struct {
	io.ReadCloser
	read, closed atomic.Bool
}

// Read notes that it was read.
func (b *tracked) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.ReadCloser.Read(p)
}

// Close closes it, once.
func (b *tracked) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.ReadCloser.Close()
}

// track is req with a body that is watched; nil if it has none.
func track(req *http.Request) (*http.Request, *tracked) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	b := &tracked{ReadCloser: req.Body}
	copied := *req
	copied.Body = b
	return &copied, b
}

// rewind is req with its body as it was.
func (b *tracked) rewind(req *http.Request) (*http.Request, error) {
	if b == nil || !b.read.Load() && !b.closed.Load() {
		return req, nil
	}
	b.Close()
	if req.GetBody == nil {
		return nil, errCannotRewind
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	copied := *req
	copied.Body = body
	return &copied, nil
}

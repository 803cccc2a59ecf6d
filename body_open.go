package sonde

import (
	"bytes"
	"io"
)

// What lets others than a connection read a body: signing it, or looking at it.

// Open opens the body as an attempt does, for its caller to read and close; size
// is its length, or -1. No Tap sees it. A body that Replays can be opened any
// number of times; any other is used up by it.
func (b Body) Open() (rc io.ReadCloser, size int64, err error) {
	switch {
	case b.err != nil:
		return nil, 0, b.err
	case b.open == nil:
		return io.NopCloser(bytes.NewReader(b.data)), int64(len(b.data)), nil
	}
	return b.open()
}

// Replays reports whether the body can be read, and so sent, more than once.
func (b Body) Replays() bool { return b.replays() }

// Empty reports whether there is no body, which is not the same as one of 0 bytes.
func (b Body) Empty() bool { return b.empty() }

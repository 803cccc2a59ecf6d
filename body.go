package sonde

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/socket"
)

// Body is the body of a request. The zero Body is none. Each attempt opens it
// once and closes it once, on every path; one that cannot be opened again is not
// sent again.
type Body struct {
	data      []byte // a body in memory
	inMemory  bool
	open      func() (io.ReadCloser, int64, error) // otherwise; the length, or -1
	size      int64                                // as far as it is known before, -1 if it is not
	again     bool                                 // open may be called more than once
	single    bool                                 // but for one attempt at a time: it is rewound
	discard   func()                               // closes what was given, if open was never called
	mediaType string
	coding    string // that it is encoded by, for Content-Encoding
	err       error
	tap       func() io.Writer // see Tap
	apart     bool             // see message.Body.Apart
}

// Bytes is a body of bytes in memory. They must not change while it is in use.
func Bytes(b []byte) Body { return Body{data: b, inMemory: true, size: int64(len(b)), again: true} }

// Text is a body of text, sent as text/plain in UTF-8.
func Text(s string) Body {
	b := Bytes([]byte(s))
	b.mediaType = "text/plain; charset=utf-8"
	return b
}

// JSONBody is v as JSON, sent as application/json. What json.Marshal refuses is
// the call's error.
func JSONBody(v any) Body {
	data, err := json.Marshal(v)
	b := Bytes(data)
	b.mediaType, b.err = "application/json", err
	return b
}

// Form is an HTML form, sent as application/x-www-form-urlencoded.
func Form(values url.Values) Body {
	b := Bytes([]byte(values.Encode()))
	b.mediaType = "application/x-www-form-urlencoded"
	return b
}

// File is the content of a file, opened anew for each attempt. Over plain TCP it
// goes by sendfile(2) where the system has it.
func File(path string) Body {
	return Body{size: -1, again: true, open: func() (io.ReadCloser, int64, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		if info.IsDir() {
			f.Close()
			return nil, 0, &os.PathError{Op: "send", Path: path, Err: errors.New("is a directory")}
		}
		if !info.Mode().IsRegular() {
			return f, -1, nil
		}
		return f, info.Size(), nil
	}}
}

// Func is a body that open opens anew for each attempt. size is its length, -1 if
// that is not known: then it goes chunked.
func Func(size int64, open func() (io.ReadCloser, error)) Body {
	if open == nil {
		return Body{err: errors.New("body: the func is nil")}
	}
	return Body{size: max(size, -1), again: true, open: func() (io.ReadCloser, int64, error) {
		rc, err := open()
		if err == nil && rc == nil {
			err = errors.New("body: the func returned neither a reader nor an error")
		}
		return rc, max(size, -1), err
	}}
}

// Reader is a body that r gives. size is its length, -1 if that is not known:
// then it goes chunked.
//
// An io.Seeker is rewound to where it stands now for each attempt and call; it
// stays the caller's and is left open. Anything else can be sent only once, and
// is closed, if it is an io.Closer, when the call needs it no more, even if it
// was never read. A Read that blocks is left behind when the call ends, unless
// Close wakes it.
func Reader(r io.Reader, size int64) Body {
	if r == nil {
		return Body{err: errors.New("body: the reader is nil")}
	}
	size = max(size, -1)
	switch in := r.(type) {
	case *bytes.Buffer: // its bytes can be sent again, and need no goroutine
		if size < 0 || size == int64(in.Len()) {
			return Bytes(in.Bytes())
		}
	case io.Seeker:
		if at, err := in.Seek(0, io.SeekCurrent); err == nil {
			return seekable(r, in, at, size)
		}
	}
	var used atomic.Bool
	return Body{size: size, open: func() (io.ReadCloser, int64, error) {
		if used.Swap(true) {
			return nil, 0, ErrUsedBody
		}
		return closer(r), size, nil
	}, discard: func() {
		if !used.Swap(true) {
			closer(r).Close()
		}
	}}
}

// ErrUsedBody is in the chain of the error of a call whose body was to be sent
// again, but can be read only once.
var ErrUsedBody = errors.New("the request's body was used up and can be read only once")

// seekable is a body that is rewound for each attempt and left open.
func seekable(r io.Reader, s io.Seeker, at, size int64) Body {
	if size < 0 {
		if end, err := s.Seek(0, io.SeekEnd); err == nil {
			size = max(end-at, 0)
		}
		s.Seek(at, io.SeekStart)
	}
	inUse := new(atomic.Bool)
	return Body{size: size, again: true, single: true, open: func() (io.ReadCloser, int64, error) {
		if inUse.Swap(true) {
			return nil, 0, errBodyInUse
		}
		if _, err := s.Seek(at, io.SeekStart); err != nil {
			inUse.Store(false)
			return nil, 0, fmt.Errorf("rewinding the request's body: %w", err)
		}
		return &rewound{r, inUse}, size, nil
	}}
}

var errBodyInUse = errors.New("the request's body is being read by another call")

// bodyPatience is how long an attempt waits for the Reader that it shares with the one
// before: that one's Read is on its way back, or blocked for as long as it likes.
const bodyPatience = 200 * time.Millisecond

// reopened is prepare, for an attempt that may come before the last one's goroutine
// has let go of the body.
func (k *call) reopened() (body message.Body, size int64, err error) {
	var ends time.Time
	for {
		body, size, err = k.req.body.prepare()
		if err != errBodyInUse || k.attempt == 1 {
			return body, size, err
		}
		if now := time.Now(); ends.IsZero() {
			ends = now.Add(bodyPatience)
		} else if now.After(ends) {
			return body, size, err
		}
		select {
		case <-k.ctx.Done():
			return body, size, socket.ContextError(k.ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// rewound is one attempt's turn with a reader that stays open.
type rewound struct {
	io.Reader
	inUse *atomic.Bool
}

// Close ends the turn.
func (b *rewound) Close() error {
	b.inUse.Store(false)
	return nil
}

func closer(r io.Reader) io.ReadCloser {
	if rc, ok := r.(io.ReadCloser); ok {
		return rc
	}
	return io.NopCloser(r)
}

// WithMediaType returns the body with another Content-Type.
func (b Body) WithMediaType(mediaType string) Body {
	b.mediaType = mediaType
	return b
}

func (b *Body) empty() bool { return !b.inMemory && b.open == nil }

// length is the length, if it is known before the body is opened.
func (b *Body) length() (int64, bool) {
	if b.empty() {
		return 0, true
	}
	return b.size, b.size >= 0
}

// replays reports whether the body can be sent more than once.
func (b *Body) replays() bool { return b.empty() || b.again }

// drop closes what was given to a body that is never going to be opened.
func (b *Body) drop() {
	if b.discard != nil {
		b.discard()
	}
}

// prepare opens the body for one attempt; size is its length, or -1.
func (b *Body) prepare() (out message.Body, size int64, err error) {
	switch {
	case b.empty():
		return message.Body{}, 0, nil
	case b.inMemory:
		if b.tap != nil {
			b.tap().Write(b.data)
		}
		return message.Body{Bytes: b.data}, b.size, nil
	}
	rc, size, err := b.open()
	if err != nil {
		return message.Body{}, 0, err
	}
	own, stays := rc.(*rewound)
	out.Stays, out.Apart = stays, b.apart
	if e, ok := rc.(*encoder); ok {
		out.Stays = e.stays()
	}
	if out.Reader = rc; b.tap != nil {
		out.Reader = tapped{rc, b.tap()}
		return out, size, nil
	}
	if stays {
		out.File, _ = own.Reader.(*os.File)
	} else {
		out.File, _ = rc.(*os.File)
	}
	return out, size, nil
}

// openBody opens the body for this attempt.
func (k *call) openBody() *fault.Fault {
	r, p, m := k.req, k.plan, &k.msg
	body, size, err := k.reopened()
	if err != nil {
		return fault.New(fault.Request, err)
	}
	switch {
	case p.request.Body != message.UnknownLength:
	case size >= 0 && !r.set.chunked: // known since the body was opened
		k.sized = p.request
		k.sized.Body, k.sized.Length, k.sized.Expect = message.KnownLength, size, r.expects(message.KnownLength, size)
		m.Request = &k.sized
	case body.Reader == nil: // only what a Reader gives goes chunked
		body = message.Body{Reader: io.NopCloser(bytes.NewReader(body.Bytes))}
	}
	if body.Reader != nil || body.Bytes != nil {
		if f := r.set.uploaded; f != nil {
			body = watched(body, size, f)
		}
	}
	m.Body = body
	m.Body.Trailer = r.trailer()
	return nil
}

package nethttp

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sonde/internal/core"
	"sonde/internal/message"
)

// sending is a request's body on its way: what net/http's rules make of Body,
// ContentLength, TransferEncoding and Trailer.
type sending struct {
	body      io.ReadCloser // nil: none
	length    int64         // -1: not known
	chunked   bool
	identity  bool // TransferEncoding says so
	announced []string
	closed    bool // the body
}

// inMemory is the largest body that is read before it is sent, from a reader that
// cannot block.
const inMemory = 16 << 10

// prepare finds out how the body of req goes.
func prepare(req *http.Request) (s sending, err error) {
	if req.ContentLength != 0 && req.Body == nil {
		return s, fmt.Errorf("http: Request.ContentLength=%d with nil Body", req.ContentLength)
	}
	switch te := req.TransferEncoding; {
	case req.Body == nil: // there is nothing to encode
	case len(te) > 0 && te[0] == "chunked":
		s.chunked = true
	case len(te) == 1 && te[0] == "identity":
		s.identity = true
	}
	// NoBody is none, but chunked it has a last chunk.
	if s.body = req.Body; s.body == http.NoBody && !s.chunked {
		s.body = nil
	}
	switch {
	case s.body == nil:
	case req.ContentLength != 0:
		s.length = req.ContentLength
	default:
		s.length = -1
	}
	if s.length < 0 && req.Method != http.MethodConnect {
		s.chunked = true
		if len(req.TransferEncoding) == 0 && usuallyLacksBody(req.Method) {
			s.probe()
		}
	}
	if s.chunked {
		s.length = -1
		return s, s.announce(req.Trailer)
	}
	return s, nil
}

// usuallyLacksBody reports whether a body of unknown length, with that method, may
// well be empty.
func usuallyLacksBody(method string) bool {
	switch method {
	case "", "GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "SEARCH":
		return true
	}
	return false
}

// firstByte is what a body gave when it was probed.
type firstByte struct {
	b   [1]byte
	n   int
	err error
}

// probe reads one byte: a body that is empty at once is none, since some servers
// mind a chunked body in a GET. It waits 200 ms, as net/http does.
func (s *sending) probe() {
	came := make(chan *firstByte, 1)
	body := s.body
	go func() {
		f := new(firstByte)
		f.n, f.err = body.Read(f.b[:])
		came <- f
	}()
	timer := time.NewTimer(200 * time.Millisecond)
	defer timer.Stop()
	l := &late{came: came, rest: body}
	select {
	case f := <-came:
		if f.n == 0 && f.err == io.EOF {
			body.Close()
			s.body, s.length, s.chunked, s.closed = nil, 0, false, true
			return
		}
		l.take(f)
	case <-timer.C:
	}
	s.body = l
}

// late is a body whose first byte another goroutine reads.
type late struct {
	came chan *firstByte // nil: it was read
	data []byte
	err  error
	rest io.ReadCloser
}

func (l *late) take(f *firstByte) { l.came, l.data, l.err = nil, f.b[:f.n], f.err }

// Read gives the first byte, then the rest.
func (l *late) Read(p []byte) (int, error) {
	if l.came != nil {
		l.take(<-l.came)
	}
	switch {
	case len(l.data) > 0:
		n := copy(p, l.data)
		l.data = l.data[n:]
		return n, nil
	case l.err != nil:
		return 0, l.err
	}
	return l.rest.Read(p)
}

// Close closes the body.
func (l *late) Close() error { return l.rest.Close() }

// announce takes the names of the trailer section.
func (s *sending) announce(trailer http.Header) error {
	for name := range trailer {
		name = http.CanonicalHeaderKey(name)
		if err := checkTrailer(name); err != nil {
			return err
		}
		s.announced = append(s.announced, name)
	}
	slices.Sort(s.announced)
	return nil
}

// checkTrailer refuses what would frame the message a second time.
func checkTrailer(name string) error {
	switch http.CanonicalHeaderKey(name) {
	case "Transfer-Encoding", "Trailer", "Content-Length":
		return fmt.Errorf("invalid Trailer key %q", name)
	}
	return nil
}

// trailer is h once the body has been read, with the fields that were added only
// then, announced or not.
func trailer(h http.Header) (f message.Fields, err error) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if err := checkTrailer(name); err != nil {
			return f, err
		}
		for _, v := range h[name] {
			if err := f.Add(name, textproto.TrimString(v)); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// into makes the body c's.
func (s *sending) into(c *core.Call, req *http.Request) error {
	c.Replay, c.Again = replays(req), true
	switch {
	case s.body == nil || req.Method == http.MethodConnect:
		return nil
	case s.chunked:
		c.Kind = message.UnknownLength
	default:
		c.Kind, c.Length = message.KnownLength, s.length
	}
	c.Again, c.Apart = req.GetBody != nil, !known(s.body)
	if len(req.Trailer) > 0 && s.chunked {
		c.Trailer = func() (message.Fields, error) { return trailer(req.Trailer) }
	}
	if c.Kind == message.KnownLength && s.length <= inMemory && !c.Apart {
		data, err := readAll(s.body, s.length)
		s.closed = true
		if err != nil {
			return err
		}
		c.Data = data
		return nil
	}
	body := &upload{first: s.body, again: req.GetBody}
	c.Open, c.Discard = body.open, body.discard
	return nil
}

// replays reports whether net/http would send the request again although the
// server may have acted on it.
func replays(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	// A nil value makes the request one that may be sent again, and is not sent.
	_, one := req.Header["Idempotency-Key"]
	_, other := req.Header["X-Idempotency-Key"]
	return one || other
}

// upload opens a body: first the request's own, then what GetBody gives.
type upload struct {
	mu    sync.Mutex
	first io.ReadCloser
	again func() (io.ReadCloser, error)
}

func (u *upload) open() (io.ReadCloser, error) {
	u.mu.Lock()
	rc := u.first
	u.first = nil
	u.mu.Unlock()
	if rc == nil {
		if u.again == nil {
			return nil, errCannotRewind
		}
		var err error
		if rc, err = u.again(); err != nil {
			return nil, err
		}
	}
	if _, file := rc.(*os.File); file || known(rc) {
		return rc, nil // for these there are shorter ways, and their Close has nothing to tell
	}
	return &closing{ReadCloser: rc}, nil
}

// closing is a body that is closed at its end, and whose failure to close fails the
// request, which is not complete then.
type closing struct {
	io.ReadCloser
	closed atomic.Bool
}

// Read reads it.
func (b *closing) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		if closeErr := b.Close(); closeErr != nil {
			err = closeErr
		}
	}
	return n, err
}

// Close closes it, once.
func (b *closing) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	return b.ReadCloser.Close()
}

func (u *upload) discard() {
	u.mu.Lock()
	rc := u.first
	u.first = nil
	u.mu.Unlock()
	if rc != nil {
		rc.Close()
	}
}

// readAll reads a body in memory that was declared to have n bytes, and closes it.
func readAll(body io.ReadCloser, n int64) ([]byte, error) {
	data := make([]byte, n, n+1) // one more tells that it is longer
	got, err := io.ReadFull(body, data)
	if err == nil {
		var extra int64
		extra, err = io.Copy(io.Discard, body)
		got += int(extra)
	}
	if closeErr := body.Close(); closeErr != nil && (err == nil || err == io.ErrUnexpectedEOF) {
		return nil, closeErr
	}
	if err == io.ErrUnexpectedEOF || err == io.EOF || err == nil && int64(got) != n {
		return nil, wrongLength(n, int64(got))
	}
	return data, err
}

var (
	noCloser   = reflect.TypeOf(io.NopCloser(nil))
	noCloserTo = reflect.TypeOf(io.NopCloser(&bytes.Buffer{}))
)

// known reports whether r is a reader of memory, as http.NewRequest wraps it: its
// Read does not block.
func known(r io.Reader) bool {
	switch r.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader:
		return true
	}
	if t := reflect.TypeOf(r); t == noCloser || t == noCloserTo {
		inner, _ := reflect.ValueOf(r).Field(0).Interface().(io.Reader)
		return inner != nil && known(inner)
	}
	return false
}

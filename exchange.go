package sonde

import (
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/internal/socket"
	"sonde/trace"
)

// Exchange is a response whose head has arrived and whose body is still on the
// wire. Read the body to its end, or close it.
type Exchange struct {
	Head
	Body *BodyReader

	req  *Request // the last one; nil: a handler made the response
	hops []Hop
	kept bool // a redirect that was not to be followed

	refused error // why the request was not sent again
}

// NewExchange is a response that a Handler makes by itself. A nil body is empty;
// an io.Closer is closed once. One with a method Trailer() Header is asked for the
// trailer section when it has been read to its end.
func NewExchange(head Head, body io.Reader) *Exchange {
	return &Exchange{Head: head, Body: &BodyReader{src: body}}
}

// WithBody is ex with another body, for a Handler that changes what is read: it
// keeps the head, Timing, ConnInfo, URL, History and, unless body has a method
// Trailer() Header, the trailer section. body reads from ex.Body; when it has
// ended or is closed, so are body, if it is an io.Closer, and ex, which is not to
// be used otherwise any more. Decoded contents usually want other fields, too:
// see Header.
func (ex *Exchange) WithBody(body io.Reader) *Exchange {
	wrapped := *ex
	wrapped.Body = &BodyReader{src: body, under: ex.Body, got: ex.Body.got}
	return &wrapped
}

// take makes ex of a call whose head has arrived.
func (ex *Exchange) take(k *call) {
	ex.Head = newHead(&k.head)
	ex.req = k.req
	if k.trip != nil {
		ex.hops, ex.kept, ex.refused = k.trip.hops, k.trip.kept, k.trip.refused
	}
	b := &BodyReader{k: k, got: k.got}
	ex.Body = b
	if k.stream.Done() {
		b.finish(trace.NoReason, io.EOF)
		return
	}
	k.log.Flush() // who reads the body may take long
	k.stream.Watch()
	// The cleanup must not reach b, or b would never be lost.
	b.cleanup = runtime.AddCleanup(b, (*call).drop, k)
}

// drop ends a call whose body was lost.
func (k *call) drop() {
	k.stream.Abort()
	k.finish(trace.Dropped, errDropped)
	k.tellOver()
}

var (
	errDropped    = errors.New("the exchange was dropped without being closed or read to its end")
	errBodyClosed = closedBody{}
	errNoUpgrade  = errors.New("only the response to an upgrade (101) or to CONNECT (2xx) hands over its connection")
)

// Close ends the exchange. What is left of the body is drained where that is
// cheap; otherwise the connection is closed. It may be called more than once, and
// while another goroutine reads. The error is always nil.
func (ex *Exchange) Close() error { return ex.Body.Close() }

// Trailer is the trailer section, once the body has been read to its end.
func (ex *Exchange) Trailer() Header {
	return Header{ex.Body.trailerSoFar()}
}

func (b *BodyReader) trailerSoFar() message.Fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trailer
}

// Timing says where the time of the call went so far.
func (ex *Exchange) Timing() Timing {
	times := ex.Body.timesSoFar()
	return times.timing()
}

func (b *BodyReader) timesSoFar() times {
	if b.under != nil {
		return b.under.timesSoFar()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.k != nil {
		return b.k.times
	}
	return b.times
}

// ConnInfo describes the connection that carries it.
func (ex *Exchange) ConnInfo() ConnInfo { return connInfo(&ex.Body.got) }

// URL is where the response came from, after redirects, without credentials; "" if
// a Handler made it.
func (ex *Exchange) URL() string {
	if ex.req == nil {
		return ""
	}
	return ex.req.URL()
}

// History is the redirects that were followed to it, the first one first.
func (ex *Exchange) History() []Hop { return slices.Clone(ex.hops) }

// check makes an error of a status that is no success.
func (ex *Exchange) check(req *Request, c *Client) error {
	if c.accepts(req, ex.Status, ex.kept) {
		return nil
	}
	s := &StatusError{Head: ex.Head}
	s.Body, s.Truncated, _ = readSome(ex.Body, overridden(c.cfg.Limits.ErrorBody, req.set.limits.ErrorBody))
	ex.Close()
	if ex.req != nil {
		req = ex.req
	}
	e := req.error(fault.Status, s)
	e.safe, e.NotRetried = false, ex.refused
	if e.Attempt = ex.Body.attempt; e.Attempt == 0 {
		e.Attempt = 1
	}
	if remote := ex.ConnInfo().Remote; remote.IsValid() {
		e.Remote = remote.String()
	}
	return e
}

// BodyReader is the body of an Exchange. One goroutine reads it; Close may come
// from any. It is this value whose loss is noticed: whoever keeps it keeps the
// exchange.
type BodyReader struct {
	mu      sync.Mutex  // held while reading
	guard   sync.Mutex  // guards k against Close from elsewhere
	k       *call       // nil once the exchange has ended
	src     io.Reader   // of NewExchange
	under   *BodyReader // that src reads from, of WithBody
	shut    sync.Once   // src was closed
	end     error       // what Read returns once the exchange has ended
	cleanup runtime.Cleanup
	attempt int
	trailer message.Fields
	times   times

	received int64 // of an exchange that has ended
	got      pool.Got
	tap      func([]byte, error) // see Tap; nil once it was told of the end
}

// Read reads the body. Before it returns io.EOF the connection is back in the
// pool. Its errors are *Error.
func (b *BodyReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.k != nil:
		n, err := b.k.stream.Read(p)
		b.tapped(p[:n], nil)
		if err != nil {
			err = b.finish(trace.NoReason, err)
		}
		return n, err
	case b.end != nil:
		return 0, b.end
	case b.src == nil:
		return 0, io.EOF
	}
	n, err := b.src.Read(p)
	b.tapped(p[:n], err)
	if err != nil {
		b.endSource(err)
	}
	return n, err
}

// WriteTo writes the rest of the body to w. An error of w's comes back as it is.
func (b *BodyReader) WriteTo(w io.Writer) (int64, error) {
	b.mu.Lock()
	if b.tap != nil {
		b.mu.Unlock()
		return io.Copy(w, struct{ io.Reader }{b})
	}
	defer b.mu.Unlock()
	switch {
	case b.k != nil:
		return b.writeExchange(w)
	case b.end == io.EOF || b.end == nil && b.src == nil:
		return 0, nil
	case b.end != nil:
		return 0, b.end
	}
	out := outside{b: b, w: w}
	n, err := io.Copy(&out, b.src)
	switch {
	case b.end != nil || out.failed:
	case err == nil:
		b.endSource(io.EOF)
	default:
		b.endSource(err)
	}
	return n, err
}

func (b *BodyReader) writeExchange(w io.Writer) (int64, error) {
	k := b.k
	n, err := k.stream.WriteTo(&outside{b: b, w: w})
	switch f, ok := err.(*fault.Fault); {
	case b.k != k: // w has closed the body, or somebody else meanwhile
	case k.stream.Done():
		b.finish(trace.NoReason, io.EOF)
	case ok:
		err = b.finish(trace.NoReason, f)
	}
	return n, err
}

// outside writes to a writer of the caller's without b.mu, which is held: that
// writer may take its time, and may close the body.
type outside struct {
	b      *BodyReader
	w      io.Writer
	failed bool
}

func (o *outside) Write(p []byte) (n int, err error) {
	b, k := o.b, o.b.k
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		if err == nil && (b.k != k || b.end != nil) {
			err = errBodyClosed
		}
		o.failed = err != nil
	}()
	return o.w.Write(p)
}

// endSource ends a body that a Handler made by itself; err is what Read says from
// now on. b.mu is held.
func (b *BodyReader) endSource(err error) {
	b.end = err
	t, ok := b.src.(interface{ Trailer() Header })
	if ok && err == io.EOF {
		b.trailer = t.Trailer().f
	}
	b.closeSource()
	if b.under != nil && !ok && err == io.EOF {
		b.trailer = b.under.trailerSoFar()
	}
	b.tapped(nil, err)
}

// closeSource closes what such a body comes from, once; from any goroutine.
func (b *BodyReader) closeSource() {
	b.shut.Do(func() {
		if c, ok := b.src.(io.Closer); ok {
			c.Close()
		}
		if b.under != nil {
			b.under.Close()
		}
	})
}

// Done reports whether the body was read to its end.
func (b *BodyReader) Done() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.k == nil && (b.end == io.EOF || b.end == nil && b.src == nil)
}

// Left is how many bytes are left, -1 if that is not known.
func (b *BodyReader) Left() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.k != nil:
		return b.k.stream.Left()
	case b.end != nil || b.src == nil:
		return 0
	}
	return -1
}

// Received is how many bytes of the body have come so far, before decoding and
// without framing. Of a body that a Handler made it is 0.
func (b *BodyReader) Received() int64 {
	if b.under != nil {
		return b.under.Received()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.k != nil {
		return b.k.stream.Received()
	}
	return b.received
}

// Close ends the exchange; see Exchange.Close.
func (b *BodyReader) Close() error {
	if !b.mu.TryLock() {
		b.abort() // wakes the Read that holds it
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	switch {
	case b.k != nil:
		b.finish(trace.NoReason, errBodyClosed)
	case b.src != nil && b.end == nil:
		b.endSource(errBodyClosed)
	}
	return nil
}

// abandon ends the exchange because a callback panicked.
func (b *BodyReader) abandon() { b.cut(trace.CallbackPanicked) }

// cut ends the exchange at once, for that reason.
func (b *BodyReader) cut(end trace.Reason) {
	b.abort()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.k != nil:
		b.finish(end, errBodyClosed)
	case b.src != nil && b.end == nil:
		b.endSource(errBodyClosed)
	}
}

// abort wakes a Read that waits.
func (b *BodyReader) abort() {
	b.guard.Lock()
	defer b.guard.Unlock()
	if b.k != nil {
		b.k.stream.Abort()
	}
	b.closeSource()
}

// finish ends the exchange; err is what ended the body, and what it returns is
// what Read says of it from now on. b.mu is held.
func (b *BodyReader) finish(end trace.Reason, err error) error {
	k := b.k
	b.cleanup.Stop()
	b.guard.Lock()
	b.k = nil
	b.guard.Unlock()
	b.end, b.attempt = err, k.attempt
	if f, ok := err.(*fault.Fault); ok {
		b.end, end = k.error(f), f.End
	}
	if err == io.EOF {
		b.trailer, err = k.stream.Trailer(), nil
	}
	b.received = k.stream.Received()
	k.finish(end, err)
	b.times = k.times
	k.recycle()
	b.tapped(nil, b.end)
	return b.end
}

// Upgrade hands over the connection after a 101 response to an Upgrade field, or
// a 2xx response to CONNECT (RFC 9110 §7.8, §9.3.6). The context of the call has
// no more to do with it.
func (ex *Exchange) Upgrade() (*UpgradedConn, error) {
	b := ex.Body
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.k == nil || b.k.stream.Left() >= 0 || !b.k.tunnel() {
		return nil, errNoUpgrade
	}
	k := b.k
	b.guard.Lock() // or a Close from elsewhere would find it half given away
	conn, rest, ok := k.stream.Hijack()
	if ok {
		b.k = nil
	}
	b.guard.Unlock()
	if !ok {
		err := socket.ContextError(k.ctx)
		if err == nil {
			err = errBodyClosed
		}
		return nil, b.finish(trace.NoReason, &fault.Fault{
			Op: fault.Read, Err: err, Sent: true, Answer: true, End: trace.Canceled})
	}
	b.cleanup.Stop()
	b.end, b.times = errBodyClosed, k.times
	if k.held {
		k.held = false
		k.client.pool.Detach(k.got.Conn, trace.Upgraded, k.log)
	}
	if k.round == nil {
		k.log.End(trace.AttemptDone, nil)
		k.log.Emit(&trace.Event{Kind: trace.CallDone, Status: k.head.Status})
	}
	k.recycle()
	b.tapped(nil, io.EOF)
	return &UpgradedConn{Conn: conn, rest: rest}, nil
}

func (k *call) tunnel() bool {
	return k.head.Status == 101 || k.req.method == CONNECT && k.head.Status/100 == 2
}

// UpgradedConn is a connection that HTTP has left to the caller, who closes it.
type UpgradedConn struct {
	net.Conn
	rest []byte // bytes that were read with the response's head
}

// Read reads, first what the server sent right behind its response.
func (c *UpgradedConn) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends the caller's direction alone; it is an error where the
// connection cannot.
func (c *UpgradedConn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errors.ErrUnsupported
}

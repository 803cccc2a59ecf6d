// Package socket is a connected socket whose blocking calls end when the
// context of the running call does.
//
// It sits below TLS, so that one mechanism serves both: a cancel closes the raw
// connection (a deadline in the past can be erased by the next phase's own
// deadline; tls.Conn.Close can wait 5 s for a stalled peer). It knows nothing of
// HTTP, and holds no buffer, timer or goroutine while idle.
package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sonde/internal/clock"
	"sonde/internal/errs"
)

// Tick bounds how much later than its context a call may end. A call whose
// context can be cancelled first runs under a deadline this far ahead, and
// registers with the context only when that expires: most calls are over by
// then. Measured per call: registering costs 2 to 5 allocations and 250 to
// 690 ns, the deadline none and 170 ns, or nothing where one is still set.
const Tick = 5 * time.Millisecond

// Conn is a connected socket. One call at a time uses it, by one goroutine that
// reads and at most one that writes; Kill may come from anywhere.
type Conn struct {
	raw   net.Conn
	sys   syscall.RawConn // raw's descriptor; nil: raw has to do all itself
	call  *Call           // the call under way, nil while idle
	armed int64           // deadline for reads set on raw, 0 none
	fd    int32           // for poll, -1 where there is none
	dead  atomic.Bool
	why   atomic.Uint32 // what Abort was told first; 0: it was not called
	half  bool          // the deadline for writes is another than armed
	kind  kind
	Frame uint8 // by the protocol above: what TLS adds to a record; 0: that varies
	Used  bool  // by the protocol above: it has carried an exchange
}

type kind uint8

const (
	foreign      kind = iota // anything a custom dialer made; may be TLS, must not see ticks
	stream                   // *net.TCPConn, *net.UnixConn or *TCP
	quietForeign             // the same, but their deadlines are their dialer's
	quietStream
)

// quiet reports whether the deadlines are somebody else's: where a phase has no
// bound of its own none is set, and the end of a call closes the connection.
func (k kind) quiet() bool { return k >= quietForeign }

// Call is what a Conn keeps for one call. The owner of the call holds it, so
// that idle connections carry none of it.
type Call struct {
	mu        sync.Mutex      // guards readLimit
	ctx       context.Context // nil: cannot be cancelled
	stop      func() bool     // ends the registration with ctx; nil: none
	timer     *time.Timer     // see alarm; nil: none
	limit     int64           // the call's end, 0 none
	readLimit int64           // the phase's end for reads, 0 none
	ticking   bool            // raw's deadline may be a tick
	wroteTick bool            // raw's write deadline may be a tick
	dry       bool            // a Read finds nothing
	ended     bool            // raw has no more to read
	Sent      int64           // bytes that raw took since Begin
	over      int64           // bytes that Read gave since Begin, less those of TLS above it
	in, out   transfer        // the Read and the Write under way
}

// New takes over raw.
func New(raw net.Conn) *Conn {
	c := &Conn{}
	c.Init(raw)
	return c
}

// Init is New for a Conn that is part of another struct.
func (c *Conn) Init(raw net.Conn) {
	c.raw, c.sys = raw, access(raw)
	c.fd = -1
	if sys := pollable(raw, c.sys); sys != nil {
		sys.Control(c.setFd)
	}
	switch raw.(type) {
	case *net.TCPConn, *net.UnixConn, *TCP:
		c.kind = stream
	}
}

func (c *Conn) setFd(fd uintptr) { c.fd = int32(fd) }

// Begin starts a call, at the reading now of the clock: until End, ctx (nil: one
// that never ends) and limit (0: none) bound every Read and Write. It does not look
// at ctx's present state.
func (c *Conn) Begin(call *Call, ctx context.Context, limit, now int64) {
	call.ctx, call.stop, call.timer, call.limit, call.readLimit = nil, nil, nil, limit, 0
	call.ticking, call.wroteTick, call.dry, call.ended = false, false, false, false
	call.Sent, call.over = 0, 0
	// Not ctx.Done(): making its channel costs a context made per call two
	// allocations, which the end of the first tick is early enough for.
	if ctx != nil {
		call.ctx = ctx
		if d, ok := ctx.Deadline(); ok {
			call.limit = clock.Earlier(limit, clock.Of(d))
		}
	}
	c.call = call
	switch {
	case call.ctx == nil && !c.kind.quiet():
		if call.limit != c.armed || c.half {
			c.arm(call.limit)
		}
	case c.kind != stream:
		c.Watch()
	default:
		call.ticking, call.wroteTick = true, true
		tick := clock.Earlier(call.limit, now+int64(Tick))
		// A tick that is still some way ahead serves this call too.
		if c.half || c.armed == 0 || c.armed > tick || c.armed-now < int64(Tick)/2 {
			c.arm(tick)
		}
	}
}

// arm sets both of raw's deadlines.
func (c *Conn) arm(at int64) {
	if c.kind.quiet() {
		c.alarm(at)
		return
	}
	c.armed, c.half = at, false
	if c.raw.SetDeadline(clock.At(at)) != nil && c.kind != stream {
		c.alarm(at)
	}
}

// alarm stands in for the deadlines of a connection that has none, such as a
// channel of SSH: it closes it.
func (c *Conn) alarm(at int64) {
	call := c.call
	if call.timer != nil {
		call.timer.Stop()
		call.timer = nil
	}
	if at != 0 {
		call.timer = time.AfterFunc(time.Duration(at-clock.Now()), c.Kill)
	}
}

// Watch registers the call with its context now, instead of when the first tick
// is over. It must come before a second goroutine uses the Conn.
func (c *Conn) Watch() {
	call := c.call
	call.ticking, call.wroteTick = false, false
	if call.ctx != nil && call.stop == nil && call.ctx.Done() != nil {
		call.stop = context.AfterFunc(call.ctx, c.Kill)
	}
	c.arm(call.limit)
	if call.readLimit != 0 {
		c.armRead()
	}
}

// SetReadWait is SetReadLimit for a bound after which reading goes on.
func (c *Conn) SetReadWait(at int64) {
	if !c.kind.quiet() {
		c.SetReadLimit(at)
		return
	}
	c.call.mu.Lock()
	defer c.call.mu.Unlock()
	c.call.readLimit = at
	c.raw.SetReadDeadline(clock.At(at))
}

// SetReadLimit bounds the Reads that follow, besides the call's own limit; 0 is
// no such bound. It holds for a Read that is blocked already. After Watch it is
// safe from any goroutine.
func (c *Conn) SetReadLimit(at int64) {
	call := c.call
	call.mu.Lock()
	defer call.mu.Unlock()
	if call.readLimit == at {
		return
	}
	call.readLimit = at
	if !call.ticking || at != 0 && at < c.armed { // otherwise the end of the tick does it
		c.armRead()
	}
}

func (c *Conn) armRead() {
	if c.kind.quiet() {
		c.alarm(clock.Earlier(c.call.limit, c.call.readLimit))
		return
	}
	c.armed, c.half = clock.Earlier(c.call.limit, c.call.readLimit), true
	if c.raw.SetReadDeadline(clock.At(c.armed)) != nil && c.kind != stream {
		c.alarm(c.armed)
	}
	if c.armed == 0 {
		// The next Begin must not take "no read deadline" for "none at all".
		c.armed = -1
	}
}

// Read reads from the raw connection.
func (c *Conn) Read(p []byte) (int, error) {
	if c.call != nil && c.call.dry {
		return 0, os.ErrDeadlineExceeded // of which TLS knows that it passes
	}
	for {
		n, err := c.receive(p)
		if n > 0 {
			if c.call != nil {
				c.call.over += int64(n)
			}
			return n, nil // an error that came with bytes comes again
		}
		if err == nil || !c.resume(err, true) {
			if c.call != nil {
				c.call.ended = err == io.EOF
			}
			if err != nil && err != io.EOF {
				err = c.pending(err)
			}
			return n, err
		}
	}
}

// Ended reports whether the last Read of the call under way found the end. What TLS
// above takes for its own end without an alert is that.
func (c *Conn) Ended() bool { return c.call != nil && c.call.ended }

// Dry makes each Read of the call under way find nothing, so that what is above gives
// only what it has already.
func (c *Conn) Dry(on bool) { c.call.dry = on }

// Decrypted notes that TLS above gave so many bytes.
func (c *Conn) Decrypted(n int) {
	if c.call != nil {
		c.call.over -= int64(n)
	}
}

// Overhead is how many bytes of this call TLS has read and not given.
func (c *Conn) Overhead() int64 {
	if c.call == nil {
		return 0
	}
	return c.call.over
}

// Write writes all of p, or says how much and why not.
func (c *Conn) Write(p []byte) (int, error) {
	done := 0
	for {
		n, err := c.send(p[done:])
		done += n
		if c.call != nil {
			c.call.Sent += int64(n)
		}
		if err == nil || !c.resume(err, false) {
			return done, err
		}
	}
}

// ErrEarly is what Ask says of bytes that came before it has sent anything.
var ErrEarly = errors.New("bytes came before the request was sent")

// Witness is told how an Ask goes, between its steps. It must not close the
// connection, nor wait.
type Witness interface {
	Waits() // what is to be sent may have to wait
	Sent()  // all was sent
}

func (c *Conn) askPlain(out, p []byte, w Witness) (n int, wrote, err error) {
	if w != nil {
		w.Waits()
	}
	if _, wrote = c.Write(out); wrote != nil {
		return 0, wrote, nil
	}
	if w != nil {
		w.Sent()
	}
	n, err = c.Read(p)
	return n, nil, err
}

// resume decides whether err was only the end of a tick. If so it registers with
// the context, sets the real deadlines, and the operation goes on.
func (c *Conn) resume(err error, read bool) bool {
	call := c.call
	if call == nil || !IsTimeout(err) {
		return false
	}
	if read && !call.ticking || !read && !call.wroteTick {
		return false
	}
	limit := call.limit
	if read {
		limit = clock.Earlier(limit, call.readLimit)
	}
	if limit != 0 && clock.Now() >= limit {
		return false
	}
	c.Watch()
	return true
}

// IsTimeout reports whether err is the end of a deadline.
func IsTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	t, ok := errs.As[net.Error](err)
	return ok && t.Timeout()
}

// ReadFrom sends what r gives, by sendfile or splice where r and the connection
// allow. It needs Watch before it.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if rf, ok := c.raw.(io.ReaderFrom); ok {
		return rf.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.raw}, r)
}

// Forget ends the registration of a call whose Conn is dead, without ending the
// call: another goroutine may still be using it.
func (call *Call) Forget() {
	if call.stop != nil {
		call.stop()
	}
	if call.timer != nil {
		call.timer.Stop()
	}
}

// End ends the call, if it has not ended yet. It reports whether the connection
// may be used again: not when the end of the context has closed it or is about to.
func (c *Conn) End() bool {
	call := c.call
	c.call = nil
	if call == nil {
		return !c.dead.Load()
	}
	late := call.timer != nil && !call.timer.Stop()
	if call.stop != nil && !call.stop() || late {
		return false
	}
	call.ctx, call.stop, call.timer = nil, nil, nil
	return !c.dead.Load()
}

// Cause says why the call under way was cut short: the context's error and cause,
// os.ErrDeadlineExceeded for a limit that is over, net.ErrClosed for Kill, nil if
// nothing did.
func (c *Conn) Cause() error {
	if call := c.call; call != nil {
		now := clock.Now()
		if call.ctx != nil {
			if d, ok := call.ctx.Deadline(); ok && now >= clock.Of(d) {
				waitDone(call.ctx) // its own timer may be a moment behind ours
				if call.ctx.Err() == nil {
					return &contextError{context.DeadlineExceeded, os.ErrDeadlineExceeded}
				}
			}
			if err := ContextError(call.ctx); err != nil {
				return err
			}
		}
		call.mu.Lock()
		limit := clock.Earlier(call.limit, call.readLimit)
		call.mu.Unlock()
		if limit != 0 && now >= limit {
			return os.ErrDeadlineExceeded
		}
	}
	if c.dead.Load() {
		return net.ErrClosed
	}
	return nil
}

// ContextEnd is why the context of the call under way has ended, nil if it has not.
func (c *Conn) ContextEnd() error {
	if c.call == nil || c.call.ctx == nil {
		return nil
	}
	return ContextError(c.call.ctx)
}

func waitDone(ctx context.Context) {
	t := time.NewTimer(100 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Expired reports whether the context or the limit of the call is over, as
// against a phase's.
func (c *Conn) Expired() bool {
	call := c.call
	return call.ctx != nil && call.ctx.Err() != nil || call.limit != 0 && clock.Now() >= call.limit
}

// Kill closes the raw connection at once, also under TLS, and so ends every Read
// and Write. It is safe from any goroutine, any number of times.
func (c *Conn) Kill() {
	if c.dead.Swap(true) {
		return
	}
	inner(c.raw).Close()
	if _, layered := c.raw.(interface{ NetConn() net.Conn }); layered {
		c.raw.Close() // cannot wait for a peer any more, and may have more to tidy up
	}
}

// Abort is Kill, for a reason of the caller's, not 0. Why says it from then on.
func (c *Conn) Abort(why uint32) {
	c.why.CompareAndSwap(0, why)
	c.Kill()
}

// Why is the reason of the first Abort, 0 without one.
func (c *Conn) Why() uint32 { return c.why.Load() }

// inner is the connection below all layers that a custom dialer put above it.
func inner(raw net.Conn) net.Conn {
	for range 8 {
		l, ok := raw.(interface{ NetConn() net.Conn })
		if !ok || l.NetConn() == nil {
			break
		}
		raw = l.NetConn()
	}
	return raw
}

// Raw is the connection as the dialer made it.
func (c *Conn) Raw() net.Conn { return c.raw }

// Fd is the descriptor for poll, or -1. Only an idle connection's owner may use
// it, since a closed one's number is given to others.
func (c *Conn) Fd() int { return int(c.fd) }

// Layered reports whether bytes on the wire may be something else than bytes of
// the stream, as with TLS that a custom dialer brought.
func (c *Conn) Layered() bool { return c.kind == foreign || c.kind == quietForeign }

// SetQuiet leaves the deadlines of raw to whoever made it, before the first call.
func (c *Conn) SetQuiet() {
	if c.kind == stream {
		c.kind = quietStream
	} else {
		c.kind = quietForeign
	}
}

// Quiet reports whether SetQuiet was called.
func (c *Conn) Quiet() bool { return c.kind.quiet() }

// The rest makes Conn a net.Conn for crypto/tls.

// Close is Kill.
func (c *Conn) Close() error { c.Kill(); return nil }

// CloseWrite ends the sending direction, where raw can.
func (c *Conn) CloseWrite() error {
	if h, ok := c.raw.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return errors.ErrUnsupported
}

// LocalAddr is raw's.
func (c *Conn) LocalAddr() net.Addr { return Local(c.raw) }

// RemoteAddr is raw's.
func (c *Conn) RemoteAddr() net.Addr { return Remote(c.raw) }

// Local is the local address of a connection that a dialer of the caller's may have
// made, nil if there is none. One for a test is often a struct around a nil
// net.Conn, which panics when it is asked.
func Local(conn net.Conn) (a net.Addr) {
	if c, ok := conn.(*net.TCPConn); ok {
		return c.LocalAddr()
	}
	defer func() {
		if recover() != nil {
			a = nil
		}
	}()
	return conn.LocalAddr()
}

// Remote is the remote one.
func Remote(conn net.Conn) (a net.Addr) {
	if c, ok := conn.(*net.TCPConn); ok {
		return c.RemoteAddr()
	}
	defer func() {
		if recover() != nil {
			a = nil
		}
	}()
	return conn.RemoteAddr()
}

// SetDeadline sets raw's deadlines between calls; during one the call's own hold.
func (c *Conn) SetDeadline(t time.Time) error {
	if c.call != nil {
		return nil
	}
	c.unarm()
	return c.raw.SetDeadline(t)
}

// unarm notes that somebody else sets the deadlines, who may do so from several
// goroutines once a connection was given away.
func (c *Conn) unarm() {
	if c.armed != -1 {
		c.armed = -1
	}
}

// SetReadDeadline is SetDeadline for reads.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.call != nil {
		return nil
	}
	c.unarm()
	return c.raw.SetReadDeadline(t)
}

// SetWriteDeadline is SetDeadline for writes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.call != nil {
		return nil
	}
	c.unarm()
	return c.raw.SetWriteDeadline(t)
}

// contextError is the end of a context, which satisfies both its Err and its Cause.
type contextError struct{ err, cause error }

func (e *contextError) Error() string   { return e.cause.Error() }
func (e *contextError) Unwrap() []error { return []error{e.err, e.cause} }

// Timeout reports whether a deadline ended the context.
func (e *contextError) Timeout() bool { return errors.Is(e.err, context.DeadlineExceeded) }

// Temporary completes net.Error.
func (e *contextError) Temporary() bool { return e.Timeout() }

// ContextError is nil while ctx is not done; afterwards an error for which
// errors.Is holds with both ctx.Err() and context.Cause(ctx).
func ContextError(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if cause == nil || cause == err {
		return err
	}
	return &contextError{err, cause}
}

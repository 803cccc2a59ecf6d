package h1

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sonde/internal/clock"
	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/socket"
	"sonde/trace"
)

const (
	// firstBuffer takes most heads with a small body. 10,000 calls at once are 160 MB
	// of buffers if each begins with more. It is a size of the allocator's, which puts
	// five of these on a span and two of 4 KB; what it knows of a span it keeps for
	// good: 48 bytes a buffer less.
	firstBuffer = 4864
	// bufferSize takes a head and a body of some 10 KB in one read. Who gets such
	// responses gets such a buffer.
	bufferSize = 16 << 10
	// keptBuffer is the largest buffer that an exchange keeps for the next one.
	keptBuffer = 64 << 10
	// smallBody is the largest body that shares an allocation with its head.
	smallBody = 1 << 10
	// inlineBody is the largest body that leaves with the head, in one write by
	// the caller's goroutine. A larger one could block it while the server has
	// an answer ready.
	inlineBody = 16 << 10
	// answerGrace is how long an answer is awaited after writing failed: a server
	// that refuses a large body answers, then closes.
	answerGrace = time.Second
)

// exchange is one request and its response on a Conn. It has the buffers, so that
// idle connections have none, and stays with a message.Call for the next exchange:
// that is less memory to touch than a pool of its own.
type exchange struct {
	conn *Conn
	call *message.Call
	up   uploader // the request body's goroutine, nil if it went with the head

	buf  []byte // bytes read: buf[r:w] are still to be used. It is mem or *call.Buf
	r, w int

	end      trace.Reason // why the connection cannot be used again
	done     bool         // the body was read to its end
	tunnel   bool         // 101, or 2xx to CONNECT: no body, the bytes are the caller's
	answered bool         // a byte of an answer came
	prompt   bool         // the head came in one read, and no other before it
	waiting  bool         // for 100 Continue, until the read limit
	started  bool         // with up: a byte of the request may have left
	framing  Framing
	whole    []byte // the body, in the caller's buffer; nil: it was not all there
	left     int64  // Length: bytes left
	headLen  int    // bytes of the last head
	hint     time.Duration
	got      int64 // body bytes
	idleSet  int64
	writeErr error
	failure  error // what a read of the body gave

	asks   bool   // the first read sends the request
	ask    []byte // the request that it sends
	sock   socket.Call
	chunks Chunked
	mem    []byte // a buffer of its own; nil: not needed so far
	least  int    // size of the next one
}

func (x *exchange) begin(c *Conn, ctx context.Context, call *message.Call) {
	x.conn, x.call = c, call
	if call.Buf == nil {
		x.buf = x.own(firstBuffer)
	} else if x.buf = (*call.Buf)[:cap(*call.Buf)]; len(x.buf) < firstBuffer {
		x.buf = make([]byte, firstBuffer)
	}
	c.sock.Begin(&x.sock, ctx, call.Until, call.Now)
}

// own is a buffer of x's own, of at least n bytes.
func (x *exchange) own(n int) []byte {
	if n = max(n, x.least); len(x.mem) < n {
		x.mem = make([]byte, n)
	}
	return x.mem
}

// recycle gives x to the next exchange of its call. What an abandoned upload may
// still look at is not x's own.
func (x *exchange) recycle() {
	call := x.call
	if call.Buf == nil && len(x.buf) > len(x.mem) {
		x.mem = x.buf // it has grown
	}
	if len(x.mem) > keptBuffer {
		x.mem = nil
	}
	x.conn, x.call, x.up, x.buf = nil, nil, nil, nil
	x.r, x.w = 0, 0
	x.framing, x.left, x.whole = Framing{}, 0, nil
	x.done, x.tunnel, x.answered, x.prompt, x.waiting, x.started = false, false, false, false, false, false
	x.idleSet, x.got, x.hint = 0, 0, 0
	x.end, x.writeErr, x.failure, x.ask = 0, nil, nil, nil
	call.Kept = x
}

// send writes the request, or starts the upload that does. Its failure is kept:
// the answer comes first, if there is one.
func (x *exchange) send() {
	call := x.call
	if !x.asks {
		call.Log.Flush() // a write may wait
	}
	if call.Rendered != nil && call.Body.Reader == nil && len(call.Body.Bytes) == 0 && !call.Request.Expect {
		x.sendInline(call.Rendered, len(call.Rendered)) // as it is: no copy
		return
	}
	out := x.buf[:0]
	if call.Rendered != nil {
		out = append(out, call.Rendered...)
	} else {
		out = AppendRequest(out, call.Request)
	}
	headLen := len(out)
	switch {
	case call.Body.Reader == nil && len(call.Body.Bytes) <= inlineBody && !call.Request.Expect:
		out = append(out, call.Body.Bytes...)
		x.buf = out[:cap(out)]
		x.sendInline(out, headLen)
	case call.Request.Expect, call.Body.Apart:
		x.conn.sock.Watch()
		x.up = call.Request.Uploads.(uploads)(x.conn, call, nil)
		x.buf = out[:cap(out)]
		if _, x.writeErr = x.conn.write(out); x.writeErr != nil {
			x.conn.sock.SetReadLimit(clock.Now() + int64(answerGrace))
			return
		}
		x.started = true
		wroteHead(call.Log, 0, out, call.Words)
		if !call.Request.Expect {
			x.up.start()
			return
		}
		if call.Log.On() {
			call.Log.Emit(&trace.Event{Kind: trace.ContinueWait})
		}
		x.waiting = true
		if wait := call.Timeouts.Continue; wait > 0 {
			x.conn.sock.SetReadWait(clock.Now() + int64(wait))
		}
	default:
		x.conn.sock.Watch()
		x.up = call.Request.Uploads.(uploads)(x.conn, call, out)
		x.started = true
		x.buf = out[:cap(out)]
		x.up.start()
	}
}

// sendInline writes the whole request, whose head is out[:head].
func (x *exchange) sendInline(out []byte, head int) {
	if x.asks {
		x.ask, x.headLen = out, head
		return
	}
	if _, x.writeErr = x.conn.write(out); x.writeErr != nil {
		x.call.Log.End(trace.RequestWritten, x.writeErr)
		x.conn.sock.SetReadLimit(clock.Now() + int64(answerGrace))
		return
	}
	x.sent(out, head)
}

// sent notes that the whole request, whose head is out[:head], has left.
func (x *exchange) sent(out []byte, head int) {
	call := x.call
	// Otherwise nobody asks when one write was over: a reading is 30 to 40 ns.
	if wait := call.Timeouts.FirstByte; wait > 0 {
		call.Sent = clock.Now()
		x.conn.sock.SetReadLimit(call.Sent + int64(wait))
	}
	if call.Log.On() {
		call.Sent = clock.Now()
		wroteInline(call.Log, call.Sent, out, head, call.Words)
	}
}

var (
	errTooMany     = errors.New("too many informational responses")
	errUnasked101  = errors.New("101 Switching Protocols was not asked for")
	errNoAnswer    = fmt.Errorf("the server closed the connection without an answer: %w", io.EOF)
	errHeadCutOff  = fmt.Errorf("the connection ended within a response head: %w", io.ErrUnexpectedEOF)
	errBodyCutOff  = fmt.Errorf("the connection ended within a response body: %w", io.ErrUnexpectedEOF)
	errConnAborted = errors.New("the connection was closed by the client")
)

// protocolError marks an error as the peer's breach of HTTP.
type protocolError struct{ error }

func (e protocolError) Unwrap() error { return e.error }

// callerError marks an error as one that a callback of the caller gave.
type callerError struct{ error }

func (e callerError) Unwrap() error { return e.error }

// receive reads heads until the final one.
func (x *exchange) receive() error {
	if x.writeErr != nil && x.sock.Sent == 0 {
		return cmp.Or(x.conn.alert(), x.writeErr) // nothing left: what waits there is no answer to this
	}
	for informational, unseen := 0, 0; ; {
		if err := x.readHead(); err != nil {
			return err
		}
		head := x.call.Head
		// RFC 9110 §15.2: any number of 1xx responses may come before the final
		// one. 101 ends HTTP on the connection.
		if head.Status >= 200 || head.Status == 101 {
			return x.final()
		}
		if informational++; x.call.Informational == nil {
			unseen += x.headLen
		}
		if limit := x.call.Limits.Informational; limit > 0 && informational > limit {
			return protocolError{errTooMany}
		}
		if limit := x.call.Limits.Head; limit > 0 && unseen > limit {
			return protocolError{message.NewOver(fmt.Sprintf("informational responses of more than %d bytes", limit))}
		}
		if err := x.informational(); err != nil {
			return err
		}
	}
}

// readHead reads one response head into call.Head, which borrows x.buf.
func (x *exchange) readHead() error {
	limits := Limits{Head: x.call.Limits.Head, Fields: x.call.Limits.Fields}
	for from := 0; ; {
		if x.w > x.r {
			n, next, err := ParseHead(x.buf[x.r:x.w], from, x.call.Head, limits)
			if err != nil {
				return protocolError{err}
			}
			if n > 0 {
				x.r += n
				x.headLen = n
				return nil
			}
			from = next
		}
		if err := x.fillHead(); err != nil {
			return err
		}
	}
}

// fillHead reads more of a head.
func (x *exchange) fillHead() error {
	// While the request is still being sent, a server that has said something, such
	// as 100 Continue, may be silent as long as it likes before its next head.
	between := x.r == x.w && x.up != nil
	if x.answered && x.call.Timeouts.FirstByte == 0 && x.writeErr == nil && !x.waiting && !between {
		x.refreshIdle()
	}
	x.prompt = false
	if x.ask == nil {
		x.call.Log.Flush()
	}
	n, err := x.fill()
	if n > 0 {
		if !x.answered {
			x.answered, x.prompt = true, true
			x.call.FirstByte = clock.Now()
			if x.call.Log.On() {
				x.call.Log.Step(trace.FirstByte, 0, x.call.FirstByte, 0, nil)
			}
		}
		return nil
	}
	if x.waiting && socket.IsTimeout(err) && !x.conn.sock.Expired() {
		// The server did not say 100 Continue in time: RFC 9110 §10.1.1 lets the
		// client go on without.
		if x.call.Log.On() {
			x.call.Log.End(trace.ContinueDone, nil)
		}
		x.proceed()
		return nil
	}
	if err == io.EOF {
		if x.answered {
			return errHeadCutOff
		}
		return errNoAnswer
	}
	return err
}

// fill reads once into free room of the buffer, which it makes if there is none.
func (x *exchange) fill() (int, error) {
	if x.r == x.w {
		x.r, x.w = 0, 0
	} else if x.w == len(x.buf) {
		if x.r > 0 {
			x.w = copy(x.buf, x.buf[x.r:x.w])
			x.r = 0
		} else {
			x.buf = append(x.buf, make([]byte, len(x.buf))...)
		}
	}
	var n int
	var err error
	if x.ask == nil {
		n, err = x.conn.read(x.buf[x.w:])
	} else {
		n, err = x.exchange()
	}
	x.w += n
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// asking is an exchange whose first read sends its request.
type asking exchange

func (a *asking) Waits() { a.call.Log.Flush() }

func (a *asking) Sent() {
	(*exchange)(a).sent(a.ask, a.headLen)
	a.call.Log.Flush() // the answer takes its time
}

// exchange sends the request and reads what comes back. On a connection that was idle
// a response may lie there, or an end: the request is not sent then.
func (x *exchange) exchange() (int, error) {
	var told socket.Witness
	if x.call.Log.On() {
		told = (*asking)(x)
	}
	n, wrote, err := x.conn.sock.Ask(x.ask, x.buf, told)
	x.ask = nil
	if wrote == nil && (err == nil || x.sock.Sent > 0) {
		return n, err
	}
	x.call.Log.End(trace.RequestWritten, cmp.Or(wrote, err))
	if wrote == nil {
		return n, err
	}
	x.writeErr = wrote
	if x.sock.Sent == 0 {
		return 0, wrote
	}
	x.conn.sock.SetReadLimit(clock.Now() + int64(answerGrace))
	return x.conn.read(x.buf)
}

// informational handles a 1xx response other than 101.
func (x *exchange) informational() error {
	call := x.call
	if call.Log.On() {
		if call.Head.Status == 100 && x.waiting {
			call.Log.Emit(&trace.Event{Kind: trace.ContinueDone, Status: 100})
		}
		call.Log.Emit(&trace.Event{Kind: trace.Informational, Status: call.Head.Status})
	}
	x.prompt = false
	if call.Informational != nil {
		call.Head.Detach()
		if err := call.Informational(call.Head); err != nil {
			return callerError{err}
		}
	}
	if call.Head.Status == 100 && x.waiting {
		x.proceed()
	}
	call.Head.Reset()
	return nil
}

// proceed ends the wait for 100 Continue and sends the body.
func (x *exchange) proceed() {
	x.waiting = false
	x.conn.sock.SetReadWait(0)
	x.up.start()
}

// final takes the final response's head: how its body is framed, and what the
// connection is worth afterwards.
func (x *exchange) final() error {
	call, head := x.call, x.call.Head
	framing, err := ResponseFraming(call.Request.Method, head)
	if err != nil {
		return protocolError{err}
	}
	x.framing = framing
	x.tellHead()
	reuse, why, hint, _ := KeepAlive(head, framing)
	x.hint = hint
	switch {
	case head.Status == 101:
		if !asksUpgrade(call.Request) {
			return protocolError{errUnasked101}
		}
		x.tunnel = true
	case call.Request.Method == "CONNECT" && head.Status/100 == 2:
		x.tunnel = true
	case call.Request.Close: // a server that repeats it did not ask for it
		x.end = trace.OneShot
	case !reuse:
		x.end = why
	}
	x.keepHead()
	if x.up != nil {
		x.up.answer()
	}
	if x.waiting && call.Request.Insist && x.end == trace.NoReason {
		// RFC 9110 §10.1.1: it may be sent, and leaves the connection as it should be.
		x.proceed()
	}
	if x.waiting {
		// RFC 9110 §10.1.1: the body stays unsent. The server may still expect
		// its bytes, so that nothing else can follow on this connection.
		x.waiting = false
		x.end = trace.RequestBodyUnsent
		if call.Log.On() {
			call.Log.Emit(&trace.Event{Kind: trace.ContinueDone, Status: head.Status})
		}
		x.up.refuse(nil)
	}
	if x.writeErr != nil && x.end == trace.NoReason {
		x.end = trace.WriteFailed
	}
	x.startBody()
	if call.Log.On() && !x.done && (x.framing.Kind != Length || x.left > int64(x.w-x.r)) {
		call.Log.Flush() // the rest of the body is still to come
	}
	return nil
}

// keepHead makes the head's text last beyond the buffer, which the body needs. A
// caller's buffer, which has the head, keeps it, and the body as well if that has
// come: not to copy it saves some 800 ns for 10 KB. Other bytes of a body are read
// into x's own.
func (x *exchange) keepHead() {
	buf := x.call.Buf
	complete := x.framing.Kind == Length && x.framing.Length <= int64(x.w-x.r)
	if buf == nil && !(complete && x.call.Keep) {
		if x.framing.Kind == ChunkedBody || x.framing.Kind == UntilClose || x.scant() {
			x.least = bufferSize
		}
		x.call.Head.Detach()
		return
	}
	if complete {
		n := int(x.framing.Length)
		x.whole = x.buf[x.r : x.r+n : x.r+n]
		x.r += n
		x.got = int64(n)
	}
	switch {
	case buf == nil:
		x.keepWhole()
		return
	case complete:
		*buf = x.buf
		return
	}
	if *buf = x.buf; x.scant() {
		*buf = make([]byte, bufferSize) // for the next one
	}
	rest := x.buf[x.r:x.w]
	x.buf = x.own(max(len(rest), bufferSize))
	x.r, x.w = 0, copy(x.buf, rest)
}

// scant reports whether the response would be complete by now in a buffer of the
// usual size.
func (x *exchange) scant() bool {
	return len(x.buf) < bufferSize && x.framing.Kind == Length && x.framing.Length <= int64(bufferSize-x.r)
}

// keepWhole makes head and body the caller's own: in one allocation, which costs a
// small Do some 30 ns less than two, unless the body is so large that somebody who
// keeps only the head would keep much.
func (x *exchange) keepWhole() {
	if body := x.whole; len(body) <= smallBody {
		x.whole = x.call.Head.DetachWith(body)
	} else {
		x.call.Head.Detach()
		x.whole = make([]byte, len(body))
		copy(x.whole, body)
	}
}

func asksUpgrade(r *message.Request) bool {
	return r.Fields.HasToken("Connection", "upgrade") && r.Fields.Has("Upgrade")
}

// fail ends the exchange and its connection for err.
func (x *exchange) fail(err error) *fault.Fault {
	f := &fault.Fault{Err: x.truth(err), Op: fault.FirstByte, Answer: x.answered}
	if x.answered {
		f.Op = fault.Read
	}
	f.Sent = x.started || x.sock.Sent > 0
	switch {
	case IsAlert(err):
		x.writeErr = nil // it says why
	case x.up != nil && x.writeErr == nil && socket.IsTimeout(err):
		// Otherwise chance decides whether the upload or the read notes an end first:
		// the read's word counts, unless it was none but that nothing came.
		x.writeErr = x.up.writeError()
	}
	x.classify(f)
	if x.waiting && x.started && x.call.Log.On() {
		x.call.Log.End(trace.ContinueDone, f.Err)
	}
	x.abandon(f.End)
	return f
}

// classify finds out what was behind f.Err: the context, a timeout, the caller's
// body, or the server; and with what reason the connection ends.
func (x *exchange) classify(f *fault.Fault) {
	if protocol, ok := errs.As[protocolError](f.Err); ok {
		f.Op, f.Err, f.End = fault.Protocol, protocol.error, trace.ProtocolError
		return
	}
	if caller, ok := errs.As[callerError](f.Err); ok {
		f.Op, f.Err, f.End = fault.Read, caller.error, trace.Canceled
		return
	}
	if x.up != nil {
		if err := x.up.readerError(); err != nil {
			f.Op, f.Err, f.End = fault.Write, err, trace.RequestBodyFailed
			// A Reader may have failed because the context ended; both are causes then.
			if end := x.conn.sock.ContextEnd(); end != nil {
				f.Err = fmt.Errorf("%w (%w)", err, end)
			}
			return
		}
	}
	cause := x.conn.sock.Cause()
	switch {
	case x.conn.sock.Why() != 0:
		f.Err, f.End = errConnAborted, trace.Reason(x.conn.sock.Why())
	case x.writeErr != nil && (cause == nil || socket.IsTimeout(cause) && !x.conn.sock.Expired()):
		// The grace for an answer is over, or the connection is.
		f.Op, f.Err, f.End = fault.Write, x.writeErr, trace.WriteFailed
		if socket.IsTimeout(x.writeErr) {
			f.End = trace.TimedOut
		} else if !f.Sent && x.conn.sock.Used {
			f.End = ended(x.writeErr)
		}
	case cause != nil:
		f.Err, f.End = cause, trace.Canceled
		if socket.IsTimeout(cause) {
			f.End = trace.TimedOut
		}
		if x.writeErr != nil {
			f.Op = fault.Write
		}
	case errors.Is(f.Err, socket.ErrEarly):
		f.End = trace.UnsolicitedBytes
	case !f.Sent && x.up == nil && x.conn.sock.Used:
		f.End = ended(f.Err)
	case errors.Is(f.Err, io.EOF) || errors.Is(f.Err, io.ErrUnexpectedEOF):
		f.End = trace.ServerClosedInUse
	default:
		f.End = trace.ReadFailed
	}
}

// abandon ends the connection, and the exchange unless an upload still hangs on
// a Reader of the caller's.
func (x *exchange) abandon(why trace.Reason) {
	c := x.conn
	c.sock.Abort(uint32(why))
	if x.up != nil && !x.up.stop() {
		x.sock.Forget() // its goroutine may still use x.sock: leave it to the collector
		return
	}
	c.sock.End()
	x.recycle()
}

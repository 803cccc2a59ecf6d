package h1

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"sonde/internal/clock"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

const (
	// directRead is the smallest room worth a read of its own past the buffer.
	directRead = 4 << 10
	// copyBuffer is what WriteTo reads at a time: 256 KiB reads reach .95 of the
	// raw limit on a large download, 32 KiB ones .70.
	copyBuffer = 256 << 10
	// uploadGrace is how long a request may go on after its response was complete.
	uploadGrace = 50 * time.Millisecond
)

// startBody sets the body up; one that is empty is done at once.
func (x *exchange) startBody() {
	if x.tunnel {
		return
	}
	switch x.framing.Kind {
	case None:
		x.done = true
	case Length:
		x.left = x.framing.Length
		x.done = x.left == 0 || x.whole != nil
	case ChunkedBody:
		x.chunks.Reset(x.call.Limits.Head, x.call.Limits.Fields)
	case UntilClose:
		x.end = trace.BodyUntilClose
	}
}

// Done reports whether the body was read to its end.
func (x *exchange) Done() bool { return x.done }

// Whole is the body, if it is all there.
func (x *exchange) Whole() ([]byte, bool) {
	switch {
	case x.whole != nil:
		return x.whole, true
	case x.framing.Kind != Length || x.left != x.framing.Length || x.left > int64(x.w-x.r):
		return nil, false
	}
	body := x.buf[x.r : x.r+int(x.left)]
	x.r += len(body)
	x.got, x.left, x.done = x.left, 0, true
	return body, true
}

// Watch registers the exchange with its context.
func (x *exchange) Watch() {
	if x.up == nil { // otherwise it is
		x.conn.sock.Watch()
	}
}

// Left is how many bytes of the body are left, -1 if that is not known.
func (x *exchange) Left() int64 {
	switch {
	case x.done:
		return 0
	case x.framing.Kind == Length:
		return x.left
	}
	return -1
}

// Received is how many bytes of the body have come.
func (x *exchange) Received() int64 { return x.got }

// Trailer is the trailer section of a chunked body that is done.
func (x *exchange) Trailer() message.Fields {
	if x.framing.Kind == ChunkedBody && x.done {
		return x.chunks.Trailer()
	}
	return message.Fields{}
}

// Read reads body bytes. The last ones come with io.EOF.
func (x *exchange) Read(p []byte) (int, error) {
	if x.failure != nil {
		return 0, x.failure
	}
	n, err := x.readBody(p)
	if err != nil && err != io.EOF {
		f := &fault.Fault{Op: fault.Read, Err: x.truth(err), Sent: true, Answer: true}
		x.writeErr = nil // no news behind the answer's head
		x.classify(f)
		x.end, x.failure = f.End, f
		return n, f
	}
	return n, err
}

func (x *exchange) readBody(p []byte) (int, error) {
	if x.done || x.tunnel {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := 0, error(nil)
	switch x.framing.Kind {
	case Length:
		if n, err = x.take(p, x.left); err == nil {
			x.left -= int64(n)
			x.done = x.left == 0
		}
	case ChunkedBody:
		n, err = x.readChunked(p)
	default:
		if n, err = x.take(p, -1); err == io.EOF {
			err = x.truth(err)
			// RFC 9112 §9.8: under TLS, such a body is complete only by an alert.
			x.done = err == io.EOF && (x.conn.tls == nil || x.call.Request.Unalerted || x.alerted())
		}
	}
	x.got += int64(n)
	switch {
	case x.done:
		err = io.EOF
	case err == io.EOF:
		// RFC 9112 §8: a body cut off is incomplete, whatever was received.
		err = errBodyCutOff
	}
	return n, err
}

// alerted reports whether an end that was read is that of TLS, by an alert.
func (x *exchange) alerted() bool { return x.conn.tls != nil && !x.conn.sock.Ended() }

// truth is err or, where that is but an end, the reset behind it: the system tells of
// one only once, and a write of the upload may have been told.
func (x *exchange) truth(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || x.alerted() {
		return err
	}
	told := x.writeErr
	if told == nil && x.up != nil && !x.waiting { // else it has not begun
		told = x.up.lastWords()
	}
	if errors.Is(told, syscall.ECONNRESET) {
		return told
	}
	return err
}

// readChunked reads data of a chunked body; framing only through the decoder.
func (x *exchange) readChunked(p []byte) (int, error) {
	total := 0
	for {
		if x.chunks.Left > 0 && len(p) > 0 {
			if total > 0 && x.r == x.w {
				return total, nil // what came is worth more now than a wait for the rest
			}
			n, err := x.take(p, x.chunks.Left)
			x.chunks.Left -= int64(n)
			total, p = total+n, p[n:]
			if err != nil {
				return total, err
			}
		}
		if x.chunks.Left > 0 {
			return total, nil
		}
		n, err := x.chunks.Advance(x.buf[x.r:x.w])
		x.r += n
		if err != nil {
			return total, protocolError{err}
		}
		if x.chunks.Done {
			x.done = true
			return total, nil
		}
		if x.chunks.Left > 0 {
			continue
		}
		if total > 0 {
			return total, nil
		}
		x.refreshIdle()
		if _, err := x.fill(); err != nil {
			return total, err
		}
	}
}

// take gives up to most bytes (-1: no bound) from the buffer, or else from the
// connection: straight into p where p is large enough, since a body need not
// pass through the buffer.
func (x *exchange) take(p []byte, most int64) (int, error) {
	if most >= 0 && int64(len(p)) > most {
		p = p[:most]
	}
	if x.r == x.w {
		x.refreshIdle()
		if len(p) >= directRead {
			return x.conn.read(p)
		}
		if _, err := x.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, x.buf[x.r:x.w])
	x.r += n
	return n, nil
}

// refreshIdle starts the time between two reads anew. It is coarse: a sixteenth
// of the time is not worth a system call.
func (x *exchange) refreshIdle() {
	idle := int64(x.call.Timeouts.BodyIdle)
	if idle == 0 {
		if x.idleSet == 0 {
			x.idleSet = 1
			x.conn.sock.SetReadLimit(0) // the head's limit is over
		}
		return
	}
	if now := clock.Now(); x.idleSet == 0 || now-x.idleSet > idle/16 {
		x.idleSet = now
		x.conn.sock.SetReadLimit(now + idle)
	}
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// WriteTo writes the rest of the body to w.
func (x *exchange) WriteTo(w io.Writer) (int64, error) {
	var total int64
	// What the buffer holds already may be all of it.
	var p []byte
	if x.framing.Kind == Length && x.left <= int64(x.w-x.r) {
		p = make([]byte, x.left)
	} else {
		b := copyBuffers.Get().(*[]byte)
		defer copyBuffers.Put(b)
		p = *b
	}
	for {
		n, err := x.Read(p)
		if n > 0 {
			m, werr := w.Write(p[:n])
			total += int64(m)
			if werr == nil && m < n {
				werr = io.ErrShortWrite
			}
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Drain reads the rest of the body where that is cheap: a known rest of at most
// max bytes until the clock shows until (0: no bound), or what has been read
// already.
func (x *exchange) Drain(max, until int64) bool {
	if x.done || x.tunnel || x.failure != nil {
		return x.done
	}
	switch x.framing.Kind {
	case Length:
		if x.left > max {
			return false
		}
		x.idleSet = clock.Now() // keeps refreshIdle from lifting the bound
		if x.left > int64(x.w-x.r) {
			x.conn.sock.SetReadLimit(until)
		}
		for !x.done {
			n := min(x.left, int64(x.w-x.r))
			x.r, x.left, x.got = x.r+int(n), x.left-n, x.got+n
			if x.done = x.left == 0; x.done {
				break
			}
			if until != 0 && clock.Now() >= until {
				return false
			}
			if _, err := x.fill(); err != nil {
				return false
			}
		}
	case ChunkedBody:
		x.drainChunks()
	}
	return x.done
}

// drainChunks passes over the chunks in the buffer.
func (x *exchange) drainChunks() {
	for x.r < x.w && !x.done {
		n := min(x.chunks.Left, int64(x.w-x.r))
		x.r, x.chunks.Left, x.got = x.r+int(n), x.chunks.Left-n, x.got+n
		if x.chunks.Left > 0 {
			return
		}
		k, err := x.chunks.Advance(x.buf[x.r:x.w])
		x.r += k
		if err != nil || k == 0 && x.chunks.Left == 0 && !x.chunks.Done {
			return
		}
		x.done = x.chunks.Done
	}
}

// Finish ends the exchange; see message.Stream.
func (x *exchange) Finish(end trace.Reason) (trace.Reason, time.Duration) {
	c, hint := x.conn, x.hint
	if x.call.Log.On() && !x.tunnel {
		x.tellBody()
	}
	if end == trace.NoReason {
		end = x.end
	}
	if end == trace.NoReason && !x.done {
		end = trace.BodyNotDrained
	}
	if x.up != nil && end == trace.NoReason {
		end = x.up.settle(uploadGrace)
	}
	if x.up != nil {
		x.call.Sent = x.up.sentAt()
	}
	// RFC 9112 §6.3: bytes beyond the response are not the answer to anything.
	if end == trace.NoReason && x.r < x.w {
		end = trace.UnsolicitedBytes
	} else if end == trace.NoReason {
		end = c.held()
	}
	if end != trace.NoReason {
		x.closeFor(end)
		return end, 0
	}
	if x.up != nil {
		x.up.wait()
	}
	if !c.sock.End() {
		end, hint = trace.Canceled, 0
		if why := c.sock.Why(); why != 0 {
			end = trace.Reason(why)
		}
		c.sock.Kill()
	}
	c.sock.Used = true
	x.recycle()
	return end, hint
}

// closeFor ends the connection after an exchange: gracefully where the response
// was complete, at once where bytes are still to come.
func (x *exchange) closeFor(end trace.Reason) {
	c := x.conn
	graceful := x.done && x.failure == nil && (x.up == nil || x.up.finished())
	if !graceful {
		x.abandon(end)
		return
	}
	if x.up != nil {
		x.up.wait()
	}
	c.sock.End()
	x.recycle()
	c.Close(end)
}

// Hijack ends the exchange and gives its connection away.
func (x *exchange) Hijack() (net.Conn, []byte, bool) {
	c := x.conn
	if x.up != nil && x.up.settle(uploadGrace) != trace.NoReason {
		return nil, nil, false
	}
	rest := append([]byte(nil), x.buf[x.r:x.w]...)
	if !c.sock.End() {
		return nil, nil, false
	}
	if !c.sock.Quiet() {
		c.sock.SetDeadline(time.Time{})
	}
	x.recycle()
	if c.tls != nil {
		return c.tls, rest, true
	}
	return c.sock, rest, true
}

// Abort ends reads and writes at once; from any goroutine.
func (x *exchange) Abort() { x.conn.Abort(trace.Canceled) }

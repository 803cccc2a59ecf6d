package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/socket"
	"sonde/trace"
)

// Conn is one HTTP/1 connection. It carries one exchange at a time, on its
// caller's goroutine; Abort may come from anywhere. Idle, it holds no buffer:
// what an exchange needs comes with the exchange.
type Conn struct {
	sock *socket.Conn
	tls  *tls.Conn // nil: plain
}

// NewConn makes a connection of a socket and, above it, TLS (nil: none).
func NewConn(sock *socket.Conn, t *tls.Conn) *Conn {
	c := new(Conn)
	c.Init(sock, t)
	return c
}

// Init is NewConn for a Conn that is part of another struct.
func (c *Conn) Init(sock *socket.Conn, t *tls.Conn) {
	if c.sock, c.tls = sock, t; t != nil {
		state := t.ConnectionState()
		sock.Frame = frame(state.Version, state.CipherSuite)
	}
}

// Socket is the connected socket below.
func (c *Conn) Socket() *socket.Conn { return c.sock }

// TLS is the TLS connection above the socket, nil if there is none or a custom
// dialer keeps it.
func (c *Conn) TLS() *tls.Conn { return c.tls }

// Slots is 1: HTTP/1 carries one exchange at a time (no pipelining).
func (c *Conn) Slots() int { return 1 }

// Fd is the socket's descriptor for poll, or -1.
func (c *Conn) Fd() int { return c.sock.Fd() }

func (c *Conn) read(p []byte) (int, error) {
	if c.tls == nil {
		return c.sock.Read(p)
	}
	n, err := c.tls.Read(p)
	c.sock.Decrypted(n)
	return n, err
}

func (c *Conn) write(p []byte) (int, error) {
	if c.tls != nil {
		return c.tls.Write(p)
	}
	return c.sock.Write(p)
}

// alert is the alert by which the peer has ended TLS, nil if none is there: it says why
// where a write only says that the connection is gone.
func (c *Conn) alert() error {
	if c.tls == nil {
		return nil
	}
	var one [1]byte
	if _, err := c.tls.Read(one[:]); IsAlert(err) {
		return err
	}
	return nil
}

// IsAlert reports whether err is an alert of TLS that the peer sent. crypto/tls has its
// tls.AlertError in errors of QUIC only.
func IsAlert(err error) bool {
	o, ok := errs.As[*net.OpError](err)
	return ok && o.Op == "remote error"
}

// RoundTrip sends a request and reads the head of its final response; see
// message.Carrier.
//
// What lies on a connection before a request has left is no answer to it, whoever
// wants it to be taken for one: the request does not go there. That is seen where
// socket.Waiting can tell, and wherever the pool asks for a Check.
func (c *Conn) RoundTrip(ctx context.Context, call *message.Call) (message.Stream, error) {
	asks := c.sock.Used && c.asks(call)
	if c.sock.Used && !asks && call.Body.Reader == nil && c.sock.Waiting() { // the pool looks for those with a Reader
		if why := c.Check(); why != trace.NoReason {
			f := c.refuse(why)
			call.Log.End(trace.RequestWritten, f.Err)
			return nil, f
		}
	}
	x, _ := call.Kept.(*exchange)
	if call.Kept = nil; x == nil {
		x = new(exchange)
	}
	x.begin(c, ctx, call)
	x.asks = asks
	x.send()
	if err := x.receive(); err != nil {
		return nil, x.fail(err)
	}
	return x, nil
}

var (
	errClosedIdle = fmt.Errorf("the server closed the connection before the request was sent: %w", io.EOF)
	errAlertIdle  = errors.New("TLS ended before the request was sent")
)

// refuse ends a connection to which nothing was sent because of why, which a Check
// has found.
func (c *Conn) refuse(why trace.Reason) *fault.Fault {
	f := &fault.Fault{Op: fault.FirstByte, Err: errClosedIdle, End: why}
	switch why {
	case trace.UnsolicitedBytes:
		f.Err = socket.ErrEarly
	case trace.TLSAlert:
		f.Err = errAlertIdle
	}
	c.Abort(why)
	if first := trace.Reason(c.sock.Why()); first != why { // somebody else was faster: it closed for that
		f.Err, f.End = errConnAborted, first
	}
	return f
}

// frame is how many bytes TLS adds to the data of a record; 0: that varies. Five come
// before it, and an AEAD adds a tag of sixteen (RFC 7905, section 2), TLS 1.3 a byte
// for the type (RFC 8446, section 5.2), AES-GCM in TLS 1.2 eight of a nonce (RFC 5288,
// section 3).
func frame(version, suite uint16) uint8 {
	switch suite {
	case tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return 5 + 16
	case tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:
		return 5 + 8 + 16
	}
	if version == tls.VersionTLS13 {
		return 5 + 1 + 16
	}
	return 0
}

// held says why the connection cannot be used again for what TLS has read beyond the
// response, of which the socket shows nothing any more; NoReason if that is nothing.
func (c *Conn) held() trace.Reason {
	// With nothing but the frame of one record over all of that was given, and there is no
	// second one. Most responses are one, and a Read of TLS allocates.
	if c.tls == nil || c.sock.Frame != 0 && c.sock.Overhead() == int64(c.sock.Frame) {
		return trace.NoReason
	}
	c.sock.Dry(true)
	defer c.sock.Dry(false)
	var one [1]byte
	switch n, err := c.tls.Read(one[:]); {
	case n > 0:
		return trace.UnsolicitedBytes
	case err == nil || socket.IsTimeout(err):
		return trace.NoReason
	case err == io.EOF:
		return trace.ServerClosed
	}
	return trace.TLSAlert
}

// asks reports whether the request may be sent by the first read of its response,
// which looks at what is there for nothing: if it leaves at once, and nobody who is
// told when could wait.
func (c *Conn) asks(call *message.Call) bool {
	return c.tls == nil && !c.sock.Layered() && !call.Log.Waits() && call.Timeouts.FirstByte == 0 &&
		call.Body.Reader == nil && len(call.Body.Bytes) <= inlineBody && !call.Request.Expect
}

// checkTime bounds Check where only a read can tell.
const checkTime = time.Millisecond

// Check says why an idle connection cannot be used any more, or NoReason.
func (c *Conn) Check() trace.Reason {
	layered := c.tls != nil || c.sock.Layered()
	if c.sock.Quiet() {
		return c.look(layered)
	}
	wait := time.Duration(0)
	switch c.sock.Ready() {
	case socket.Quiet:
		if !layered {
			return trace.NoReason
		}
		// TLS may have read an alert together with the last response.
	case socket.HungUp:
		return trace.ServerClosed
	case socket.Readable:
		if !layered {
			return trace.UnsolicitedBytes
		}
		wait = checkTime
	default:
		wait = checkTime
	}
	return c.probe(wait)
}

// look is Check without a read, which would need a deadline.
func (c *Conn) look(layered bool) trace.Reason {
	switch c.sock.Ready() {
	case socket.HungUp:
		return trace.ServerClosed
	case socket.Readable:
		if !layered {
			return trace.UnsolicitedBytes
		}
	}
	return trace.NoReason
}

// probe reads for so long: under TLS what waits may be a session ticket, which
// changes nothing, or data, or an alert, and only a read can tell. Without wait it
// looks at what TLS has already.
func (c *Conn) probe(wait time.Duration) trace.Reason {
	defer c.sock.SetReadDeadline(time.Time{})
	for {
		deadline := past
		if wait > 0 {
			deadline = time.Now().Add(wait)
		}
		switch err := c.sock.SetReadDeadline(deadline); {
		case err == nil:
		case errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe):
			return trace.ServerClosed
		default:
			return trace.NoReason // a custom connection without deadlines: a read could wait for ever
		}
		var one [1]byte
		n, err := c.read(one[:])
		switch {
		case n > 0:
			return trace.UnsolicitedBytes
		case err == nil || socket.IsTimeout(err):
			// On a busy machine the time can be over before the read began.
			if wait > 0 && c.sock.Ready() == socket.Readable {
				continue
			}
			return trace.NoReason
		}
		return ended(err)
	}
}

// ended is why a connection ended that gives err before a request has left on it: a
// server that closes one resets it, or not, as the bytes happen to lie.
func ended(err error) trace.Reason {
	o, ok := errs.As[*net.OpError](err)
	if ok && (o.Op == "read" || o.Op == "write") || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return trace.ServerClosed
	}
	return trace.TLSAlert
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// Close ends an idle connection, with close_notify on TLS.
func (c *Conn) Close(trace.Reason) {
	if c.tls != nil {
		// The alert fits an idle connection's empty send buffer; the deadline
		// is for a peer that left it full.
		c.tls.Close()
	}
	c.sock.Kill()
}

// Abort ends the connection at once; from any goroutine.
func (c *Conn) Abort(why trace.Reason) { c.sock.Abort(uint32(why)) }

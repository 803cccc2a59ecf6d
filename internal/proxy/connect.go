package proxy

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"time"

	"sonde/internal/clock"
	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/internal/socket"
	"sonde/trace"
)

const (
	// refusalTime is how long the body of a refusal is awaited.
	refusalTime = time.Second
	// refusalBody is how much of it an error keeps, and how much is read to keep the
	// connection.
	refusalBody  = 8 << 10
	refusalDrain = 64 << 10
	// mostRefusals bounds how often credentials are given for one tunnel, whatever
	// gives them.
	mostRefusals = 5
)

// Tunnel is a tunnel to be opened by CONNECT. It keeps what was learned on
// connections that the proxy ended.
type Tunnel struct {
	Proxy  *message.Proxy
	Target string // host:port
	Limits message.Limits

	sent    message.Fields // what Auth gave last
	refused int
}

// Open asks the proxy at the other end of sock, or of secure above it, for the
// tunnel. Rest is what it sent behind its answer, which belongs to the tunnel.
// After an error, ErrAgain among them, sock is closed. Until, a reading of the
// clock, bounds it; ctx ends it at once.
func (t *Tunnel) Open(ctx context.Context, sock *socket.Conn, secure *tls.Conn, until int64) (rest []byte, err error) {
	conn := h1.NewConn(sock, secure)
	for first := true; ; first = false {
		req, err := t.request(ctx)
		if err != nil {
			sock.Kill()
			return nil, err
		}
		var head message.Head
		call := message.Call{Request: req, Limits: t.Limits, Until: until, Now: clock.Now(), Head: &head}
		stream, err := conn.RoundTrip(ctx, &call)
		if err != nil {
			if f, ok := errs.As[*fault.Fault](err); ok {
				err = f.Err
				// Nothing but its end came of a connection that was kept: as when
				// the proxy had announced that. Or the proxy sent what was no answer.
				if !first && !f.Answer {
					switch f.End {
					case trace.ServerClosedInUse, trace.ServerClosed, trace.UnsolicitedBytes, trace.TLSAlert,
						trace.ReadFailed, trace.WriteFailed: // what it closed with our bytes unread it resets
						err = ErrAgain
					}
				}
			}
			return nil, err
		}
		t.told(ctx, req, &head)
		if f := t.Proxy.Answered; f != nil {
			if err := f(ctx, t.Target, &head); err != nil {
				stream.Finish(trace.Canceled)
				return nil, err
			}
		}
		if head.Status/100 == 2 {
			return t.take(ctx, stream)
		}
		if err := t.retry(ctx, req, &head, sock, stream); err != nil {
			return nil, err
		}
	}
}

// told tells Auth how it went, where that was well.
func (t *Tunnel) told(ctx context.Context, req *message.Request, head *message.Head) {
	if f := t.Proxy.Auth; f != nil && head.Status != 407 && t.sent.Len() > 0 {
		f(ctx, &message.ProxyAuth{Method: req.Method, Target: req.Target, Fields: req.Fields, Sent: t.sent, Answer: head})
	}
}

// take makes the connection the tunnel's.
func (t *Tunnel) take(ctx context.Context, stream message.Stream) ([]byte, error) {
	_, rest, ok := stream.Hijack()
	if ok {
		return rest, nil
	}
	stream.Finish(trace.Canceled)
	if err := socket.ContextError(ctx); err != nil {
		return nil, err
	}
	return nil, errors.New("the connection was closed during the handshake")
}

// request is the CONNECT of now.
func (t *Tunnel) request(ctx context.Context) (*message.Request, error) {
	p := t.Proxy
	req := &message.Request{Method: "CONNECT", Scheme: p.Scheme, Authority: t.Target, Target: t.Target, Fields: p.Fields}
	if p.Connect != nil {
		more, err := p.Connect(ctx, t.Target)
		if err != nil {
			return nil, err
		}
		if err := Merge(&req.Fields, more); err != nil {
			return nil, err
		}
	}
	if p.Auth != nil && t.refused == 0 {
		var err error
		t.sent, err = p.Auth(ctx, &message.ProxyAuth{Method: req.Method, Target: req.Target, Fields: req.Fields})
		if err != nil {
			return nil, err
		}
	}
	if err := Merge(&req.Fields, t.sent); err != nil {
		return nil, err
	}
	if basic := Basic(p); basic != "" && !req.Fields.Has("Proxy-Authorization") {
		if err := req.Fields.Add("Proxy-Authorization", basic); err != nil {
			return nil, err
		}
	}
	return req, h1.CheckRequest(req)
}

// Merge puts the lines of more into f, each name instead of what f has of it.
func Merge(f *message.Fields, more message.Fields) error {
	for name := range more.All() {
		f.Del(name)
	}
	return f.AddAll(more.All())
}

// Basic is what p's user and password are as Proxy-Authorization (RFC 7617), ""
// where p has none, or an Auth that decides.
func Basic(p *message.Proxy) string {
	if !p.HasUser || p.Auth != nil {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password))
}

// retry sees to a refusal: nil if the same connection can be asked again, ErrAgain
// if another one can, else the refusal.
func (t *Tunnel) retry(ctx context.Context, req *message.Request, head *message.Head, sock *socket.Conn, stream message.Stream) error {
	p := t.Proxy
	if head.Status != 407 || p.Auth == nil || t.refused >= mostRefusals {
		return t.refusal(head, sock, stream)
	}
	answer, err := p.Auth(ctx, &message.ProxyAuth{
		Method: req.Method, Target: req.Target, Fields: req.Fields,
		Sent: t.sent, Refusal: &head.Fields, Refused: t.refused + 1,
	})
	if err != nil {
		stream.Finish(trace.Canceled)
		return err
	}
	if answer.Len() == 0 {
		return t.refusal(head, sock, stream)
	}
	t.sent = answer
	t.refused++
	end := trace.NoReason
	if !stream.Done() && !stream.Drain(refusalDrain, clock.Now()+int64(refusalTime)) {
		end = trace.BodyNotDrained
	}
	if end, _ = stream.Finish(end); end != trace.NoReason {
		sock.Kill()
		return ErrAgain
	}
	return nil
}

// refusal is the error of a refusal, with the first bytes of its body.
func (t *Tunnel) refusal(head *message.Head, sock *socket.Conn, stream message.Stream) error {
	e := &Error{Proxy: t.Proxy, Head: head}
	late := time.AfterFunc(refusalTime, sock.Kill) // its connection ends anyway
	defer late.Stop()
	body := make([]byte, refusalBody)
	n := 0
	for n < len(body) && !stream.Done() {
		m, err := stream.Read(body[n:])
		if n += m; err != nil {
			break
		}
	}
	e.Body, e.Truncated = body[:n], !stream.Done()
	stream.Finish(trace.Canceled)
	return e
}

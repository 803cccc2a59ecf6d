package trace

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
)

// The arguments of hooks are those of net/http/httptrace, which does not link
// net/http.
type (
	// GotConnInfo says which connection was got. Conn is the live connection:
	// hands off.
	GotConnInfo = httptrace.GotConnInfo
	// DNSStartInfo says which name is looked up.
	DNSStartInfo = httptrace.DNSStartInfo
	// DNSDoneInfo says what the look-up gave.
	DNSDoneInfo = httptrace.DNSDoneInfo
	// WroteRequestInfo says how sending the request ended.
	WroteRequestInfo = httptrace.WroteRequestInfo
)

// Hooks are functions that are called at the steps of a request: those of
// net/http/httptrace's ClientTrace, hook for hook and argument for argument, and
// some that it lacks. A nil hook is not called.
//
// Hooks see real values, unlike sinks, which get redacted ones. They are called
// for each attempt anew, on the goroutine that does the work, which may not be
// the caller's, and some may be called after the call has returned: a dial can
// outlive it. They must not block, nor call the client.
type Hooks struct {
	// GetConn is called before a connection is asked of the pool; hostPort is the
	// origin's, or the proxy's that it leads to first.
	GetConn func(hostPort string)
	// GotConn is called once there is a connection, new or reused.
	GotConn func(GotConnInfo)
	// PutIdleConn is called when the connection goes back to the pool, before
	// the body's end or Close returns; err says why it does not.
	PutIdleConn func(err error)
	// GotFirstResponseByte is called when the first byte of a response is there.
	GotFirstResponseByte func()
	// Got100Continue is called when the server said 100 Continue.
	Got100Continue func()
	// Got1xxResponse is called for each 1xx response but 101; its error ends
	// the call.
	Got1xxResponse func(code int, header textproto.MIMEHeader) error
	// DNSStart and DNSDone enclose the look-up of a name.
	DNSStart func(DNSStartInfo)
	DNSDone  func(DNSDoneInfo)
	// ConnectStart and ConnectDone enclose the attempt to connect to one
	// address; several may be under way at once (RFC 8305).
	ConnectStart func(network, addr string)
	ConnectDone  func(network, addr string, err error)
	// TLSHandshakeStart and TLSHandshakeDone enclose the TLS handshake.
	TLSHandshakeStart func()
	TLSHandshakeDone  func(tls.ConnectionState, error)
	// WroteHeaderField is called for each field that was written.
	WroteHeaderField func(key string, value []string)
	// WroteHeaders is called when all fields were written.
	WroteHeaders func()
	// Wait100Continue is called when the body waits for 100 Continue.
	Wait100Continue func()
	// WroteRequest is called when the request and its body were written, or
	// that failed.
	WroteRequest func(WroteRequestInfo)

	// The following are sonde's own.

	// Event is called with every event of the call, as a sink gets it: redacted.
	// It is how a middleware listens beside the sink, not instead of it.
	Event func(Event)
	// ConnOpened is called when a new connection is ready; why says why none of
	// the existing ones served.
	ConnOpened func(why Reason)
	// ConnClosed is called when a connection ends with the exchange.
	ConnClosed func(why Reason)
	// GotResponseHead is called when the final response's head was read.
	GotResponseHead func(status int)
	// BodyDone is called when the response body has ended, after n bytes.
	BodyDone func(n int64, err error)
	// Retry is called when an attempt will be repeated because of err.
	Retry func(attempt int, err error)
	// Redirect is called when a redirect will be followed, to the URL, which is told
	// without its credentials.
	Redirect func(status int, url string)
	// ProxyChosen is called when an attempt takes a proxy, which is named without
	// its credentials here and below.
	ProxyChosen func(proxy string)
	// ProxyStart and ProxyDone enclose the handshake with a proxy.
	ProxyStart func(addr string)
	ProxyDone  func(addr string, err error)
}

type hooksKey struct{}

// With returns a context whose calls have hooks h called: first h's, then those
// that ctx had before. An error of any Got1xxResponse ends the call, the newest
// one's first. It panics if h is nil, as httptrace.WithClientTrace does.
func With(ctx context.Context, h *Hooks) context.Context {
	if h == nil {
		panic("trace: nil hooks")
	}
	return context.WithValue(ctx, hooksKey{}, compose(h, From(ctx)))
}

// From returns the hooks of ctx, composed, or nil.
func From(ctx context.Context) *Hooks {
	h, _ := ctx.Value(hooksKey{}).(*Hooks)
	return h
}

// compose makes hooks that call first's and then then's. Those with a result are
// both called; the first error is what they give.
func compose(first, then *Hooks) *Hooks {
	both := *first
	if then == nil {
		return &both
	}
	out, a, b := reflect.ValueOf(&both).Elem(), reflect.ValueOf(first).Elem(), reflect.ValueOf(then).Elem()
	for i := range out.NumField() {
		f, g := a.Field(i), b.Field(i)
		switch {
		case g.IsNil():
		case f.IsNil():
			out.Field(i).Set(g)
		default:
			out.Field(i).Set(reflect.MakeFunc(f.Type(), func(args []reflect.Value) []reflect.Value {
				one, two := f.Call(args), g.Call(args)
				if len(one) == 1 && one[0].IsNil() {
					return two
				}
				return one
			}))
		}
	}
	return &both
}

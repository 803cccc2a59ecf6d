package event

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"

	"sonde/trace"
)

// call calls the hooks that an event stands for: package trace's own, then those
// of an httptrace.ClientTrace. Hooks with arguments that no event carries have
// methods of their own below.
func (l *Log) call(e *trace.Event) {
	h, c := l.own(), l.client()
	switch e.Kind {
	case trace.AcquireStart: // see GetConn
	case trace.DNSStart:
		each(h.DNSStart, c.DNSStart, trace.DNSStartInfo{Host: e.Host()})
	case trace.DNSDone:
		if h.DNSDone != nil || c.DNSDone != nil {
			each(h.DNSDone, c.DNSDone, trace.DNSDoneInfo{Addrs: ipAddrs(e.Addrs()), Err: e.Err})
		}
	case trace.ConnectStart, trace.ConnectDone:
		l.connect(h, c, e)
	case trace.TLSStart:
		bare(h.TLSHandshakeStart, c.TLSHandshakeStart)
	case trace.HeadWritten:
		bare(h.WroteHeaders, c.WroteHeaders)
	case trace.ContinueWait:
		bare(h.Wait100Continue, c.Wait100Continue)
	case trace.ContinueDone:
		if e.Status == 100 {
			bare(h.Got100Continue, c.Got100Continue)
		}
	case trace.RequestWritten:
		each(h.WroteRequest, c.WroteRequest, trace.WroteRequestInfo{Err: e.Err})
	case trace.FirstByte:
		bare(h.GotFirstResponseByte, c.GotFirstResponseByte)
	case trace.ConnPut: // see PutIdle
	default:
		callNew(h, c, e)
	}
}

// callNew calls the hooks that httptrace lacks.
func callNew(h *trace.Hooks, c *httptrace.ClientTrace, e *trace.Event) {
	switch {
	case e.Kind == trace.ConnOpened && h.ConnOpened != nil:
		h.ConnOpened(e.Reason)
	case e.Kind == trace.ConnClosed:
		each(h.PutIdleConn, c.PutIdleConn, errors.New("connection not kept: "+e.Reason.String()))
		if h.ConnClosed != nil {
			h.ConnClosed(e.Reason)
		}
	case e.Kind == trace.HeadRead && h.GotResponseHead != nil:
		h.GotResponseHead(e.Status)
	case e.Kind == trace.BodyRead && h.BodyDone != nil:
		h.BodyDone(e.Bytes, e.Err)
	case e.Kind == trace.Retry && h.Retry != nil:
		h.Retry(e.Attempt, e.Err)
	case e.Kind == trace.Redirect && h.Redirect != nil:
		h.Redirect(e.Status, e.URL())
	case e.Kind == trace.ProxyChosen && h.ProxyChosen != nil:
		h.ProxyChosen(e.Host())
	case e.Kind == trace.ProxyStart && h.ProxyStart != nil:
		h.ProxyStart(e.Host())
	case e.Kind == trace.ProxyDone && h.ProxyDone != nil:
		h.ProxyDone(e.Host(), e.Err)
	}
}

// connect calls the hooks around one attempt to connect. Where a dialer of the
// caller's does it, a net.Dialer within calls the hooks of httptrace by itself.
func (l *Log) connect(h *trace.Hooks, c *httptrace.ClientTrace, e *trace.Event) {
	addr := e.Host()
	if e.Remote().IsValid() && !e.Custom() {
		addr = e.Remote().String()
	}
	start, done := c.ConnectStart, c.ConnectDone
	if e.Custom() {
		start, done = nil, nil
	}
	if e.Kind == trace.ConnectStart {
		if h.ConnectStart != nil {
			h.ConnectStart(e.Network(), addr)
		}
		if start != nil {
			start(e.Network(), addr)
		}
		return
	}
	if h.ConnectDone != nil {
		h.ConnectDone(e.Network(), addr, e.Err)
	}
	if done != nil {
		done(e.Network(), addr, e.Err)
	}
}

func bare(own, client func()) {
	if own != nil {
		own()
	}
	if client != nil {
		client()
	}
}

func each[T any](own, client func(T), arg T) {
	if own != nil {
		own(arg)
	}
	if client != nil {
		client(arg)
	}
}

func ipAddrs(addrs []netip.Addr) []net.IPAddr {
	var ips []net.IPAddr
	for _, a := range addrs {
		ips = append(ips, net.IPAddr{IP: a.AsSlice(), Zone: a.Zone()})
	}
	return ips
}

var (
	noHooks  trace.Hooks
	noClient httptrace.ClientTrace
)

// hooked reports whether there are hooks.
func (l *Log) hooked() bool { return l.Hooks != nil || l.Client != nil }

// own is never nil.
func (l *Log) own() *trace.Hooks {
	if l == nil || l.Hooks == nil {
		return &noHooks
	}
	return l.Hooks
}

// client is never nil.
func (l *Log) client() *httptrace.ClientTrace {
	if l == nil || l.Client == nil {
		return &noClient
	}
	return l.Client
}

// GetConn calls the hooks that are told where a connection has to lead first: to the
// origin, as the event after it says, or to a proxy.
func (l *Log) GetConn(hostPort string) {
	if l.hooked() {
		each(l.own().GetConn, l.client().GetConn, hostPort)
	}
}

// GotConn calls the hooks that get the live connection.
func (l *Log) GotConn(info trace.GotConnInfo) { each(l.own().GotConn, l.client().GotConn, info) }

// TLSDone calls the hooks that get the state of TLS.
func (l *Log) TLSDone(state tls.ConnectionState, err error) {
	if f := l.own().TLSHandshakeDone; f != nil {
		f(state, err)
	}
	if f := l.client().TLSHandshakeDone; f != nil {
		f(state, err)
	}
}

// PutIdle calls the hooks that are told of a connection that others can use now;
// the event came before.
func (l *Log) PutIdle() {
	if l.hooked() {
		each(l.own().PutIdleConn, l.client().PutIdleConn, error(nil))
	}
}

// WantsInformational reports whether there is a hook for 1xx responses.
func (l *Log) WantsInformational() bool {
	return l.own().Got1xxResponse != nil || l.client().Got1xxResponse != nil
}

// Informational calls the hooks for a 1xx response, all of them, and returns the
// first error.
func (l *Log) Informational(code int, header textproto.MIMEHeader) error {
	var first error
	if f := l.own().Got1xxResponse; f != nil {
		first = f(code, header)
	}
	if f := l.client().Got1xxResponse; f != nil {
		if err := f(code, header); first == nil {
			first = err
		}
	}
	return first
}

// WantsFieldEvents reports whether an event of each field is wanted.
func (l *Log) WantsFieldEvents() bool {
	if l.Batch != nil {
		return l.Sink.(*trace.Ring).Fields
	}
	if l.own().Event != nil {
		return true
	}
	switch s := l.Sink.(type) {
	case nil:
		return false
	case trace.FieldSink:
		return s.WantsFields()
	}
	return true
}

// WantsFields reports whether there is a hook for each field that was written.
func (l *Log) WantsFields() bool {
	return l.hooked() && (l.own().WroteHeaderField != nil || l.client().WroteHeaderField != nil)
}

// WroteField tells the hooks, which get real values, of a field that was written, or
// of several of one name.
func (l *Log) WroteField(name, value string, more []string) {
	values := append([]string{value}, more...)
	if f := l.own().WroteHeaderField; f != nil {
		f(name, values)
	}
	if f := l.client().WroteHeaderField; f != nil {
		f(name, values)
	}
}

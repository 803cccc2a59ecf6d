package sonde

import (
	"crypto/tls"
	"net/netip"
	"time"

	"sonde/internal/event"
	"sonde/internal/pool"
	"sonde/internal/socket"
	"sonde/trace"
)

// Timing says where the time of a call went. Its phases are of the last attempt;
// one that did not happen is 0.
type Timing struct {
	Start     time.Time     // when the call began
	Acquire   time.Duration // until it had a connection; the next four are part of it
	DNS       time.Duration // the look-up, for a new connection
	Connect   time.Duration // the connect, for a new connection
	Proxy     time.Duration // the handshakes with proxies, for a new connection
	TLS       time.Duration // the handshake, for a new connection
	Send      time.Duration // from then until the request had left; 0 where one write sent it and nobody watched
	FirstByte time.Duration // from the start of sending to the response's first byte
	Total     time.Duration // from Start to the body's end; 0 before that
}

// ConnInfo describes the connection that carried an exchange. It is a value.
type ConnInfo struct {
	ID     uint64         // as in trace.Event
	Local  netip.AddrPort // zero for what is not TCP
	Remote netip.AddrPort
	Reused bool          // it had carried an exchange before, or was warmed
	Idle   time.Duration // how long it had been idle, if Reused
	Why    trace.Reason  // why it was opened
	Proxy  string        // the proxy that it leads through, without credentials; "" is none
	TLS    *tls.ConnectionState
}

func connInfo(got *pool.Got) ConnInfo {
	if got.Conn == nil {
		return ConnInfo{}
	}
	info := ConnInfo{ID: got.Conn.ID(), Reused: got.Reused, Idle: got.Idle, Why: got.Conn.Why()}
	info.Proxy = got.Conn.Route().Proxy.Name()
	if l, ok := got.Conn.Link().(*link); ok {
		raw := l.Socket().Raw()
		info.Local, info.Remote = event.AddrPort(socket.Local(raw)), event.AddrPort(socket.Remote(raw))
		info.TLS = l.state()
	}
	return info
}

package sonde

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"sonde/internal/dial"
	"sonde/internal/event"
	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/internal/socket"
	"sonde/trace"
)

// link is a live connection as the pool holds it, with what is known of its
// making. Here dialing, protocols and pool meet; none of them knows another.
type link struct {
	h1.Conn
	state *tls.ConnectionState
	times dial.Times

	described atomic.Pointer[pool.Description] // what Describe said; nil: it was not asked
}

var (
	_ pool.Link       = (*link)(nil)
	_ message.Carrier = (*link)(nil)
)

// live is the connection as hooks get it.
func (l *link) live() net.Conn {
	if t := l.TLS(); t != nil {
		return t
	}
	return l.Socket().Raw()
}

// Describe says what the connection is, for the pool's events.
func (l *link) Describe() *pool.Description {
	if d := l.described.Load(); d != nil {
		return d
	}
	d := new(pool.Description)
	raw := l.Socket().Raw()
	if local := socket.Local(raw); local != nil { // a custom connection may have none
		d.Network, d.Local = local.Network(), event.AddrPort(local)
	}
	d.Remote = event.AddrPort(socket.Remote(raw))
	if l.state != nil {
		d.Proto = l.state.NegotiatedProtocol
	}
	l.described.Store(d)
	return d
}

// dialer makes links with one set of connection settings. id tells the pool which
// connections were made with the same ones.
type dialer struct {
	id uint64
	d  *dial.Dialer
}

var dialers atomic.Uint64

func newDialer(cfg *Config) *dialer {
	return &dialer{id: dialers.Add(1), d: dial.New(dial.Config{
		Dial:           cfg.Dial,
		Resolver:       cfg.Resolver,
		LocalAddr:      cfg.LocalAddr,
		KeepAlive:      cfg.KeepAlive,
		Control:        cfg.Control,
		Guard:          cfg.Guard,
		ConnectTimeout: cfg.Timeouts.Connect,
		TLSTimeout:     cfg.Timeouts.TLS,
		ProxyTimeout:   cfg.Timeouts.Proxy,
		TLS:            cfg.TLS,
		Limits:         message.Limits{Head: cfg.Limits.Head, Fields: cfg.Limits.Fields, Informational: cfg.Limits.Informational},
		ProxyError:     proxyError,
		Quiet:          cfg.dialing.Quiet,
		OwnALPN:        cfg.dialing.OwnALPN,
		ALPN:           cfg.dialing.ALPN,
	})}
}

// Dial is for the pool.
func (d *dialer) Dial(ctx context.Context, route message.Route, _ trace.Reason, log *event.Log) (pool.Link, error) {
	r, err := d.d.Dial(ctx, route, log)
	if err != nil {
		return nil, err
	}
	l := &link{state: r.State, times: r.Times}
	l.Init(r.Socket, r.TLS)
	return l, nil
}

// dialBound bounds a dial that may outlive its caller: by what its steps may take
// together, or by two minutes where they have no bounds.
func dialBound(t Timeouts) time.Duration {
	if t.Connect == 0 || t.TLS == 0 || t.Proxy == 0 {
		return 2 * time.Minute
	}
	return t.Connect + 2*t.TLS + t.Proxy // TLS with the proxy and with the origin
}

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
//
// It is all that an idle connection has of ours, in one allocation: in three they
// took half as much again, and 50 bytes more by the holes that what is short-lived
// leaves between them.
type link struct {
	h1.Conn
	socket socket.Conn // below Conn
	seat   pool.Conn   // the pool's own
	extra  atomic.Pointer[extra]
}

// extra is what a plain connection that nobody watches has done with after its
// first exchange. A value does not change; nil is an empty one.
type extra struct {
	state     *tls.ConnectionState // of TLS with the origin; nil: plain
	times     *dial.Times          // how long its making took; nil: nobody asks any more
	described *trace.Detail        // what Describe said; nil: it was not asked
}

var (
	_ pool.Link       = (*link)(nil)
	_ pool.Seater     = (*link)(nil)
	_ message.Carrier = (*link)(nil)
)

// Seat is for the pool.
func (l *link) Seat() *pool.Conn { return &l.seat }

// set changes extra.
func (l *link) set(change func(*extra)) {
	for {
		old := l.extra.Load()
		x := new(extra)
		if old != nil {
			*x = *old
		}
		if change(x); *x == (extra{}) {
			x = nil
		}
		if l.extra.CompareAndSwap(old, x) {
			return
		}
	}
}

// state is of TLS with the origin; it is always the same one. Nil: plain.
func (l *link) state() *tls.ConnectionState {
	if x := l.extra.Load(); x != nil {
		return x.state
	}
	return nil
}

// dialed says how long the making took, once.
func (l *link) dialed() *dial.Times {
	x := l.extra.Load()
	if x == nil {
		return nil
	}
	if *x != (extra{times: x.times}) || !l.extra.CompareAndSwap(x, nil) { // otherwise nothing is left
		l.set(func(x *extra) { x.times = nil })
	}
	return x.times
}

// live is the connection as hooks get it.
func (l *link) live() net.Conn {
	if t := l.TLS(); t != nil {
		return t
	}
	return l.Socket().Raw()
}

// Describe says what the connection is, for the pool's events.
func (l *link) Describe(host string) *trace.Detail {
	if x := l.extra.Load(); x != nil && x.described != nil {
		return x.described
	}
	d := &trace.Detail{Host: host}
	raw := l.Socket().Raw()
	if local := socket.Local(raw); local != nil { // a custom connection may have none
		d.Network, d.Local = local.Network(), event.AddrPort(local)
	}
	d.Remote = event.AddrPort(socket.Remote(raw))
	if state := l.state(); state != nil {
		d.Proto = state.NegotiatedProtocol
	}
	l.set(func(x *extra) { x.described = d })
	return d
}

// dialer makes links with one set of connection settings. id tells the pool which
// connections were made with the same ones.
type dialer struct {
	id    uint64
	d     *dial.Dialer
	alone *dialer // the same for a connection of which no caller sees the net.Conn
}

var dialers atomic.Uint64

func newDialer(cfg *Config) *dialer { return dialerOf(dial.New(cfg.dialer())) }

func dialerOf(d *dial.Dialer) *dialer {
	id := dialers.Add(1)
	return &dialer{id: id, d: d, alone: &dialer{id: id, d: d.Alone()}}
}

// dialer is cfg as package dial has it.
func (cfg *Config) dialer() dial.Config {
	return dial.Config{
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
	}
}

// Dial is for the pool.
func (d *dialer) Dial(ctx context.Context, route message.Route, why trace.Reason, log *event.Log) (pool.Link, error) {
	m := new(making)
	r, err := d.d.DialIn(ctx, route, log, m)
	if err != nil {
		return nil, err
	}
	l := m.link
	l.Init(r.Socket, r.TLS)
	m.link, m.extra.state, m.times = nil, r.State, r.Times
	m.extra.times = &m.times
	l.extra.Store(&m.extra)
	return l, nil
}

// making is what a link has besides itself while it is made, and as long as anybody
// may ask how long that took.
type making struct {
	extra
	times dial.Times
	link  *link
}

// Socket is a new link's.
func (m *making) Socket() *socket.Conn {
	m.link = new(link)
	return &m.link.socket
}

// dialBound bounds a dial that may outlive its caller: by what its steps may take
// together, or by two minutes where they have no bounds.
func dialBound(t Timeouts) time.Duration {
	if t.Connect == 0 || t.TLS == 0 || t.Proxy == 0 {
		return 2 * time.Minute
	}
	return t.Connect + 2*t.TLS + t.Proxy // TLS with the proxy and with the origin
}

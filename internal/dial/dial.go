// Package dial makes connections: steps that stack, each handing the next a
// net.Conn and its error up as a fault of its phase.
//
//	resolve → race → (proxy, and the next) → TLS with ALPN
//
// What may live here: name look-ups, the choice among addresses, sockets being
// opened, handshakes below HTTP, those with proxies among them. What may not: a
// byte of HTTP with an origin, and anything about which connection serves which
// request.
package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/proxy"
	"sonde/internal/socket"
)

// Resolver looks names up. *net.Resolver is one. It is asked for "ip4" and "ip6"
// separately and at the same time, and for names only, never for IP addresses.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config says how connections are made. The zero value works.
type Config struct {
	// Dial replaces look-ups and sockets: it gets "tcp" and host:port, or "unix"
	// and a path. A connection that has a method ConnectionState() of TLS's type
	// is TLS already: https makes no second handshake over it, and goes by its
	// ALPN result. A Dial that outlives its context is left behind, and what it
	// returns is closed.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Resolver  Resolver            // nil: net.DefaultResolver
	LocalAddr netip.Addr          // to connect from; zero: any
	KeepAlive net.KeepAliveConfig // zero: the system's own with probes after 15 s; not enabled and Idle below 0: no probes

	// Control is called with every new socket before it connects, as net.Dialer's.
	Control func(network, address string, c syscall.RawConn) error

	// Guard refuses addresses, by its error: each one over TCP before it is connected
	// to, and of what Dial made the remote one, after. Nil: none is refused.
	Guard func(netip.AddrPort) error

	ConnectTimeout time.Duration // for look-up and connecting together; 0: none
	TLSTimeout     time.Duration // for the handshake; 0: none
	ProxyTimeout   time.Duration // for the handshake with each proxy; 0: none

	AttemptDelay    time.Duration // between attempts to connect (RFC 8305 section 5), at least 10 ms; 0: 250 ms
	ResolutionDelay time.Duration // that IPv4 waits for the look-up of IPv6 (section 3); 0: 50 ms, below 0: none

	// TLS is for https; nil: defaults. Its NextProtos is ignored: the route
	// decides. Its ServerName, if set, replaces the host in SNI and verification.
	// Sessions are resumed unless it says SessionTicketsDisabled.
	TLS *tls.Config

	Quiet   bool     // the deadlines of what Dial makes are Dial's own
	OwnALPN bool     // ALPN offers the following, whatever the route allows
	ALPN    []string // none: the handshake goes without

	Limits     message.Limits           // for the answers of proxies
	ProxyError func(*proxy.Error) error // what such an error is to be; nil: itself
}

// Dialer makes connections. It never changes; any number of goroutines may use it.
type Dialer struct {
	dial            func(ctx context.Context, network, addr string) (net.Conn, error)
	custom          func(ctx context.Context, network, addr string, log *event.Log) (net.Conn, Times, error) // by dial; nil: we connect
	resolver        Resolver
	local           netip.Addr
	tcp, unix       net.Dialer
	near            net.Dialer // tcp for addresses of this machine
	guard           func(netip.AddrPort) error
	connectTimeout  time.Duration
	tlsTimeout      time.Duration
	proxyTimeout    time.Duration
	attemptDelay    time.Duration
	resolutionDelay time.Duration
	tls             *tls.Config
	limits          message.Limits
	quiet, ownALPN  bool
	alpn            []string
	proxyError      func(*proxy.Error) error
	alone           bool                                                                               // see Alone
	open            func(ctx context.Context, remote netip.AddrPort, log *event.Log) (net.Conn, error) // openTCP, but for tests
}

// What package net calls with a new socket, in both its forms.
type (
	control        = func(network, address string, c syscall.RawConn) error
	controlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error
)

// Result is a connection that is ready for HTTP.
type Result struct {
	Socket *socket.Conn         // the raw connection
	TLS    *tls.Conn            // the topmost; nil: plain, or TLS of a custom dialer
	State  *tls.ConnectionState // of TLS with the origin; never changes; nil: plain
	Proto  string               // what ALPN chose, "" if nothing
	Times  Times

	rest []byte // what a proxy sent behind its answer: the first bytes of what comes above
}

// Times says how long the steps took; 0 is a step that was not needed.
type Times struct {
	DNS     time.Duration // until connecting could begin
	Connect time.Duration
	Proxy   time.Duration // all handshakes with proxies, TLS included
	TLS     time.Duration
}

// New returns a Dialer. Nothing of c is used afterwards but what it points to
// besides TLS, which is cloned.
func New(c Config) *Dialer {
	d := NewOwn(c)
	if d.dial = c.Dial; d.dial != nil {
		d.custom = d.borrow
	}
	return d
}

// NewOwn is New for a Config without Dial: what serves that alone is not linked.
func NewOwn(c Config) *Dialer {
	d := &Dialer{
		resolver:        c.Resolver,
		local:           c.LocalAddr,
		guard:           c.Guard,
		connectTimeout:  c.ConnectTimeout,
		tlsTimeout:      c.TLSTimeout,
		proxyTimeout:    c.ProxyTimeout,
		limits:          c.Limits,
		quiet:           c.Quiet && c.Dial != nil,
		ownALPN:         c.OwnALPN,
		alpn:            c.ALPN,
		proxyError:      c.ProxyError,
		attemptDelay:    c.AttemptDelay,
		resolutionDelay: c.ResolutionDelay,
		tls:             baseTLS(c.TLS),
	}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	if d.attemptDelay == 0 {
		d.attemptDelay = 250 * time.Millisecond
	}
	// RFC 8305 section 5: it must not be less than 10 ms.
	d.attemptDelay = max(d.attemptDelay, 10*time.Millisecond)
	if d.resolutionDelay == 0 {
		d.resolutionDelay = 50 * time.Millisecond
	}
	d.unix = net.Dialer{Control: c.Control, KeepAliveConfig: c.KeepAlive, FallbackDelay: -1}
	if !c.KeepAlive.Enable && c.KeepAlive.Idle < 0 {
		d.unix.KeepAlive = -1
	}
	d.tcp = d.unix
	if c.LocalAddr.IsValid() {
		d.tcp.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.LocalAddr, 0))
	}
	if d.near = d.tcp; !c.LocalAddr.IsValid() { // package net binds behind Control
		d.near.ControlContext = early(c.Control)
	}
	d.open = d.openTCP
	return d
}

// Dial makes a connection to route, on the caller's goroutine as far as it can.
// The error is a *fault.Fault of phase resolve, connect, proxy or tls. The end of ctx
// ends Dial at once, and has no effect on a connection that was returned.
func (d *Dialer) Dial(ctx context.Context, route message.Route, log *event.Log) (Result, error) {
	return d.DialIn(ctx, route, log, anyRoom{})
}

// Room gives a place, zero, for each connection that is tried; the last is the result's.
type Room interface{ Socket() *socket.Conn }

type anyRoom struct{}

func (anyRoom) Socket() *socket.Conn { return new(socket.Conn) }

// DialIn is Dial for a caller with a place of its own for Result.Socket.
func (d *Dialer) DialIn(ctx context.Context, route message.Route, log *event.Log, room Room) (Result, error) {
	var r Result
	if err := socket.ContextError(ctx); err != nil {
		return r, fault.New(fault.Connect, err)
	}
	if route.Proxy != nil {
		var err error
		if r, err = d.through(ctx, route, log, room); err != nil {
			return r, err
		}
	} else {
		raw, times, err := d.connect(ctx, route, log)
		if err != nil {
			return r, err
		}
		r.Times = times
		r.Socket = d.socket(raw, room.Socket())
	}
	if route.Scheme == "https" {
		if err := d.secure(ctx, route, log, &r); err != nil {
			r.Socket.Kill()
			return Result{}, err
		}
	} else if len(r.rest) > 0 {
		// No server of HTTP/1 speaks first: what came could only be taken for the
		// answer to a request that it has not seen.
		r.Socket.Kill()
		return Result{}, fault.New(fault.Proxy, d.failed(&proxy.Error{Proxy: route.Proxy, Err: errSpeaksFirst}))
	}
	r.rest = nil
	return r, nil
}

var errNoConn = errors.New("the dial function returned neither a connection nor an error")

// socket makes s take over raw.
func (d *Dialer) socket(raw net.Conn, s *socket.Conn) *socket.Conn {
	s.Init(raw)
	if d.quiet {
		s.SetQuiet()
	}
	return s
}

func since(start int64) time.Duration { return time.Duration(clock.Now() - start) }

package dial

import (
	"context"
	"net"
	"net/netip"
	"strconv"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/socket"
	"sonde/trace"
)

// connect opens a raw connection to route, as a fault of phase resolve or connect
// if it cannot.
func (d *Dialer) connect(ctx context.Context, route message.Route, log *event.Log) (net.Conn, Times, error) {
	network, addr := "tcp", ""
	if route.Unix != "" {
		network, addr = "unix", route.Unix
	}
	if d.custom != nil {
		if addr == "" {
			addr = route.Addr()
		}
		return d.custom(ctx, network, addr, log)
	}
	b := newBound(ctx, d.connectTimeout)
	if route.Unix != "" {
		return d.direct(b, func() (net.Conn, error) { return d.openUnix(b, addr, log) })
	}
	port, err := strconv.ParseUint(route.Port, 10, 16)
	if err != nil {
		return nil, Times{}, fault.New(fault.Connect, &net.AddrError{Err: "invalid port", Addr: route.Addr()})
	}
	if ip, err := netip.ParseAddr(route.Host); err == nil {
		remote := netip.AddrPortFrom(ip.Unmap(), uint16(port))
		return d.direct(b, func() (net.Conn, error) { return d.open(b, remote, log) })
	}
	return d.race(b, route.Host, uint16(port), log)
}

// direct connects where there is one address only, on the caller's goroutine.
func (d *Dialer) direct(b *bound, open func() (net.Conn, error)) (net.Conn, Times, error) {
	start := clock.Now()
	b.direct = true
	conn, err := open()
	if err == nil {
		return conn, Times{Connect: since(start)}, nil
	}
	if end := b.ended(); end != nil {
		err = withCause(err, end)
	}
	return nil, Times{}, fault.New(fault.Connect, err)
}

// named is err, of package net's connect, which takes the end of a bound that is direct
// for a deadline whatever it was: what is told of a cancel must not be "timeout".
func named(ctx context.Context, err error) error {
	b, ok := ctx.(*bound)
	if err == nil || !ok || !b.direct || !socket.IsTimeout(err) {
		return err
	}
	if end := socket.ContextError(b.Context); end != nil && !socket.IsTimeout(end) {
		return withCause(err, end)
	}
	return err
}

// withCause is err, of package net, with end in the place of package net's own
// word for it.
func withCause(err, end error) error {
	op, ok := err.(*net.OpError)
	if !ok {
		return end
	}
	return &net.OpError{Op: op.Op, Net: op.Net, Source: op.Source, Addr: op.Addr, Err: end}
}

// openTCP connects to one address. Every connection of our own over TCP is made
// here: what is to be refused by address belongs before the dialing.
//
// net.Dialer.DialTCP would save the text of the address, but binds the socket
// even where no local address is wished for, and so uses up ports.
func (d *Dialer) openTCP(ctx context.Context, remote netip.AddrPort, log *event.Log) (net.Conn, error) {
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.ConnectStart, Detail: &trace.Detail{Network: "tcp", Remote: remote}})
	}
	var conn net.Conn
	err := d.judge(remote)
	if err == nil {
		conn, err = d.dialTCP(ctx, remote)
	}
	if log.On() {
		d := trace.Detail{Network: "tcp", Remote: remote}
		if err == nil {
			d.Local = event.AddrPort(conn.LocalAddr())
		}
		log.Emit(&trace.Event{Kind: trace.ConnectDone, Err: err, Detail: &d})
	}
	return conn, err
}

func (d *Dialer) dialTCP(ctx context.Context, remote netip.AddrPort) (net.Conn, error) {
	if d.alone && remote.Addr().Zone() == "" {
		return d.connectAlone(ctx, remote)
	}
	tcp := &d.tcp
	if remote.Addr().IsLoopback() {
		tcp, ctx = &d.near, aimed(ctx, remote)
	}
	conn, err := tcp.DialContext(ctx, "tcp", remote.String())
	return conn, named(ctx, err)
}

func (d *Dialer) openUnix(ctx context.Context, path string, log *event.Log) (net.Conn, error) {
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.ConnectStart, Detail: &trace.Detail{Network: "unix", Host: path}})
	}
	conn, err := d.unix.DialContext(ctx, "unix", path)
	err = named(ctx, err)
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.ConnectDone, Err: err, Detail: &trace.Detail{Network: "unix", Host: path}})
	}
	return conn, err
}

package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"sonde/internal/clock"
	"sonde/internal/errs"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/proxy"
	"sonde/internal/socket"
	"sonde/trace"
)

// mostDials bounds how often the way through the proxies is begun again because
// one of them asked for credentials and ended the connection.
const mostDials = 4

// through makes a connection that goes through the route's proxies: to the first
// one, and from each to the next, as far as the origin. Where the last one
// forwards requests itself, it ends there.
func (d *Dialer) through(ctx context.Context, route message.Route, log *event.Log, room Room) (Result, error) {
	hops := route.Proxy.Hops()
	way := make([]proxy.Tunnel, len(hops)) // what they learn outlives a connection
	for i, p := range hops {
		way[i] = proxy.Tunnel{Proxy: p, Limits: d.limits}
		if to := route.Origin; i+1 < len(hops) || to.Host != "" {
			if i+1 < len(hops) {
				to = hops[i+1].Origin
			}
			host, _, _ := strings.Cut(to.Host, "%") // a zone means nothing to others
			way[i].Target = net.JoinHostPort(host, to.Port)
		}
	}
	for dials := 1; ; dials++ {
		r, err := d.stack(ctx, way, log, room.Socket())
		if err == nil {
			return r, nil
		}
		if dials < mostDials && errors.Is(err, proxy.ErrAgain) {
			continue
		}
		return Result{}, err
	}
}

// stack makes one connection through the proxies.
func (d *Dialer) stack(ctx context.Context, way []proxy.Tunnel, log *event.Log, s *socket.Conn) (r Result, err error) {
	led := false
	defer func() { // a HeaderFunc, OnConnect or Authenticator may panic, too
		if !led && r.Socket != nil {
			r.Socket.Kill()
		}
	}()
	first := way[0].Proxy
	raw, times, err := d.connect(ctx, message.Route{Origin: first.Origin}, log)
	if err != nil {
		f, ok := errs.As[*fault.Fault](err)
		if !ok {
			f = fault.New(fault.Connect, err)
		}
		return r, fault.New(f.Op, d.failed(&proxy.Error{Proxy: first, Err: f.Err}))
	}
	r.Times = times
	r.Socket = d.socket(raw, s)
	for i := range way {
		if err := d.hop(ctx, &way[i], i == 0, log, &r); err != nil {
			return r, err
		}
	}
	led = true
	return r, nil
}

// hop goes through one proxy, to which r leads: TLS with it, if it wants that,
// and its handshake.
func (d *Dialer) hop(ctx context.Context, t *proxy.Tunnel, first bool, log *event.Log, r *Result) error {
	p := t.Proxy
	if t.Target == "" && p.Scheme == "http" {
		return nil // it forwards: there is nothing to say beforehand
	}
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.ProxyStart, Detail: &trace.Detail{Host: p.Name(), Name: t.Target}})
	}
	start := clock.Now()
	var err error
	if p.Scheme == "https" {
		err = d.secureProxy(ctx, p, first, log, r)
	}
	if err == nil && t.Target != "" {
		err = d.shakeProxy(ctx, t, log, r)
	}
	r.Times.Proxy += since(start)
	if err != nil {
		e, ok := err.(*proxy.Error)
		if !ok {
			e = &proxy.Error{Proxy: p, Err: err}
		}
		err = d.failed(e)
	}
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.ProxyDone, Err: err, Detail: &trace.Detail{Host: p.Name(), Name: t.Target}})
	}
	if err != nil {
		return fault.New(fault.Proxy, err)
	}
	return nil
}

// failed is e as the Dialer's owner wants it.
func (d *Dialer) failed(e *proxy.Error) error {
	if d.proxyError != nil {
		return d.proxyError(e)
	}
	return e
}

// shakeProxy runs the handshake of one proxy, within the time for it.
func (d *Dialer) shakeProxy(ctx context.Context, t *proxy.Tunnel, log *event.Log, r *Result) error {
	if len(r.rest) > 0 {
		return errors.New("the proxy before it sent bytes behind its answer, where this one has to be asked first")
	}
	host, port, err := d.target(ctx, t, log)
	if err != nil {
		return err
	}
	var limit int64
	if d.proxyTimeout > 0 {
		limit = clock.Now() + int64(d.proxyTimeout)
	}
	if t.Proxy.HTTP() {
		r.rest, err = t.Open(ctx, r.Socket, r.TLS, limit)
	} else {
		err = proxy.SOCKS5(ctx, t.Proxy, r.Socket, r.TLS, host, port, limit)
	}
	if err == nil {
		return nil
	}
	if end := contextEnd(ctx); end != nil {
		return end
	}
	if socket.IsTimeout(err) && limit != 0 && clock.Now() >= limit {
		return fmt.Errorf("no tunnel within %v: %w", d.proxyTimeout, os.ErrDeadlineExceeded)
	}
	return err
}

// target is what a SOCKS proxy is asked to connect to: for socks5 an address, for
// socks5h the name.
func (d *Dialer) target(ctx context.Context, t *proxy.Tunnel, log *event.Log) (string, uint16, error) {
	if t.Proxy.HTTP() {
		return "", 0, nil
	}
	host, service, err := net.SplitHostPort(t.Target)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, &net.AddrError{Err: "invalid port", Addr: t.Target}
	}
	if a, err := netip.ParseAddr(host); err == nil || t.Proxy.Scheme == "socks5h" {
		if err == nil {
			err = d.judge(netip.AddrPortFrom(a, uint16(port)))
			return host, uint16(port), err
		}
		return host, uint16(port), nil
	}
	addr, err := d.lookUp(ctx, host, log)
	if err == nil {
		err = d.judge(netip.AddrPortFrom(addr, uint16(port)))
	}
	return addr.String(), uint16(port), err
}

// lookUp is one address of host, for a proxy to connect to: an IPv4 one where
// there is one, since nobody knows whether the proxy has IPv6.
func (d *Dialer) lookUp(ctx context.Context, host string, log *event.Log) (netip.Addr, error) {
	b := newBound(ctx, d.connectTimeout)
	asked := context.Context(b)
	if at, ok := b.Deadline(); ok { // a Resolver may wait for nothing but Done, of which a bound does not tell then
		var cancel context.CancelFunc
		asked, cancel = context.WithDeadline(b, at)
		defer cancel()
	}
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.DNSStart, Detail: &trace.Detail{Host: host}})
	}
	var addrs []netip.Addr
	var failures []error
	for _, f := range [...]family{four, six} {
		all, err := d.ask(asked, f, host)
		if err != nil && !noSuchHost(err) {
			failures = append(failures, err)
		}
		if addrs = usable(f, all); err == nil && len(addrs) > 0 {
			break
		}
	}
	var err error
	if len(addrs) == 0 {
		if err = joined(failures); err == nil {
			err = notFound(host)
		}
		if end := b.ended(); end != nil {
			err = cutLookup(host, end)
		}
	}
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.DNSDone, Err: err, Detail: &trace.Detail{Host: host, Addrs: addrs}})
	}
	if err != nil {
		return netip.Addr{}, err
	}
	return addrs[0], nil
}

// ask looks up one family of host, and returns at the end of ctx even if the resolver
// does not.
func (d *Dialer) ask(ctx context.Context, f family, host string) ([]netip.Addr, error) {
	result := make(chan outcome, 1)
	go func() {
		addrs, err := d.resolver.LookupNetIP(ctx, f.network(), host)
		result <- outcome{addrs: addrs, err: err}
	}()
	select {
	case o := <-result:
		return o.addrs, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// secureProxy makes TLS with a proxy, unless the caller's own Dial has.
func (d *Dialer) secureProxy(ctx context.Context, p *message.Proxy, first bool, log *event.Log, r *Result) error {
	config := p.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = strings.Cut(p.Host, "%")
	}
	config.NextProtos = []string{"http/1.1"}
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.TLSStart, Detail: &trace.Detail{Host: config.ServerName}})
	}
	state, err := d.shakeLayer(ctx, config, first, r)
	tlsDone(log, config.ServerName, state, err)
	if err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	return nil
}

// shakeLayer puts one more layer of TLS above what r has.
func (d *Dialer) shakeLayer(ctx context.Context, config *tls.Config, first bool, r *Result) (*tls.ConnectionState, error) {
	if conn, ok := r.Socket.Raw().(stater); ok && first {
		if hs, ok := conn.(handshaker); ok {
			if err := d.shake(ctx, hs, r.Socket); err != nil {
				return nil, err
			}
		}
		state := conn.ConnectionState()
		return &state, nil
	}
	conn := tls.Client(r.top(), config)
	if err := d.shake(ctx, conn, r.Socket); err != nil {
		return nil, err
	}
	r.TLS, r.rest = conn, nil
	state := conn.ConnectionState()
	return &state, nil
}

// top is the connection above all layers so far.
func (r *Result) top() net.Conn {
	var top net.Conn = r.Socket
	if r.TLS != nil {
		top = r.TLS
	}
	if len(r.rest) > 0 {
		return &ahead{Conn: top, rest: r.rest}
	}
	return top
}

// ahead is a connection of which some bytes were read already.
type ahead struct {
	net.Conn
	rest []byte
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.rest) > 0 {
		n := copy(p, a.rest)
		a.rest = a.rest[n:]
		return n, nil
	}
	return a.Conn.Read(p)
}

var errSpeaksFirst = errors.New("bytes came behind the proxy's answer, before the origin was asked anything")

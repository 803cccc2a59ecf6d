//lint:file-ignore SA1019 old dial functions still count

package nethttp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// dialOf is t's dial function for plain connections, nil if it has none.
func dialOf(t *http.Transport) dialFunc {
	switch {
	case t.DialContext != nil:
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := t.DialContext(ctx, network, addr)
			return dialed("DialContext hook", conn, err)
		}
	case t.Dial != nil:
		return func(_ context.Context, network, addr string) (net.Conn, error) {
			conn, err := t.Dial(network, addr)
			return dialed("Dial hook", conn, err)
		}
	}
	return nil
}

// dialed is what a function of the Transport's gave, which has to be something.
func dialed(function string, conn net.Conn, err error) (net.Conn, error) {
	if conn == nil && err == nil {
		err = errors.New("net/http: Transport." + function + " returned (nil, nil)")
	}
	return conn, err
}

// tlsDial is t's dial function for https without a proxy, nil if sonde makes the
// handshake.
func tlsDial(t *http.Transport) dialFunc {
	if t == nil {
		return nil
	}
	dial := dialFunc(nil)
	switch {
	case t.DialTLSContext != nil:
		dial = t.DialTLSContext
	case t.DialTLS != nil:
		dial = func(_ context.Context, network, addr string) (net.Conn, error) { return t.DialTLS(network, addr) }
	case takesOver(t):
		dial = handshaking(t)
	default:
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if conn, err = dialed("DialTLS or DialTLSContext", conn, err); err != nil {
			return nil, err
		}
		if c, ok := conn.(*tls.Conn); ok {
			return handOver(ctx, t, addr, c)
		}
		if _, ok := conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
			return conn, nil
		}
		return secured{conn}, nil
	}
}

// secured is a connection of DialTLS that does not say what TLS it has: it gets no
// second handshake all the same.
type secured struct{ net.Conn }

// ConnectionState is nothing that is known.
func (secured) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }

// NetConn is the connection itself.
func (s secured) NetConn() net.Conn { return s.Conn }

// takesOver reports whether TLSNextProto has a protocol of somebody else's.
func takesOver(t *http.Transport) bool {
	for proto := range t.TLSNextProto {
		if proto != "h2" {
			return true
		}
	}
	return false
}

// handshaking dials and makes the handshake: only then it is known who serves.
func handshaking(t *http.Transport) dialFunc {
	dial := dialOf(t)
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		config := t.TLSClientConfig.Clone()
		if config == nil {
			config = new(tls.Config)
		}
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(addr)
		}
		config.NextProtos = protocols(config)
		conn := tls.Client(raw, config)
		if t.TLSHandshakeTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, t.TLSHandshakeTimeout, errTLSTimeout)
			defer cancel()
		}
		if err := conn.HandshakeContext(ctx); err != nil {
			raw.Close()
			if cause := context.Cause(ctx); cause == errTLSTimeout {
				err = cause
			}
			return nil, err
		}
		return conn, nil
	}
}

// handOver gives c to a protocol of TLSNextProto, if it speaks one.
func handOver(ctx context.Context, t *http.Transport, addr string, c *tls.Conn) (net.Conn, error) {
	if !takesOver(t) {
		return c, nil
	}
	if err := c.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	proto := c.ConnectionState().NegotiatedProtocol
	if f := t.TLSNextProto[proto]; f != nil && proto != "h2" {
		return nil, &handedOver{f(addr, c)}
	}
	return c, nil
}

// handedOver says that a connection has another RoundTripper.
type handedOver struct{ rt http.RoundTripper }

func (*handedOver) Error() string { return "nethttp: the connection speaks a protocol of TLSNextProto" }

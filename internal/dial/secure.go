package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sonde/internal/clock"
	"sonde/internal/errs"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/socket"
	"sonde/trace"
)

// sessions is how many TLS sessions a Dialer keeps for resumption, one a server
// name.
const sessions = 256

// baseTLS is c with the defaults.
func baseTLS(c *tls.Config) *tls.Config {
	if c = c.Clone(); c == nil {
		c = &tls.Config{}
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
	}
	if c.ClientSessionCache == nil && !c.SessionTicketsDisabled {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
	}
	return c
}

// alpn is what to offer for a set of protocols, the preferred one first.
func alpn(p message.Protocols) []string {
	switch p & (message.HTTP1 | message.HTTP2) {
	case message.HTTP1:
		return []string{"http/1.1"}
	case message.HTTP2:
		return []string{"h2"}
	case message.HTTP1 | message.HTTP2:
		return []string{"h2", "http/1.1"}
	}
	return nil
}

// serverName is the name for SNI and verification, without an IPv6 zone, which
// means nothing to the peer.
func (d *Dialer) serverName(host string) string {
	if d.tls.ServerName != "" {
		return d.tls.ServerName
	}
	host, _, _ = strings.Cut(host, "%")
	return host
}

type (
	stater     interface{ ConnectionState() tls.ConnectionState }
	handshaker interface{ HandshakeContext(context.Context) error }
)

// secure puts TLS on r.Socket, unless the dialer of the raw connection has.
func (d *Dialer) secure(ctx context.Context, route message.Route, log *event.Log, r *Result) error {
	name := d.serverName(route.Host)
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.TLSStart, Detail: &trace.Detail{Host: name}})
	}
	start := clock.Now()
	err := d.handshake(ctx, route, name, r)
	r.Times.TLS = since(start)
	tlsDone(log, name, r.State, err)
	if err != nil {
		return fault.New(fault.TLS, err)
	}
	return nil
}

// tlsDone tells of the end of a handshake.
func tlsDone(log *event.Log, name string, state *tls.ConnectionState, err error) {
	if !log.On() {
		return
	}
	d := trace.Detail{Host: name}
	if err == nil {
		d.Proto, d.TLSVersion, d.TLSCipher = state.NegotiatedProtocol, state.Version, state.CipherSuite
		d.Resumed, d.Name = state.DidResume, peerName(state)
		log.TLSDone(*state, nil)
	} else {
		log.TLSDone(tls.ConnectionState{}, err)
	}
	log.Emit(&trace.Event{Kind: trace.TLSDone, Err: err, Detail: &d})
}

func (d *Dialer) handshake(ctx context.Context, route message.Route, name string, r *Result) error {
	conn, done := r.Socket.Raw().(stater)
	if route.Proxy != nil || !done {
		config := d.tls.Clone()
		config.ServerName, config.NextProtos = name, alpn(route.Protocols)
		if d.ownALPN {
			config.NextProtos = d.alpn
		}
		r.TLS = tls.Client(r.top(), config)
		conn = r.TLS
	}
	// A custom dialer may have left the handshake to us; one that is over
	// already costs nothing.
	if hs, ok := conn.(handshaker); ok {
		if err := d.shake(ctx, hs, r.Socket); err != nil {
			return err
		}
	}
	state := conn.ConnectionState()
	r.State, r.Proto = &state, state.NegotiatedProtocol
	if r.Proto == "h2" && route.Protocols&message.HTTP2 == 0 {
		return errors.New("the connection that the dial function made speaks h2, which the route does not allow")
	}
	return nil
}

// peerName is a name that the server's certificate is for.
func peerName(s *tls.ConnectionState) string {
	if len(s.PeerCertificates) == 0 {
		return ""
	}
	switch cert := s.PeerCertificates[0]; {
	case len(cert.DNSNames) > 0:
		return cert.DNSNames[0]
	case len(cert.IPAddresses) > 0:
		return cert.IPAddresses[0].String()
	default:
		return cert.Subject.CommonName
	}
}

// shake runs the handshake within the time for it. What ends it early closes the
// raw connection: tls.Conn.Close would wait for a stalled peer.
func (d *Dialer) shake(ctx context.Context, hs handshaker, s *socket.Conn) error {
	late := false
	var err error
	if d.tlsTimeout > 0 {
		t := time.AfterFunc(d.tlsTimeout, s.Kill)
		err = hs.HandshakeContext(ctx)
		late = !t.Stop()
	} else {
		err = hs.HandshakeContext(ctx)
	}
	if err == nil && !late {
		return nil
	}
	if end := contextEnd(ctx); end != nil {
		return end
	}
	if late {
		return fmt.Errorf("no TLS handshake within %v: %w", d.tlsTimeout, os.ErrDeadlineExceeded)
	}
	return explained(err)
}

// explained adds to an error of the handshake what its text leaves to guess.
func explained(err error) error {
	if bad, ok := errs.As[tls.RecordHeaderError](err); ok && string(bad.RecordHeader[:]) == "HTTP/" {
		return fmt.Errorf("the server gave a plain HTTP answer to TLS: use http:// or another port (%w)", err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server closed the connection during the TLS handshake: %w", err)
	}
	return err
}

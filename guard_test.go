package sonde_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/guard"
	"sonde/trace"
)

// loopbackOnly allows one server and nothing else that is not public.
func loopbackOnly(t *testing.T, server string) guard.Rules {
	addr := netip.MustParseAddrPort(strings.TrimPrefix(server, "http://"))
	return guard.Rules{Allow: []netip.Prefix{netip.PrefixFrom(addr.Addr(), addr.Addr().BitLen())}}
}

// TestGuardCalls: whatever leads to an address that is not public, it is not
// connected to; and the error says which address, and why.
func TestGuardCalls(t *testing.T) {
	var connected atomic.Int32
	inside := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	inside.Config.ConnState = func(net.Conn, http.ConnState) { connected.Add(1) }
	inside.Start()
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	var changing atomic.Int32
	names := resolverFunc(func(network, host string) []netip.Addr {
		switch {
		case network == "ip6":
			return nil
		case host == "metadata.test":
			return []netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("::ffff:10.0.0.1")}
		case host == "rebinding.test" && changing.Add(1) == 1:
			return []netip.Addr{netip.MustParseAddr("127.0.0.2")}
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})
	c := newClient(t, sonde.Config{Guard: guard.Public, Resolver: names, Retry: sonde.Retry{Max: 3, Base: -1}})
	for url, want := range map[string]string{
		"http://127.0.0.1:" + port:          "127.0.0.1:" + port + ": address not allowed: loopback",
		"http://[::ffff:127.0.0.1]:" + port: "127.0.0.1:" + port + ": address not allowed: loopback",
		"http://inside.test:" + port:        "loopback",
		"http://metadata.test:" + port:      "169.254.169.254:" + port + ": address not allowed: link-local",
		"http://[64:ff9b::7f00:1]:" + port:  "NAT64 of 127.0.0.1: loopback",
		"http://[fe80::1]:" + port:          "link-local",
		"http://0:" + port:                  "loopback", // a name here
		"http://rebinding.test:" + port:     "127.0.0.2",
	} {
		var retries trace.Recorder
		_, err := c.Get(context.Background(), url, sonde.WithSink(&retries))
		var e *sonde.Error
		var g *guard.Error
		if !errors.As(err, &e) || e.Op != sonde.OpConnect || !e.SafeToRetry() || !errors.As(err, &g) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
		for _, ev := range retries.Events() {
			if ev.Kind == trace.Retry {
				t.Errorf("%s: tried again", url)
			}
		}
	}
	if n := connected.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}

	// On a redirect, from a server that is allowed.
	front := httptest.NewServer(http.RedirectHandler(strings.Replace(inside.URL, "127.0.0.1", "127.0.0.2", 1), http.StatusFound))
	defer front.Close()
	rules := loopbackOnly(t, front.URL)
	c = newClient(t, sonde.Config{Guard: rules.Check})
	_, err := c.Get(context.Background(), front.URL)
	var g *guard.Error
	if !errors.As(err, &g) || g.Addr.Addr().String() != "127.0.0.2" {
		t.Error(err)
	}
}

// resolverFunc is a Resolver; no addresses are no such host.
type resolverFunc func(network, host string) []netip.Addr

func (f resolverFunc) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if addrs := f(network, host); addrs != nil {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// TestGuardConnections: a client does not use what another one, with another
// guard, has connected.
func TestGuardConnections(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	open := newClient(t, sonde.Config{})
	mustGet(t, open, s.URL, "Hello world")
	guarded, err := open.With(func(c *sonde.Config) { c.Guard = guard.Public })
	if err != nil {
		t.Fatal(err)
	}
	var g *guard.Error
	if _, err := guarded.Get(context.Background(), s.URL); !errors.As(err, &g) {
		t.Error("through a connection of the client without a guard:", err)
	}
	mustGet(t, open, s.URL, "Hello world")
	if n := open.Pool().Stats().Opened; n != 1 {
		t.Error(n, "connections")
	}
}

func TestHTTPSOnly(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(s.URL, http.StatusFound))
	defer secure.Close()
	c := newClient(t, sonde.Config{HTTPSOnly: true, TLS: trusting(secure), Timeouts: sonde.Timeouts{Call: 10 * time.Second}})
	var e *sonde.Error
	if _, err := c.Get(context.Background(), s.URL); !errors.As(err, &e) || e.Op != sonde.OpRequest || !strings.Contains(err.Error(), "https only") {
		t.Error(err)
	}
	_, err := c.Get(context.Background(), secure.URL)
	var r *sonde.RedirectError
	if !errors.As(err, &e) || e.Op != sonde.OpRedirect || !errors.As(err, &r) || !strings.Contains(fmt.Sprint(r), "https only") {
		t.Error(err)
	}
}

// trusting is a tls.Config that trusts s.
func trusting(s *httptest.Server) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{RootCAs: roots}
}

package sonde_test

import (
	"strings"
	"testing"

	"sonde"
	"sonde/internal/proxy/proxytest"
)

// proxyPeer is a proxy that does what it is asked; see package proxytest.
type proxyPeer struct {
	*peer
	proxytest.Proxy
}

// newProxyPeer starts such a proxy, as set says it shall be.
func newProxyPeer(t testing.TB, set func(*proxyPeer)) *proxyPeer {
	p := &proxyPeer{}
	p.Names = map[string]string{}
	set(p)
	p.peer = newPeer(t, func(c *peerConn) { p.Serve(c.Conn) })
	return p
}

// secure gives it TLS.
func (p *proxyPeer) secure() { p.TLS, _ = certificates(nil) }

// at is the proxy's URL with that scheme, and its credentials.
func (p *proxyPeer) at(scheme string) string {
	if p.User != "" {
		return scheme + "://" + p.User + ":" + p.Password + "@" + p.ln.Addr().String()
	}
	return scheme + "://" + p.ln.Addr().String()
}

// mustProxy is a Proxy.
func mustProxy(t testing.TB, url string, cfg sonde.ProxyConfig) *sonde.Proxy {
	t.Helper()
	p, err := sonde.NewProxy(url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// proxied is a client whose requests all take that proxy.
func proxied(t testing.TB, url string, cfg sonde.ProxyConfig) *sonde.Client {
	t.Helper()
	_, trust := certificates(t)
	if cfg.TLS == nil && strings.HasPrefix(url, "https") {
		cfg.TLS = trust
	}
	return newClient(t, sonde.Config{TLS: trust, Proxy: sonde.FixedProxy(mustProxy(t, url, cfg))})
}

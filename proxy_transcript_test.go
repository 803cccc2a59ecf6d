package sonde_test

import (
	"bufio"
	"crypto/tls"
	"net/url"
	"strings"
	"testing"

	"sonde"
	"sonde/trace"
)

// changed is c with a proxy, whose certificate is trusted as those of origins.
func changed(c *sonde.Client, rawURL string) *sonde.Client {
	_, trust := certificates(nil)
	p, err := sonde.NewProxy(rawURL, sonde.ProxyConfig{})
	if strings.HasPrefix(rawURL, "https") {
		p, err = sonde.NewProxy(rawURL, sonde.ProxyConfig{TLS: trust})
	}
	if err != nil {
		panic(err)
	}
	c, err = c.With(func(cfg *sonde.Config) { cfg.Proxy, cfg.TLS = sonde.FixedProxy(p), trust })
	if err != nil {
		panic(err)
	}
	return c
}

func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err)
	}
	return u.Host
}

// proxyScript is an HTTP and SOCKS proxy that leads to itself, but not to
// refused.test.
func proxyScript(c *peerConn) {
	first, err := c.r.Peek(1)
	if err != nil {
		return
	}
	if first[0] == 5 {
		c.r.Discard(4)
		c.say("\x05\x02")
		c.r.Discard(1 + 1 + len("me") + 1 + len("secret"))
		c.say("\x01\x00")
		to, _ := c.r.Peek(5)
		to, _ = c.r.Peek(5 + int(to[4]) + 2)
		c.r.Discard(len(to))
		if strings.Contains(string(to), "refused.test") {
			c.say("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")
			return
		}
		c.say("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
	} else if strings.Contains(c.head(), "refused.test") {
		c.say("HTTP/1.1 403 Policy says no\r\nContent-Length: 5\r\n\r\nnever")
		return
	} else {
		c.say("HTTP/1.1 200 Connection established\r\n\r\n")
	}
	server, _ := certificates(c.t)
	s := tls.Server(readAhead{c}, server)
	(&peerConn{Conn: s, r: bufio.NewReader(s), t: c.t}).serve(okAnswer)
}

// TestProxyHooks: the hooks that httptrace lacks are called, with no credentials.
func TestProxyHooks(t *testing.T) {
	p := newPeer(t, proxyScript)
	c := changed(newClient(t, sonde.Config{}), "http://me:secret@"+p.ln.Addr().String())
	var calls []string
	ctx := trace.With(background, &trace.Hooks{
		ProxyChosen: func(proxy string) { calls = append(calls, "chosen "+proxy) },
		ProxyStart:  func(proxy string) { calls = append(calls, "start "+proxy) },
		ProxyDone: func(proxy string, err error) {
			if err != nil {
				proxy += " failed"
			}
			calls = append(calls, "done "+proxy)
		},
	})
	if r, err := c.Get(ctx, "https://localhost/"); err != nil || r.Timing().Proxy <= 0 || r.Timing().Proxy > r.Timing().Acquire {
		t.Error(r, err)
	}
	if r, err := c.Get(ctx, "https://localhost/"); err != nil || r.Timing().Proxy != 0 {
		t.Error(r, err)
	}
	c.Get(ctx, "https://refused.test/")
	is := p.url()
	want := []string{"chosen", "start", "done", "chosen", "chosen", "start", "done"}
	for i := range want {
		want[i] += " " + is
	}
	want[len(want)-1] += " failed"
	if got := strings.Join(calls, ", "); got != strings.Join(want, ", ") {
		t.Errorf("calls %s", got)
	}
}

package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"sonde"
)

// origin is a server that tells what it was asked; secure if it is to speak TLS.
func origin(t *testing.T, secure bool) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "Proxy-") {
				t.Errorf("%s reached the origin", name)
			}
		}
		w.Write([]byte(r.Method + " " + r.RequestURI + " for " + r.Host))
	}))
	if secure {
		s.TLS, _ = certificates(t)
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// TestProxyKinds: each kind of proxy leads to each kind of origin, with and without
// credentials, and what it was asked is right.
func TestProxyKinds(t *testing.T) {
	for _, kind := range []string{"http", "https", "socks5", "socks5h", "tunnel"} {
		for _, secure := range []bool{false, true} {
			for _, user := range []string{"", "me"} {
				name := kind + " to http"
				if secure {
					name += "s"
				}
				t.Run(name+" as "+user, func(t *testing.T) { testProxyKind(t, kind, secure, user) })
			}
		}
	}
}

func testProxyKind(t *testing.T, kind string, secure bool, user string) {
	o := origin(t, secure)
	p := newProxyPeer(t, func(p *proxyPeer) {
		if p.User = user; user != "" {
			p.Password = "p:w"
		}
		if kind == "https" {
			p.secure()
		}
	})
	cfg := sonde.ProxyConfig{Tunnel: kind == "tunnel"}
	scheme := kind
	if kind == "tunnel" {
		scheme = "http"
	}
	c := proxied(t, strings.Replace(p.at(scheme), "p:w", "p%3Aw", 1), cfg)
	for range 2 {
		r, err := c.Get(background, o.URL+"/a?b", sonde.WithHeader("Proxy-Authorization", "secret"))
		if user != "" && !secure && (kind == "http" || kind == "https") {
			// It is for the proxy, and set by hand: that one wants another.
			if se, ok := errors.AsType[*sonde.StatusError](err); !ok || se.Status != 407 {
				t.Fatalf("with credentials of its own: %v", err)
			}
			r, err = c.Get(background, o.URL+"/a?b")
		}
		if err != nil {
			t.Fatal(err)
		}
		host := strings.TrimPrefix(strings.TrimPrefix(o.URL, "http://"), "https://")
		if want := "GET /a?b for " + host; string(r.Body) != want {
			t.Errorf("the origin was asked %q, want %q", r.Body, want)
		}
		if want := scheme + "://" + p.ln.Addr().String(); r.ConnInfo().Proxy != want {
			t.Errorf("ConnInfo.Proxy is %q, want %q", r.ConnInfo().Proxy, want)
		}
		if (r.ConnInfo().TLS != nil) != secure {
			t.Errorf("TLS with the origin: %v", r.ConnInfo().TLS)
		}
	}
	for _, head := range p.Heads() {
		connects := secure || kind == "tunnel"
		if connects != strings.HasPrefix(head, "CONNECT "+strings.TrimPrefix(strings.TrimPrefix(o.URL, "https://"), "http://")+" HTTP/1.1\r\nHost: ") ||
			!connects && !strings.HasPrefix(head, "GET "+o.URL+"/a?b HTTP/1.1\r\nHost: ") {
			t.Errorf("the proxy was asked\n%s", head)
		}
		if connects && (strings.Contains(head, "secret") || (user != "") != strings.Contains(head, "Proxy-Authorization: Basic ")) {
			t.Errorf("credentials in\n%s", head)
		}
	}
	if connects := p.conns.Load(); (secure || kind == "tunnel" || strings.HasPrefix(kind, "socks")) && connects != 1 {
		t.Errorf("%d connections", connects)
	}
}

// TestProxyNames: socks5 looks names up, socks5h and HTTP proxies get the name.
func TestProxyNames(t *testing.T) {
	o := origin(t, false)
	port := o.URL[strings.LastIndexByte(o.URL, ':'):]
	for _, tt := range []struct{ scheme, asked string }{
		{"socks5", "127.0.0.1"}, {"socks5h", "name.test"}, {"http", ""},
	} {
		p := newProxyPeer(t, func(p *proxyPeer) { p.Names["name.test"] = "127.0.0.1" })
		c := newClient(t, sonde.Config{
			Proxy:    sonde.FixedProxy(mustProxy(t, p.at(tt.scheme), sonde.ProxyConfig{})),
			Resolver: nameTable{"name.test": {"127.0.0.1"}},
		})
		if r, err := c.Get(background, "http://name.test"+port+"/"); err != nil || string(r.Body) != "GET / for name.test"+port {
			t.Errorf("%s: %v %v", tt.scheme, r, err)
		}
		if got := strings.Join(p.Asked(), " "); got != tt.asked {
			t.Errorf("%s was asked for %q, want %q", tt.scheme, got, tt.asked)
		}
	}
}

// TestProxyChain: a SOCKS proxy before an HTTPS proxy before an HTTP proxy.
func TestProxyChain(t *testing.T) {
	_, trust := certificates(t)
	for _, secure := range []bool{false, true} {
		o := origin(t, secure)
		a := newProxyPeer(t, func(p *proxyPeer) { p.User, p.Password = "a", "1" })
		b := newProxyPeer(t, func(p *proxyPeer) { p.User, p.Password = "b", "2"; p.secure() })
		c := newProxyPeer(t, func(p *proxyPeer) { p.User, p.Password = "c", "3" })
		way := mustProxy(t, a.at("socks5h"), sonde.ProxyConfig{})
		way = mustProxy(t, b.at("https"), sonde.ProxyConfig{Via: way, TLS: trust})
		way = mustProxy(t, c.at("http"), sonde.ProxyConfig{Via: way})
		client := newClient(t, sonde.Config{TLS: trust, Proxy: sonde.FixedProxy(way)})
		r, err := client.Get(background, o.URL)
		if err != nil {
			t.Fatal(err)
		}
		want := "http://" + c.ln.Addr().String() + " via https://" + b.ln.Addr().String() + " via socks5h://" + a.ln.Addr().String()
		if got := r.ConnInfo().Proxy; got != want {
			t.Errorf("the way is %q, want %q", got, want)
		}
		if a.conns.Load() != 1 || len(b.Heads()) != 1 || len(c.Heads()) != 1 {
			t.Errorf("%d, %d, %d", a.conns.Load(), len(b.Heads()), len(c.Heads()))
		}
	}
}

// TestProxyConnectFields: fixed, computed and refused.
func TestProxyConnectFields(t *testing.T) {
	o := origin(t, true)
	p := newProxyPeer(t, func(*proxyPeer) {})
	var fixed sonde.Header
	fixed.Add("X-Fixed", "1")
	fixed.Add("X-Both", "fixed")
	var answers []sonde.Status
	mine := errors.New("mine")
	fail := false
	c := proxied(t, p.at("http"), sonde.ProxyConfig{
		Header: fixed,
		HeaderFunc: func(_ context.Context, target string) (h sonde.Header, err error) {
			h.Add("X-Target", target)
			h.Add("x-both", "computed")
			if fail {
				err = mine
			}
			return h, err
		},
		OnConnect: func(_ context.Context, target string, h *sonde.Head) error {
			if answers = append(answers, h.Status); len(answers) > 1 {
				return mine
			}
			return nil
		},
	})
	host := strings.TrimPrefix(o.URL, "https://")
	if _, err := c.Get(background, o.URL); err != nil {
		t.Fatal(err)
	}
	want := "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\nX-Fixed: 1\r\nX-Target: " + host + "\r\nx-both: computed\r\n\r\n"
	if got := p.Heads()[0]; got != want {
		t.Errorf("the proxy got\n%s\nwant\n%s", got, want)
	}
	_, err := c.Get(background, o.URL, sonde.WithOneShot())
	wantProxyError(t, err, p, mine)
	if len(answers) != 2 || answers[0] != 200 {
		t.Errorf("answers %v", answers)
	}
	fail = true
	_, err = c.Get(background, o.URL, sonde.WithOneShot())
	wantProxyError(t, err, p, mine)
}

// wantProxyError wants an error of phase proxy that names p, with is in its chain.
func wantProxyError(t *testing.T, err error, p *proxyPeer, is ...error) *sonde.ProxyError {
	t.Helper()
	e, ok := errors.AsType[*sonde.Error](err)
	pe, also := errors.AsType[*sonde.ProxyError](err)
	if !ok || !also || e.Op != sonde.OpProxy || !strings.HasSuffix(pe.Proxy, p.ln.Addr().String()) || !e.SafeToRetry() {
		t.Fatalf("error %#v %v", err, err)
	}
	for _, target := range is {
		if !errors.Is(err, target) {
			t.Errorf("%v: errors.Is does not find %v", err, target)
		}
	}
	return pe
}

// TestProxyTrust: what is trusted of origins is not trusted of the proxy.
func TestProxyTrust(t *testing.T) {
	o := origin(t, true)
	p := newProxyPeer(t, func(p *proxyPeer) { p.secure() })
	_, trust := certificates(t)
	c := newClient(t, sonde.Config{TLS: trust, Proxy: sonde.FixedProxy(mustProxy(t, p.at("https"), sonde.ProxyConfig{}))})
	_, err := c.Get(background, o.URL)
	wantProxyError(t, err, p)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("error %v", err)
	}
}

// TestProxyGuard: a guard judges the address that a SOCKS proxy is to connect to, and
// cannot judge what a proxy looks up.
func TestProxyGuard(t *testing.T) {
	o := origin(t, false)
	p := newProxyPeer(t, func(p *proxyPeer) { p.Names["name.test"], p.Names["127.0.0.9"] = "127.0.0.1", "127.0.0.1" })
	port := o.URL[strings.LastIndexByte(o.URL, ':'):]
	mine := errors.New("mine")
	for _, tt := range []struct {
		scheme, host string
		refused      bool
	}{
		{"socks5", "name.test", true}, {"socks5", "127.0.0.9", true}, {"socks5h", "127.0.0.9", true},
		{"socks5h", "name.test", false}, {"http", "name.test", false},
	} {
		c := newClient(t, sonde.Config{
			Proxy:    sonde.FixedProxy(mustProxy(t, p.at(tt.scheme), sonde.ProxyConfig{})),
			Resolver: nameTable{"name.test": {"127.0.0.9"}},
			Guard: func(a netip.AddrPort) error {
				if a.Addr().String() == "127.0.0.9" {
					return mine
				}
				return nil
			},
		})
		_, err := c.Get(background, "http://"+tt.host+port)
		if tt.refused {
			wantProxyError(t, err, p, mine)
		} else if err != nil {
			t.Error(tt, err)
		}
	}
}

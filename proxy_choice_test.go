package sonde

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestProxyEnvironment: which proxy the environment gives to a request.
func TestProxyEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name, env, url, want string // want: "!" and what an error says
	}{
		{"nothing is set", "", "http://a.test/", ""},
		{"http", "HTTP_PROXY=http://p.test:3128", "http://a.test/", "http://p.test:3128"},
		{"lower case comes first", "HTTP_PROXY=http://no.test http_proxy=http://p.test", "http://a.test/", "http://p.test:80"},
		{"empty is not set", "http_proxy= HTTP_PROXY=http://p.test", "http://a.test/", "http://p.test:80"},
		{"http is not for https", "HTTP_PROXY=http://p.test", "https://a.test/", ""},
		{"https", "https_proxy=https://p.test", "https://a.test/", "https://p.test:443"},
		{"https is not for http", "HTTPS_PROXY=http://p.test", "http://a.test/", ""},
		{"no scheme", "HTTP_PROXY=p.test:8080", "http://a.test/", "http://p.test:8080"},
		{"no scheme, no port", "HTTP_PROXY=p.test", "http://a.test/", "http://p.test:80"},
		{"no scheme, a user", "HTTP_PROXY=me:secret@p.test:8080", "http://a.test/", "http://p.test:8080"},
		{"an address", "HTTP_PROXY=[2001:db8::1]:8080", "http://a.test/", "http://[2001:db8::1]:8080"},
		{"SOCKS", "ALL_PROXY=socks5h://me:pw@p.test", "https://a.test/", "socks5h://p.test:1080"},
		{"all, for both", "all_proxy=socks5://p.test:9050", "http://a.test/", "socks5://p.test:9050"},
		{"all comes last", "ALL_PROXY=http://no.test HTTPS_PROXY=http://p.test", "https://a.test/", "http://p.test:80"},
		{"another scheme", "HTTP_PROXY=ftp://p.test", "http://a.test/", "!HTTP_PROXY in the environment"},
		{"nonsense", "ALL_PROXY=http://me:secret@/", "http://a.test/", "!ALL_PROXY in the environment"},
		{"CGI", "HTTP_PROXY=http://p.test REQUEST_METHOD=GET", "http://a.test/", ""},
		{"CGI, lower case", "http_proxy=http://p.test REQUEST_METHOD=GET", "http://a.test/", "http://p.test:80"},
		{"CGI, https", "HTTPS_PROXY=http://p.test REQUEST_METHOD=GET", "https://a.test/", "http://p.test:80"},
		{"CGI, all", "HTTP_PROXY=http://no.test ALL_PROXY=http://p.test REQUEST_METHOD=GET", "http://a.test/", "http://p.test:80"},
		{"localhost", "ALL_PROXY=http://p.test", "http://localhost:8080/", ""},
		{"loopback", "ALL_PROXY=http://p.test", "http://127.1.2.3/", ""},
		{"loopback IPv6", "ALL_PROXY=http://p.test", "https://[::1]/", ""},
		{"a unix socket", "ALL_PROXY=http://p.test", "unix", ""},
		{"not: a name", "ALL_PROXY=http://p.test NO_PROXY=b.test,a.test", "http://a.test/", ""},
		{"not: below a name", "ALL_PROXY=http://p.test NO_PROXY=a.test", "http://www.a.test/", ""},
		{"not: another name that ends so", "ALL_PROXY=http://p.test NO_PROXY=a.test", "http://ba.test/", "http://p.test:80"},
		{"not: with a dot, itself", "ALL_PROXY=http://p.test NO_PROXY=.a.test", "http://a.test/", "http://p.test:80"},
		{"not: with a dot, below", "ALL_PROXY=http://p.test NO_PROXY=.a.test", "http://www.a.test/", ""},
		{"not: with a star", "ALL_PROXY=http://p.test NO_PROXY=*.a.test", "http://www.a.test/", ""},
		{"not: port", "ALL_PROXY=http://p.test NO_PROXY=a.test:8080", "http://a.test:8080/", ""},
		{"not: another port", "ALL_PROXY=http://p.test NO_PROXY=a.test:8080", "http://a.test/", "http://p.test:80"},
		{"not: the scheme's port", "ALL_PROXY=http://p.test NO_PROXY=a.test:443", "https://a.test/", ""},
		{"not: an address", "ALL_PROXY=http://p.test NO_PROXY=192.0.2.7", "http://192.0.2.7/", ""},
		{"not: CIDR", "ALL_PROXY=http://p.test NO_PROXY=192.0.2.0/24", "http://192.0.2.7/", ""},
		{"not: outside", "ALL_PROXY=http://p.test NO_PROXY=192.0.2.0/24", "http://192.0.3.7/", "http://p.test:80"},
		{"not: CIDR of IPv6", "ALL_PROXY=http://p.test NO_PROXY=2001:db8::/32", "http://[2001:db8::7]/", ""},
		{"not: all", "ALL_PROXY=http://p.test no_proxy=*", "http://a.test/", ""},
		{"not: international", "ALL_PROXY=http://p.test no_proxy=bücher.test", "http://xn--bcher-kva.test/", ""},
		{"not: case and space", "ALL_PROXY=http://p.test no_proxy=b,A.Test", "http://a.test/", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} {
				t.Setenv(name, "")
				t.Setenv(strings.ToUpper(name), "")
			}
			t.Setenv("REQUEST_METHOD", "")
			for _, set := range strings.Fields(tt.env) {
				name, value, _ := strings.Cut(set, "=")
				t.Setenv(name, value)
			}
			if runtime.GOOS == "windows" && (strings.Contains(tt.name, "CGI") || strings.Contains(tt.name, "case")) {
				t.Skip("Windows knows no case in names of variables")
			}
			cfg, u := Config{}, tt.url
			if u == "unix" {
				cfg.UnixSocket, u = "/run/s", "http://a.test/"
			}
			c, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var p plan
			p.fill(context.Background(), c, NewRequest(GET, u))
			text, fails := strings.CutPrefix(tt.want, "!")
			if fails != (p.err != nil) || fails && !strings.Contains(p.err.Error(), text) {
				t.Fatalf("error %v, want %q", p.err, tt.want)
			}
			if p.err != nil && strings.Contains(p.err.Error(), "secret") {
				t.Errorf("credentials in %v", p.err)
			}
			if got := p.route.Proxy.Name(); !fails && got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestProxyChoice: fixed, by a func, of the request, and with exceptions.
func TestProxyChoice(t *testing.T) {
	t.Setenv("ALL_PROXY", "http://env.test")
	a, _ := NewProxy("http://a.test", ProxyConfig{})
	b, _ := NewProxy("http://b.test", ProxyConfig{})
	mine := errors.New("mine")
	byHost := ProxyFunc(func(_ context.Context, u *url.URL) (*Proxy, error) {
		switch {
		case u.User != nil:
			return nil, errors.New("userinfo")
		case u.Host == "none.test":
			return nil, nil
		case u.Host == "bad.test":
			return nil, mine
		}
		return b, nil
	})
	for _, tt := range []struct {
		choice    ProxyChoice
		url, want string
		opt       Option
	}{
		{ProxyChoice{}, "http://x.test", "http://env.test:80", Join()},
		{ProxyChoice{}.Except("x.test"), "http://x.test", "", Join()},
		{ProxyFromEnvironment(ProxyConfig{User: url.User("me")}), "http://x.test", "http://env.test:80", Join()},
		{NoProxy(), "http://x.test", "", Join()},
		{FixedProxy(nil), "http://x.test", "", Join()},
		{FixedProxy(a), "http://x.test", "http://a.test:80", Join()},
		{FixedProxy(a), "http://localhost", "http://a.test:80", Join()},
		{FixedProxy(a).Except("x.test"), "http://localhost", "http://a.test:80", Join()},
		{FixedProxy(a).Except("x.test, localhost"), "http://localhost", "", Join()},
		{FixedProxy(a).Except("127.0.0.0/8"), "http://127.0.0.1", "", Join()},
		{FixedProxy(a).Except("127.0.0.1:81,[::1]:80"), "http://127.0.0.1", "http://a.test:80", Join()},
		{FixedProxy(a).Except("127.0.0.1:81,[::1]:80"), "http://[::1]", "", Join()},
		{FixedProxy(a).Except("*"), "http://127.0.0.1", "", Join()},
		{FixedProxy(a).Except("*"), "http://x.test", "", Join()},
		{FixedProxy(a).Except("x.test"), "http://www.x.test", "", Join()},
		{byHost, "http://me:pw@x.test", "http://b.test:80", Join()},
		{byHost, "http://none.test", "", Join()},
		{byHost, "http://bad.test", "mine", Join()},
		{byHost.Except("bad.test"), "http://bad.test", "", Join()},
		{FixedProxy(a), "http://x.test", "http://b.test:80", WithProxy(b)},
		{FixedProxy(a), "http://x.test", "", WithProxy(nil)},
		{byHost, "http://bad.test", "http://a.test:80", WithProxy(a)},
	} {
		c, err := New(Config{Proxy: tt.choice})
		if err != nil {
			t.Fatal(err)
		}
		r := NewRequest(GET, tt.url, tt.opt)
		for range 3 { // also from a plan that is kept
			p := c.planFor(context.Background(), r, new(plan))
			got := p.route.Proxy.Name()
			if p.err != nil {
				got = p.err.Error()
			}
			if got != tt.want {
				t.Errorf("%s: %q, want %q", tt.url, got, tt.want)
			}
		}
		c.Close()
	}
}

// TestProxyInterned: proxies that say the same are one, and nobody keeps those that
// are gone.
func TestProxyInterned(t *testing.T) {
	f := func(context.Context, string) (h Header, err error) { return h, nil }
	mk := func(url string, cfg ProxyConfig) *Proxy {
		p, err := NewProxy(url, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b := mk("http://Interned.test", ProxyConfig{HeaderFunc: f}), mk("http://interned.test:80/", ProxyConfig{HeaderFunc: f})
	if a.p != b.p {
		t.Error("the same proxy twice")
	}
	if c := mk("http://interned.test", ProxyConfig{HeaderFunc: f, Via: a}); c.p == a.p || c.p != mk("http://interned.test", ProxyConfig{HeaderFunc: f, Via: b}).p {
		t.Error("the way to it is not part of it")
	}
	count := func() (n int) {
		proxies.mu.Lock()
		defer proxies.mu.Unlock()
		for key := range proxies.all {
			if key.origin.Host == "interned.test" {
				n++
			}
		}
		return n
	}
	func() { // a proxy whose funcs and TLS lead back to it
		o := &struct{ p *Proxy }{}
		o.p = mk("https://interned.test", ProxyConfig{
			TLS:        &tls.Config{VerifyConnection: func(tls.ConnectionState) error { runtime.KeepAlive(o); return nil }},
			HeaderFunc: func(context.Context, string) (h Header, err error) { runtime.KeepAlive(o); return h, nil },
			OnConnect:  func(context.Context, string, *Head) error { runtime.KeepAlive(o); return nil },
		})
	}()
	trust := &tls.Config{}
	if c := mk("https://interned.test", ProxyConfig{TLS: trust}); c.p != mk("https://interned.test", ProxyConfig{TLS: trust}).p ||
		c.p == mk("https://interned.test", ProxyConfig{TLS: trust.Clone()}).p || c.p == mk("https://interned.test", ProxyConfig{}).p {
		t.Error("TLS is not told apart")
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	a, b = nil, nil
	for end := time.Now().Add(20 * time.Second); count() > 0; {
		if runtime.GC(); time.Now().After(end) {
			t.Fatalf("%d are kept", count())
		}
		time.Sleep(time.Millisecond)
	}
}

// TestProxyRefused: what NewProxy does not take.
func TestProxyRefused(t *testing.T) {
	var length, field Header
	length.Add("Content-Length", "1")
	field.Add("X-A", "b")
	for _, tt := range []struct {
		url, text string
		cfg       ProxyConfig
	}{
		{"", "empty", ProxyConfig{}}, {"p.test", "no scheme", ProxyConfig{}}, {"ftp://p.test", "scheme", ProxyConfig{}},
		{"socks4://p.test", "scheme", ProxyConfig{}}, {"http://", "no host", ProxyConfig{}}, {"socks5:p.test", "no host", ProxyConfig{}},
		{"http://p.test/path", "no path", ProxyConfig{}}, {"http://p.test/?q", "no path", ProxyConfig{}}, {"http://p.test:99999", "port", ProxyConfig{}},
		{"http://a%3Ab:secret@p.test", "no colon", ProxyConfig{}}, {"socks5://:secret@p.test", "1 to 255", ProxyConfig{}},
		{"socks5://secret:" + strings.Repeat("x", 256) + "@p.test", "1 to 255", ProxyConfig{}},
		{"socks5://p.test", "speaks SOCKS", ProxyConfig{Header: field}}, {"http://p.test", "codec", ProxyConfig{Header: length}},
	} {
		p, err := NewProxy(tt.url, tt.cfg)
		if err == nil || p != nil || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", tt.url, err)
		}
	}
}

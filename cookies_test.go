package sonde_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sonde"
	"sonde/cookie"
)

// biscuits is a server under every name. It notes the Cookie lines of requests.
type biscuits struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

// newBiscuits answers by the path: /set?value sets a cookie, /status/401?value too,
// with that status, /to?URL redirects and sets hop=1, /early sets one in a 103.
func newBiscuits(t *testing.T) *biscuits {
	b := &biscuits{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.got = append(b.got, r.Host+r.URL.Path+" "+strings.Join(r.Header["Cookie"], " | "))
		n := len(b.got)
		b.mu.Unlock()
		value, _ := url.QueryUnescape(r.URL.RawQuery)
		status := http.StatusOK
		switch {
		case r.URL.Path == "/to":
			w.Header().Set("Location", value)
			w.Header().Set("Set-Cookie", "hop=1; Path=/")
			status = http.StatusFound
		case r.URL.Path == "/set":
			w.Header().Set("Set-Cookie", value)
		case r.URL.Path == "/early":
			w.Header().Set("Set-Cookie", "early=1")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Set-Cookie")
		case r.URL.Path == "/once" && n == 1:
			w.Header().Set("Set-Cookie", "try=1")
			status = http.StatusServiceUnavailable
		case strings.HasPrefix(r.URL.Path, "/status/"):
			fmt.Sscanf(r.URL.Path, "/status/%d", &status)
			w.Header().Set("Set-Cookie", value)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(b.Close)
	return b
}

// take returns what was asked since the last time.
func (b *biscuits) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := strings.Join(b.got, ", ")
	b.got = nil
	return s
}

// client has cfg and reaches b by any name.
func (b *biscuits) client(t *testing.T, cfg sonde.Config) *sonde.Client {
	cfg.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, b.Listener.Addr().String())
	}
	cfg.Proxy = sonde.NoProxy()
	return newClient(t, cfg)
}

func via(target string) string { return "http://a.example/to?" + url.QueryEscape(target) }

// TestCookies: when cookies are taken, and which are sent.
func TestCookies(t *testing.T) {
	b := newBiscuits(t)
	var byConfig sonde.Header
	byConfig.Set("Cookie", "config=1")
	ctx := context.Background()
	for _, tt := range []struct {
		name string
		cfg  sonde.Config
		urls []string
		opts []sonde.Option // of the last request
		want string
	}{
		{name: "none", urls: []string{"http://a.example/"}, want: "a.example/ "},
		{name: "set and sent", urls: []string{"http://a.example/set?x=1", "http://a.example/", "http://b.example/"},
			want: "a.example/set , a.example/ x=1, b.example/ "},
		{name: "of a redirect", urls: []string{via("/next")}, want: "a.example/to , a.example/next hop=1"},
		{name: "of a redirect that is not followed", urls: []string{via("/next"), "http://a.example/"}, cfg: sonde.Config{Redirects: sonde.Redirects{Max: -1}},
			want: "a.example/to , a.example/ hop=1"},
		{name: "of a refusal", urls: []string{"http://a.example/status/401?x=1", "http://a.example/status/500?y=2", "http://a.example/"},
			want: "a.example/status/401 , a.example/status/500 x=1, a.example/ "},
		{name: "of a refusal, for all paths", urls: []string{"http://a.example/status/401?x=1;Path=/", "http://a.example/status/500?y=2;Path=/", "http://a.example/"},
			want: "a.example/status/401 , a.example/status/500 x=1, a.example/ x=1; y=2"},
		{name: "not of a 103", urls: []string{"http://a.example/early", "http://a.example/"}, want: "a.example/early , a.example/ "},
		{name: "of a response that is retried", urls: []string{"http://a.example/once"}, cfg: sonde.Config{Retry: quickly(1)},
			want: "a.example/once , a.example/once try=1"},

		{name: "by hand", urls: []string{"http://a.example/"}, opts: []sonde.Option{sonde.WithHeader("Cookie", "hand=1")}, want: "a.example/ hand=1"},
		{name: "by hand and the jar's", urls: []string{"http://a.example/set?x=1", "http://a.example/"}, opts: []sonde.Option{sonde.WithHeader("Cookie", "hand=1; x=0")},
			want: "a.example/set , a.example/ hand=1; x=0; x=1"},
		{name: "two lines by hand", urls: []string{"http://a.example/set?x=1", "http://a.example/"},
			opts: []sonde.Option{sonde.WithAddedHeader("Cookie", "h=1"), sonde.WithAddedHeader("Cookie", "i=2")}, want: "a.example/set , a.example/ h=1; i=2; x=1"},
		{name: "the client's and the jar's", urls: []string{"http://a.example/set?x=1", "http://a.example/"}, cfg: sonde.Config{Header: byConfig},
			want: "a.example/set config=1, a.example/ config=1; x=1"},
		{name: "an exact header", urls: []string{"http://a.example/set?x=1", "http://a.example/"}, opts: []sonde.Option{sonde.WithExactHeader(sonde.Header{})}, cfg: sonde.Config{Header: byConfig},
			want: "a.example/set config=1, a.example/ x=1"},
		{name: "to another origin", urls: []string{"http://b.example/set?b=1", via("http://b.example/next")}, opts: []sonde.Option{sonde.WithHeader("Cookie", "hand=1")}, cfg: sonde.Config{Header: byConfig},
			want: "b.example/set config=1, a.example/to hand=1, b.example/next b=1"},
		{name: "there and back", urls: []string{via("http://b.example/to?" + url.QueryEscape("http://a.example/back"))}, opts: []sonde.Option{sonde.WithHeader("Cookie", "hand=1")},
			want: "a.example/to hand=1, b.example/to , a.example/back hop=1"},

		{name: "bare", urls: []string{"http://a.example/set?x=1", "http://a.example/"}, cfg: sonde.Config{Bare: true}, want: "a.example/set , a.example/ "},
		{name: "a request without", urls: []string{"http://a.example/set?x=1", "http://a.example/"}, opts: []sonde.Option{sonde.WithJar(nil)},
			want: "a.example/set , a.example/ "},
		{name: "a request with another jar", urls: []string{"http://a.example/set?x=1", via("/next")}, opts: []sonde.Option{sonde.WithJar(cookie.New(cookie.Config{}))},
			want: "a.example/set , a.example/to , a.example/next hop=1"},
		{name: "another host by hand", urls: []string{"http://a.example/set?x=1", "http://a.example/"}, opts: []sonde.Option{sonde.WithHost("b.example")},
			want: "a.example/set , b.example/ x=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.take()
			tt.cfg.Jar = cookie.New(cookie.Config{})
			tt.cfg.Accept = []sonde.Status{401, 500}
			c := b.client(t, tt.cfg)
			for i, u := range tt.urls {
				var opts []sonde.Option
				if i == len(tt.urls)-1 {
					opts = tt.opts
				}
				if _, err := c.Get(ctx, u, opts...); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.take(); got != tt.want {
				t.Errorf("asked\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestCookiesOfErrors: a response that becomes an error has set its cookies.
func TestCookiesOfErrors(t *testing.T) {
	b := newBiscuits(t)
	jar := cookie.New(cookie.Config{})
	c := b.client(t, sonde.Config{Jar: jar, Redirects: sonde.Redirects{Max: 1}})
	ctx := context.Background()
	if _, err := c.Get(ctx, "http://a.example/status/403?x=1;Path=/"); !errors.As(err, new(*sonde.StatusError)) {
		t.Error(err)
	}
	if _, err := c.Get(ctx, via("http://b.example/to?/too/far")); !errors.Is(err, sonde.ErrTooManyRedirects) {
		t.Error(err)
	}
	if got := jar.Cookie(&url.URL{Scheme: "http", Host: "a.example", Path: "/"}); got != "x=1; hop=1" {
		t.Error(got)
	}
	if got := jar.Cookie(&url.URL{Scheme: "http", Host: "b.example", Path: "/"}); got != "hop=1" {
		t.Error(got)
	}
}

// TestCookiesStay: what the jar has does not change when a Response's memory is
// used again, nor when a body is streamed.
func TestCookiesStay(t *testing.T) {
	b := newBiscuits(t)
	jar := cookie.New(cookie.Config{})
	c := b.client(t, sonde.Config{Jar: jar})
	ctx := context.Background()
	var resp sonde.Response
	for _, v := range []string{"first=aaaaaaaa", "second=bbbbbbb", "third=cccccccc"} {
		if err := c.DoInto(ctx, sonde.NewRequest(sonde.GET, "http://a.example/set?"+v), &resp); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Stream(ctx, sonde.NewRequest(sonde.GET, "http://a.example/set?fourth=d"), func(*sonde.Exchange) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := jar.Cookie(&url.URL{Scheme: "http", Host: "a.example", Path: "/"}); got != "first=aaaaaaaa; second=bbbbbbb; third=cccccccc; fourth=d" {
		t.Error(got)
	}
}

// TestCookieLines: one Cookie field, in its place, and Set-Cookie fields of any
// number; bytes beyond ASCII come back as they were.
func TestCookieLines(t *testing.T) {
	heads := make(chan string, 2)
	p := newPeer(t, func(c *peerConn) {
		for {
			h := c.head()
			if h == "" {
				return
			}
			heads <- h
			c.say("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=\xff\xc3\xa9; Path=/\r\nSET-COOKIE:c=3;HttpOnly\r\nContent-Length: 0\r\n\r\n")
		}
	})
	c := newClient(t, sonde.Config{Jar: cookie.New(cookie.Config{})})
	for range 2 {
		if _, err := c.Get(context.Background(), p.url(), sonde.WithHeader("X-Last", "1")); err != nil {
			t.Fatal(err)
		}
	}
	<-heads
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(<-heads)))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header["Cookie"]; len(got) != 1 || got[0] != "a=1; b=\xff\xc3\xa9; c=3" {
		t.Errorf("%q", got)
	}
}

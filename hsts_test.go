package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"sonde"
	"sonde/hsts"
)

// strict is a server for https, and one for http, under every name. They note
// what they are asked, and which address was dialed.
type strict struct {
	secure, plain *httptest.Server
	field         string // of all answers
	mu            sync.Mutex
	got           []string
}

func newStrict(t *testing.T) *strict {
	s := &strict{field: "max-age=60"}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		s.note(r.Method + " " + scheme + "://" + r.Host + r.URL.Path)
		if s.field != "" {
			w.Header().Set("Strict-Transport-Security", s.field)
			w.Header().Add("Strict-Transport-Security", "max-age=0")
		}
		if to := r.URL.RawQuery; to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusPermanentRedirect)
		}
	})
	s.secure, s.plain = httptest.NewUnstartedServer(h), httptest.NewServer(h)
	s.secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	s.secure.StartTLS()
	t.Cleanup(s.secure.Close)
	t.Cleanup(s.plain.Close)
	return s
}

func (s *strict) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, what)
}

func (s *strict) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := strings.Join(s.got, ", ")
	s.got = nil
	return got
}

// client is a client of s's, for which the ports 80 and 8080 are the plain server.
func (s *strict) client(t *testing.T, known sonde.HSTS, change func(*sonde.Config)) *sonde.Client {
	cfg := sonde.Config{HSTS: known, Proxy: sonde.NoProxy(), TLS: s.secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone()}
	cfg.TLS.ServerName = "example.com" // the certificate's
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		s.note("dial " + addr)
		to := s.secure.Listener.Addr().String()
		if strings.HasSuffix(addr, ":80") {
			to = s.plain.Listener.Addr().String()
		}
		var d net.Dialer
		return d.DialContext(ctx, network, to)
	}
	if change != nil {
		change(&cfg)
	}
	return newClient(t, cfg)
}

func newStore(t *testing.T, preload ...string) *hsts.Store {
	s, err := hsts.New(hsts.Config{Preload: preload})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHSTS: http becomes https before anything is dialed, for hosts that are known.
func TestHSTS(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name, url, want string
		change          func(*sonde.Config)
	}{
		{name: "known", url: "http://a.test/p", want: "dial a.test:443, GET https://a.test/p"},
		{name: "another case, and its port", url: "http://A.Test:80/p", want: "dial a.test:443, GET https://a.test/p"},
		{name: "another port", url: "http://a.test:8080/p", want: "dial a.test:8080, GET https://a.test:8080/p"},
		{name: "the port of https", url: "http://a.test:443/p", want: "dial a.test:443, GET https://a.test/p"},
		{name: "a dot at the end", url: "http://a.test./p", want: "dial a.test.:443, GET https://a.test./p"},
		{name: "below", url: "http://b.sub.test/", want: "dial b.sub.test:443, GET https://b.sub.test/"},
		{name: "not below", url: "http://b.a.test/", want: "dial b.a.test:80, GET http://b.a.test/"},
		{name: "https", url: "https://a.test/p", want: "dial a.test:443, GET https://a.test/p"},
		{name: "bare", url: "http://a.test/p", want: "dial a.test:80, GET http://a.test/p", change: func(c *sonde.Config) { c.Bare = true }},
		{name: "a redirect to http", url: "http://b.test/?http://a.test/p", want: "dial b.test:80, GET http://b.test/, dial a.test:443, GET https://a.test/p"},
		{name: "a redirect to https only for it", url: "https://a.test/?http://a.test/p", want: "dial a.test:443, GET https://a.test/, GET https://a.test/p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStrict(t)
			s.field = ""
			c := s.client(t, newStore(t, "a.test", ".sub.test"), tt.change)
			if _, err := c.Get(ctx, tt.url, sonde.WithAccept(308)); err != nil {
				t.Fatal(err)
			}
			if got := s.take(); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
	t.Run("method and body", func(t *testing.T) {
		s := newStrict(t)
		c := s.client(t, newStore(t, "a.test"), nil)
		req := sonde.NewRequest(sonde.PUT, "http://a.test/p", sonde.WithBody(sonde.Text("x")))
		for range 2 {
			if _, err := c.Do(ctx, req); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := s.take(), "dial a.test:443, PUT https://a.test/p, PUT https://a.test/p"; got != want || req.URL() != "http://a.test/p" {
			t.Errorf("%s, want %s; %s", got, want, req.URL())
		}
	})
	t.Run("nobody falls back", func(t *testing.T) {
		s := newStrict(t)
		c := s.client(t, newStore(t, "a.test"), func(c *sonde.Config) { c.TLS.ServerName = "b.test" })
		_, err := c.Get(ctx, "http://a.test/p")
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpTLS || e.URL != "https://a.test/p" || s.take() != "dial a.test:443" {
			t.Error(err)
		}
	})
}

// TestHSTSLearns: from whom a client learns.
func TestHSTSLearns(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name, url, field string
		change           func(*sonde.Config)
		want             bool
	}{
		{name: "https", url: "https://a.test/", field: "max-age=60", want: true},
		{name: "a redirect", url: "https://a.test/?https://b.test/", field: "max-age=60", want: true},
		{name: "http", url: "http://a.test/", field: "max-age=60"},
		{name: "a field that is wrong", url: "https://a.test/", field: "max-age=x"},
		{name: "a certificate that nobody verified", url: "https://a.test/", field: "max-age=60", change: func(c *sonde.Config) {
			c.TLS = &tls.Config{InsecureSkipVerify: true}
		}},
		{name: "bare", url: "https://a.test/", field: "max-age=60", change: func(c *sonde.Config) { c.Bare = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStrict(t)
			s.field = tt.field
			known := newStore(t)
			c := s.client(t, known, tt.change)
			for range 2 { // a new connection, perhaps with the session of the first, knows the same
				if _, err := c.Get(ctx, tt.url, sonde.WithAccept(308), sonde.WithOneShot()); err != nil {
					t.Fatal(err)
				}
				if got := known.Secure("a.test"); got != tt.want {
					t.Errorf("known: %v, want %v", got, tt.want)
				}
				known.Delete("a.test")
			}
		})
	}
	s := newStrict(t)
	known := newStore(t)
	c := s.client(t, known, nil)
	for _, u := range []string{"http://a.test/1", "https://a.test/2", "http://a.test/3"} {
		if _, err := c.Get(ctx, u, sonde.WithOneShot()); err != nil {
			t.Fatal(err)
		}
	}
	s.field = "max-age=0"
	for _, u := range []string{"http://a.test/4", "http://a.test/5"} {
		if _, err := c.Get(ctx, u, sonde.WithOneShot()); err != nil {
			t.Fatal(err)
		}
	}
	want := "dial a.test:80, GET http://a.test/1, dial a.test:443, GET https://a.test/2, dial a.test:443, GET https://a.test/3, " +
		"dial a.test:443, GET https://a.test/4, dial a.test:80, GET http://a.test/5"
	if got := s.take(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

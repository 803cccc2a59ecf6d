package sonde_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"sonde"
)

// TestProxyUserConnect: CONNECT by the caller, to a proxy that the URL names, and
// through one that the client takes anyway. The connection is an
// io.ReadWriteCloser with deadlines and half-close; what came behind the 200 is
// read first, and the context of the call has no more to do with it.
func TestProxyUserConnect(t *testing.T) {
	server := newPeer(t, func(c *peerConn) {
		c.say("220 ready\r\n") // as servers of mail do
		all, _ := io.ReadAll(c.r)
		c.say("got " + string(all))
	})
	target := server.ln.Addr().String()
	for _, secure := range []bool{false, true} {
		p := newProxyPeer(t, func(p *proxyPeer) {
			if p.User, p.Password = "me", "secret"; secure {
				p.secure()
			}
		})
		scheme := "http"
		if secure {
			scheme = "https"
		}
		_, trust := certificates(t)
		for name, ask := range map[string]func() (*sonde.Client, *sonde.Request){
			"to the URL": func() (*sonde.Client, *sonde.Request) {
				return newClient(t, sonde.Config{TLS: trust}), sonde.NewRequest(sonde.CONNECT, scheme+"://"+p.ln.Addr().String(), sonde.WithTarget(target),
					sonde.WithHost(target), sonde.WithHeader("Proxy-Authorization", "Basic bWU6c2VjcmV0"))
			},
			"through the proxy": func() (*sonde.Client, *sonde.Request) {
				return proxied(t, p.at(scheme), sonde.ProxyConfig{}), sonde.NewRequest(sonde.CONNECT, "http://"+target)
			},
		} {
			t.Run(scheme+" "+name, func(t *testing.T) {
				c, req := ask()
				ctx, cancel := context.WithCancel(background)
				ex, err := c.Open(ctx, req)
				if err != nil {
					t.Fatal(err)
				}
				conn, err := ex.Upgrade()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				cancel()
				talkBySMTP(t, conn)
			})
		}
	}
}

func talkBySMTP(t *testing.T, conn *sonde.UpgradedConn) {
	first := make([]byte, len("220 ready\r\n"))
	if _, err := io.ReadFull(conn, first); err != nil || string(first) != "220 ready\r\n" {
		t.Fatalf("%q, %v", first, err)
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	var timeout net.Error
	if _, err := conn.Read(first); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("deadline: %v", err)
	}
	conn.SetReadDeadline(time.Time{})
	io.WriteString(conn, "HELO")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(conn); err != nil || string(all) != "got HELO" {
		t.Errorf("%q, %v", all, err)
	}
	if _, err := io.WriteString(conn, "more"); err == nil {
		t.Error("writing after CloseWrite succeeded")
	}
}

// TestProxyUpgrade: an upgrade through a proxy that forwards http goes through a
// tunnel, since it is with the origin.
func TestProxyUpgrade(t *testing.T) {
	s := switching(t)
	p := newProxyPeer(t, func(*proxyPeer) {})
	c := proxied(t, p.at("http"), sonde.ProxyConfig{})
	ex, err := c.Open(background, upgrading(s.url()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ex.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if heads := p.Heads(); len(heads) != 1 || !strings.HasPrefix(heads[0], "CONNECT ") {
		t.Errorf("the proxy was asked %q", heads)
	}
}

// TestProxyForms: which request-target a proxy gets that forwards requests, and what
// its connection is used for.
func TestProxyForms(t *testing.T) {
	heads := make(chan string, 1)
	p := newPeer(t, func(c *peerConn) {
		for head := c.head(); head != ""; head = c.head() {
			line, rest, _ := strings.Cut(head, "\r\n")
			host, _, _ := strings.Cut(rest, "\r\n")
			heads <- line + ", " + host
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	c := proxied(t, p.url(), sonde.ProxyConfig{})
	for _, tt := range []struct {
		req  *sonde.Request
		want string
	}{
		{sonde.NewRequest(sonde.GET, "http://a.test"), "GET http://a.test/ HTTP/1.1, Host: a.test"},
		{sonde.NewRequest(sonde.GET, "http://me:secret@A.test:8080/x?y#z"), "GET http://a.test:8080/x?y HTTP/1.1, Host: a.test:8080"},
		{sonde.NewRequest(sonde.GET, "http://[fe80::1%25eth0]/"), "GET http://[fe80::1]/ HTTP/1.1, Host: [fe80::1]"},
		{sonde.NewRequest(sonde.OPTIONS, "http://a.test", sonde.WithTarget("*")), "OPTIONS http://a.test HTTP/1.1, Host: a.test"},
		{sonde.NewRequest(sonde.GET, "http://a.test/x", sonde.WithTarget("http://b.test/y")), "GET http://b.test/y HTTP/1.1, Host: a.test"},
		{sonde.NewRequest(sonde.GET, "http://a.test", sonde.WithHost("b.test")), "GET http://a.test/ HTTP/1.1, Host: b.test"},
		{sonde.NewRequest(sonde.GET, "http://a.test", sonde.WithQuery("q", "1")), "GET http://a.test/?q=1 HTTP/1.1, Host: a.test"},
	} {
		for range 3 { // also by a plan that is kept
			if _, err := c.Do(background, tt.req); err != nil {
				t.Fatal(err)
			}
			if got := <-heads; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		}
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestProxyForwards: what can happen to any request happens to one that a proxy
// forwards: trailers, an early response, a proxy of HTTP/1.0, and one that says
// Proxy-Connection.
func TestProxyForwards(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		conns        int32
		opt          sonde.Option
		check        func(*sonde.Response, error) bool
	}{
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", 1, sonde.Join(),
			func(r *sonde.Response, err error) bool { return err == nil && r.Trailer().Get("X-Sum") == "1" }},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok", 2, sonde.Join(),
			func(r *sonde.Response, err error) bool {
				return err == nil && string(r.Body) == "ok" && r.Proto == (sonde.Proto{Major: 1})
			}},
		{"HTTP/1.0 kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 1, sonde.Join(),
			func(r *sonde.Response, err error) bool { return err == nil && string(r.Body) == "ok" }},
		{"HTTP/1.0 with the old field alone", "HTTP/1.0 200 OK\r\nProxy-Connection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 2, sonde.Join(),
			func(r *sonde.Response, err error) bool { return err == nil && string(r.Body) == "ok" }},
		{"Proxy-Connection: close", "HTTP/1.1 200 OK\r\nProxy-Connection: close\r\nContent-Length: 2\r\n\r\nok", 2, sonde.Join(),
			func(r *sonde.Response, err error) bool { return err == nil && string(r.Body) == "ok" }},
		{"early", "HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno", 2, sonde.WithBody(sonde.Func(-1, func() (io.ReadCloser, error) { return io.NopCloser(endless{}), nil })),
			func(r *sonde.Response, err error) bool {
				se, ok := errors.AsType[*sonde.StatusError](err)
				return ok && se.Status == 413 && string(se.Body) == "no"
			}},
		{"Expect", "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", 2, sonde.Join(sonde.WithBody(sonde.Text("x")), sonde.WithExpectContinue()),
			func(r *sonde.Response, err error) bool {
				se, ok := errors.AsType[*sonde.StatusError](err)
				return ok && se.Status == 417
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, func(c *peerConn) {
				for c.head() != "" {
					if c.say(tt.answer); tt.conns > 1 {
						c.gone()
					}
				}
			})
			if tt.name == "HTTP/1.0" {
				p = newPeer(t, func(c *peerConn) { c.head(); c.say(tt.answer) })
			}
			c := proxied(t, p.url(), sonde.ProxyConfig{})
			for range 2 {
				if r, err := c.Post(background, "http://a.test/", sonde.Body{}, tt.opt); !tt.check(r, err) {
					t.Errorf("%v, %v", r, err)
				}
			}
			if n := p.conns.Load(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

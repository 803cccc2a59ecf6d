package sonde_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/auth"
	"sonde/trace"
)

// handshake is what a proxy says until it leads on, and how much it hears before
// each part.
type handshake struct {
	scheme string
	say    []string
	hear   []int // bytes before each part; -1 is a head
}

var handshakes = map[string]handshake{
	"CONNECT": {"http", []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nX-Y: z\r\n\r\n"}, []int{-1}},
	"SOCKS":   {"socks5h", []string{"\x05\x02", "\x01\x00", "\x05\x00\x00\x03\x04name\x00\x50"}, []int{4, 3 + len("me") + len("secret"), 4 + 1 + len("target.test") + 2}},
}

func (h handshake) words() string { return strings.Join(h.say, "") }

// until says the first n bytes of the handshake, one at a time if slow.
func (h handshake) until(c *peerConn, n int, slow bool) {
	for i, part := range h.say {
		if n == 0 && i > 0 {
			return
		}
		if h.hear[i] < 0 {
			c.head()
		} else {
			c.r.Discard(h.hear[i])
		}
		part = part[:min(n, len(part))]
		n -= len(part)
		if !slow {
			c.say(part)
			continue
		}
		for j := range len(part) {
			c.say(part[j : j+1])
		}
	}
}

// TestProxyPrefixes: a handshake that ends after any byte, by an end, a reset, or a
// context, is a failure of the proxy's phase, leaves nothing behind, and shows no
// credential. One that comes byte by byte succeeds.
func TestProxyPrefixes(t *testing.T) {
	for name, h := range handshakes {
		for n := range len(h.words()) {
			for _, how := range []string{"end", "reset", "cancel"} {
				t.Run(fmt.Sprint(name, " ", how, " after ", n), func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(background)
					defer cancel(nil)
					p := newPeer(t, func(c *peerConn) {
						switch h.until(c, n, false); how {
						case "reset":
							c.Conn.(*net.TCPConn).SetLinger(0)
						case "cancel":
							cancel(errMine)
							c.gone()
						}
					})
					c := newClient(t, sonde.Config{Proxy: sonde.FixedProxy(mustProxy(t, h.scheme+"://me:secret@"+p.ln.Addr().String(), sonde.ProxyConfig{}))})
					_, err := c.Get(ctx, "https://target.test/")
					e, ok := errors.AsType[*sonde.Error](err)
					if !ok || e.Op != sonde.OpProxy || !e.SafeToRetry() || how == "cancel" != errors.Is(err, errMine) || strings.Contains(err.Error(), "secret") {
						t.Errorf("error %v", err)
					}
					within(t, 10*time.Second, func() {
						for st := c.Pool().Stats(); st.Active+st.Idle+st.Dialing+st.Waiting != 0; st = c.Pool().Stats() {
							time.Sleep(time.Millisecond)
						}
					})
				})
			}
		}
		t.Run(name+" byte by byte", func(t *testing.T) {
			p := newPeer(t, func(c *peerConn) {
				h.until(c, len(h.words()), true)
				c.serve(okAnswer)
			})
			c := newClient(t, sonde.Config{Proxy: sonde.FixedProxy(mustProxy(t, h.scheme+"://me:secret@"+p.ln.Addr().String(), sonde.ProxyConfig{Tunnel: h.scheme == "http"}))})
			mustGet(t, c, "http://target.test/", "ok")
		})
	}
}

// TestProxyDigestGarbage: challenges that make no sense are the refusal, never a hang,
// a panic, or the password in the clear.
func TestProxyDigestGarbage(t *testing.T) {
	for _, challenge := range []string{
		"", "Digest", "Digest ", "Digest realm", "Digest realm=\"", "Digest nonce=x", "Digest realm=r, nonce=\"\"",
		"Digest realm=r, nonce=n, algorithm=MD7", "Digest realm=r, nonce=n, qop=auth-int", "Digest realm=r, nonce=n, qop=\"x,y\"",
		"Digest realm=r, nonce=n, nonce=m", "Digest =, =, =", "Basic realm=x", "Digest realm=\"a\\\"b\", nonce=\"\\\\\"",
		strings.Repeat("Digest realm=r, nonce=n, ", 300), "Digest " + strings.Repeat("x=y,", 2000), "\x80\xff", "Negotiate", "NTLM TlRM",
	} {
		for _, url := range []string{"http://target.test/", "https://target.test/"} {
			n := 0
			var heads strings.Builder
			c, _ := scriptedProxy(t, "http", func(c *peerConn) {
				for head := c.head(); head != ""; head = c.head() {
					if n++; n > 20 {
						return
					}
					heads.WriteString(head)
					c.say("HTTP/1.1 407 Who\r\nProxy-Authenticate: " + challenge + "\r\nContent-Length: 0\r\n\r\n")
				}
			}, sonde.ProxyConfig{Auth: auth.Digest("me", "secret")})
			within(t, 20*time.Second, func() {
				_, err := c.Get(background, url)
				if err == nil || strings.Contains(err.Error(), "secret") {
					t.Errorf("%q: %v", challenge, err)
				}
			})
			c.Close()
			if n > 7 || strings.Contains(heads.String(), "secret") || strings.Contains(heads.String(), "bWU6c2VjcmV0") {
				t.Errorf("%q: %d requests\n%s", challenge, n, heads.String())
			}
		}
	}
}

// TestProxySilent: neither events, nor errors, nor the pool show credentials, whatever
// a proxy answers.
func TestProxySilent(t *testing.T) {
	for _, scheme := range []string{"http", "socks5h", "https"} {
		for _, answer := range []string{
			"", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "\x05\xff", "\x05\x02\x01\x01", "garbage\r\n\r\n",
		} {
			for _, url := range []string{"http://you:hidden@target.test/", "https://you:hidden@target.test/"} {
				p := newPeer(t, func(c *peerConn) { c.r.Peek(1); c.say(answer) })
				c := proxied(t, scheme+"://me:secret@"+p.ln.Addr().String(), sonde.ProxyConfig{})
				var log bytes.Buffer
				_, err := c.Get(background, url, sonde.WithSink(trace.NewJSONLines(&log)))
				text := log.String()
				for conn := range c.Pool().Conns() {
					text += fmt.Sprintf("%+v", conn)
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					text += fmt.Sprintf("%v %+v %#v", e, e, e)
				}
				for _, word := range []string{"secret", "hidden", "bWU6c2VjcmV0"} {
					if strings.Contains(text, word) {
						t.Errorf("%s after %q: %s in %s", scheme, answer, word, text)
					}
				}
			}
		}
	}
}

// TestProxyOwnField: a Proxy-Authorization of the program's, by Config.Header or
// ProxyConfig.Header, is sent once, to the proxy, and nothing of it into a tunnel.
func TestProxyOwnField(t *testing.T) {
	field := func(value string) (h sonde.Header) {
		h.Add("Proxy-Authorization", value)
		return h
	}
	for _, tt := range []struct {
		name             string
		user             string
		config, proxy    sonde.Header
		request          string
		forward, connect string // what the proxy gets
	}{
		{"Config.Header", "", field("Of config"), sonde.Header{}, "", "Of config", ""},
		{"Config.Header and a user", "me:secret@", field("Of config"), sonde.Header{}, "", "Of config", "Basic bWU6c2VjcmV0"},
		{"ProxyConfig.Header and a user", "me:secret@", sonde.Header{}, field("Of proxy"), "", "Of proxy", "Of proxy"},
		{"ProxyConfig.Header and the request", "", sonde.Header{}, field("Of proxy"), "Of request", "Of request", "Of proxy"},
		{"all of them", "me:secret@", field("Of config"), field("Of proxy"), "Of request", "Of request", "Of proxy"},
	} {
		for _, tunnel := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " tunnel ", tunnel), func(t *testing.T) {
				heads := make(chan string, 2)
				p := newPeer(t, func(c *peerConn) {
					for head := c.head(); head != ""; head = c.head() {
						if heads <- head; strings.HasPrefix(head, "CONNECT") {
							c.say("HTTP/1.1 200 OK\r\n\r\n")
						} else {
							c.say(okAnswer)
						}
					}
				})
				way := mustProxy(t, "http://"+tt.user+p.ln.Addr().String(), sonde.ProxyConfig{Tunnel: tunnel, Header: tt.proxy})
				c := newClient(t, sonde.Config{Header: tt.config, Proxy: sonde.FixedProxy(way)})
				var opts []sonde.Option
				if tt.request != "" {
					opts = append(opts, sonde.WithHeader("Proxy-Authorization", tt.request))
				}
				if _, err := c.Get(background, "http://target.test/", opts...); err != nil {
					t.Fatal(err)
				}
				want := tt.forward
				if tunnel {
					want = tt.connect
				}
				head := <-heads
				if n := strings.Count(head, "Proxy-Authorization: "); want == "" && n > 0 || want != "" && (n != 1 || !strings.Contains(head, "Proxy-Authorization: "+want+"\r\n")) {
					t.Errorf("the proxy got\n%s", head)
				}
				if tunnel {
					if head = <-heads; strings.Contains(head, "Proxy-") || !strings.Contains(head, "User-Agent: ") {
						t.Errorf("the origin got\n%s", head)
					}
				}
			})
		}
	}
}

// TestProxyFuncAttempts: a func is asked once for a call, also where its attempts go
// through a chain, and no proxy's credentials reach another, or the origin.
func TestProxyFuncAttempts(t *testing.T) {
	type asked struct{ by, head string }
	heads := make(chan asked, 1)
	start := func(name string) *peer {
		return newPeer(t, func(c *peerConn) {
			for head := c.head(); head != ""; head = c.head() {
				heads <- asked{name, head}
				c.say(okAnswer)
			}
		})
	}
	a, b, o := start("a"), start("b"), start("")
	ways := []*sonde.Proxy{
		mustProxy(t, "http://a:secret@"+a.ln.Addr().String(), sonde.ProxyConfig{}),
		mustProxy(t, "http://b:secret@"+b.ln.Addr().String(), sonde.ProxyConfig{}),
		nil,
	}
	credentials := []string{"Basic YTpzZWNyZXQ=", "Basic YjpzZWNyZXQ=", ""}
	same := func(h sonde.Handler) sonde.Handler { return h }
	for name, cfg := range map[string]sonde.Config{
		"plain":      {},
		"middleware": {AttemptMiddleware: []sonde.Middleware{same}},
		"hedge":      {Hedge: sonde.Hedge{Delay: time.Hour}},
		"both":       {AttemptMiddleware: []sonde.Middleware{same}, Hedge: sonde.Hedge{Delay: time.Hour}},
	} {
		for _, own := range []sonde.Authenticator{nil, auth.Basic("o", "p")} { // with which each attempt has a request of its own
			n := -1
			cfg.Auth = own
			cfg.Proxy = sonde.ProxyFunc(func(context.Context, *url.URL) (*sonde.Proxy, error) {
				n++
				return ways[n%3], nil
			})
			c := newClient(t, cfg)
			for i := range 6 {
				mustGet(t, c, o.url(), "ok")
				got, want := <-heads, credentials[i%3]
				if got.by != []string{"a", "b", ""}[i%3] || strings.Count(got.head, "Proxy-Authorization") != min(len(want), 1) || !strings.Contains(got.head, want) {
					t.Errorf("%s: request %d came to %q:\n%s", name, i, got.by, got.head)
				}
			}
			if n != 5 {
				t.Errorf("%s: asked %d times", name, n+1)
			}
		}
	}
}

// TestProxyPanics: a panic in what a proxy's handshake asks of the program closes the
// connection at once, and the next call gets another.
func TestProxyPanics(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close it too
	var panics bool
	boom := func() {
		if panics {
			panic(errMine)
		}
	}
	for name, cfg := range map[string]sonde.ProxyConfig{
		"HeaderFunc": {HeaderFunc: func(context.Context, string) (h sonde.Header, err error) { boom(); return h, nil }},
		"OnConnect":  {OnConnect: func(context.Context, string, *sonde.Head) error { boom(); return nil }},
		"Auth":       {Auth: authFunc(func() { boom() })},
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{}, 2)
			p := newPeer(t, func(c *peerConn) {
				for head := c.head(); head != ""; head = c.head() {
					if strings.HasPrefix(head, "CONNECT") {
						c.say("HTTP/1.1 200 OK\r\n\r\n")
					} else {
						c.say(okAnswer)
					}
				}
				gone <- struct{}{}
			})
			cfg.Tunnel = true
			c := newClient(t, sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 1}, Proxy: sonde.FixedProxy(mustProxy(t, p.url(), cfg))})
			func() {
				defer func() {
					if recover() != errMine {
						t.Error("no panic")
					}
				}()
				panics = true
				c.Get(background, "http://target.test/")
			}()
			within(t, 20*time.Second, func() { <-gone })
			panics = false
			mustGet(t, c, "http://target.test/", "ok")
		})
	}
}

type authFunc func()

func (f authFunc) Authenticate(context.Context, *sonde.AuthRequest) error { f(); return nil }

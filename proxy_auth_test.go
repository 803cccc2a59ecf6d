package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"sonde"
	"sonde/auth"
)

// askedFor is an Authenticator that answers each challenge with the next word.
type askedFor struct {
	words []string
	last  string
	asked []sonde.AuthRequest
	told  []sonde.Status
}

func (a *askedFor) Authenticate(_ context.Context, r *sonde.AuthRequest) error {
	if r.Challenges != nil {
		a.asked = append(a.asked, *r)
	}
	if len(r.Challenges) > 0 && len(a.words) == 0 {
		return nil
	}
	if len(r.Challenges) > 0 {
		a.last, a.words = a.words[0], a.words[1:]
	}
	if a.last != "" {
		r.Set("Proxy-Authorization", a.last)
	}
	return nil
}

func (a *askedFor) Answered(_ *sonde.AuthRequest, h *sonde.Head) { a.told = append(a.told, h.Status) }

const whoAreYou = "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Word realm=\"r\"\r\n"

// TestProxyChallenge: a 407 is answered on the same connection where that stays,
// else on another, for tunnels and for requests that the proxy forwards, and also
// in the middle of a kept connection.
func TestProxyChallenge(t *testing.T) {
	for _, tt := range []struct {
		name, refusal string
		closes        bool
		resets        bool // when the next request has come
		conns         int32
	}{
		{"kept", whoAreYou + "Content-Length: 3\r\n\r\nno\n", false, false, 1},
		{"chunked", whoAreYou + "Transfer-Encoding: chunked\r\n\r\n3\r\nno\n\r\n0\r\n\r\n", false, false, 1},
		{"closes and says so", whoAreYou + "Content-Length: 3\r\nConnection: close\r\n\r\nno\n", true, false, 2},
		{"closes and says so the old way", whoAreYou + "Content-Length: 3\r\nProxy-Connection: close\r\n\r\nno\n", true, false, 2},
		{"closes without a word", whoAreYou + "Content-Length: 3\r\n\r\nno\n", true, false, 2},
		{"resets when asked again", whoAreYou + "Content-Length: 3\r\n\r\nno\n", true, true, 2},
		{"HTTP/1.0", "HTTP/1.0" + whoAreYou[8:] + "\r\nno\n", true, false, 2},
		{"too much to read", whoAreYou + "Content-Length: 1000000\r\n\r\nno\n", false, false, 2},
	} {
		for _, tunnel := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " tunnel ", tunnel), func(t *testing.T) {
				word := &askedFor{words: []string{"Word one", "Word two"}}
				var mu sync.Mutex
				var seen []string
				c, p := scriptedProxy(t, "http", func(c *peerConn) {
					for {
						head := c.head()
						if head == "" {
							return
						}
						mu.Lock()
						seen = append(seen, head)
						mu.Unlock()
						switch {
						case strings.HasPrefix(head, "GET / "): // within the tunnel
							c.say(okAnswer)
						case !strings.Contains(head, "Word two"):
							c.say(tt.refusal)
							if tt.resets && c.head() != "" {
								c.Conn.(*net.TCPConn).SetLinger(0)
							}
							if tt.closes {
								return
							}
						case strings.HasPrefix(head, "CONNECT"):
							c.say("HTTP/1.1 200 OK\r\n\r\n")
						default:
							c.say(okAnswer)
						}
					}
				}, sonde.ProxyConfig{Auth: word, Tunnel: tunnel})
				r, err := c.Get(background, "http://target.test/")
				if err != nil || string(r.Body) != "ok" {
					t.Fatal(err)
				}
				mu.Lock()
				heads := slices.Clone(seen)
				mu.Unlock()
				want := 3
				if tt.conns > 1 {
					tt.conns = 3
				}
				if tunnel {
					want++ // the request within
				}
				if len(heads) != want || len(word.words) != 0 {
					t.Errorf("%d requests, words left %q", len(heads), word.words)
				}
				if n := p.conns.Load(); n != tt.conns {
					t.Errorf("%d connections, want %d", n, tt.conns)
				}
				last := word.asked[len(word.asked)-1]
				if !last.Proxy || last.Refused != 2 || last.URL.String() != p.url()+"/" || last.Sent.Get("Proxy-Authorization") != "Word one" {
					t.Errorf("asked %+v", last)
				}
				if len(word.told) != 1 || word.told[0] != 200 {
					t.Errorf("told %v", word.told)
				}
			})
		}
	}
}

// TestProxyChallengeFinal: what nobody can answer is the refusal itself, and the
// proxy is not asked without end.
func TestProxyChallengeFinal(t *testing.T) {
	for _, words := range [][]string{nil, {"a", "b", "c", "d", "e", "f", "g", "h", "i"}} {
		for _, url := range []string{"http://target.test/", toTarget} {
			word := &askedFor{words: words}
			c, p := scriptedProxy(t, "http", func(c *peerConn) { c.serve(whoAreYou + "Content-Length: 3\r\n\r\nno\n") }, sonde.ProxyConfig{Auth: word})
			_, err := c.Get(background, url)
			if url == toTarget {
				if pe := wantProxyError(t, err, p); pe.Status != 407 || string(pe.Body) != "no\n" {
					t.Errorf("%+v", pe)
				}
			} else if se, ok := errors.AsType[*sonde.StatusError](err); !ok || se.Status != 407 {
				t.Error(err)
			}
			if n := len(word.asked); n > 7 {
				t.Errorf("asked %d times", n)
			}
		}
	}
}

// TestProxyDigest: package auth's Digest answers a proxy, and its credentials are
// nowhere to be seen by the origin.
func TestProxyDigest(t *testing.T) {
	for _, secure := range []bool{false, true} {
		o := origin(t, secure)
		p := newProxyPeer(t, func(p *proxyPeer) { p.Digest = true })
		c := proxied(t, p.at("http"), sonde.ProxyConfig{Auth: auth.Digest("me", "secret")})
		for range 2 {
			if _, err := c.Get(background, o.URL, sonde.WithOneShot()); err != nil {
				t.Fatal(err)
			}
		}
		var refused int
		for _, head := range p.Heads() {
			if strings.Contains(head, "secret") {
				t.Errorf("the password is in\n%s", head)
			}
			if !strings.Contains(head, "Proxy-Authorization: Digest ") {
				refused++
			}
		}
		if refused != 1 || len(p.Heads()) != 3 {
			t.Errorf("%d of %d requests without credentials", refused, len(p.Heads()))
		}
	}
}

// TestProxySeparate: connections with different credentials, or through different
// proxies, are never mixed; equal ones are shared, whoever made the Proxy.
func TestProxySeparate(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	at := p.ln.Addr().String()
	c := newClient(t, sonde.Config{Proxy: sonde.NoProxy()})
	var header sonde.Header
	header.Add("X-Tenant", "1")
	for i, tt := range []struct {
		url string
		cfg sonde.ProxyConfig
	}{
		{"http://" + at, sonde.ProxyConfig{}},
		{"http://a:1@" + at, sonde.ProxyConfig{}},
		{"http://a:2@" + at, sonde.ProxyConfig{}},
		{"http://a@" + at, sonde.ProxyConfig{}},
		{"http://b:1@" + at, sonde.ProxyConfig{}},
		{"http://" + at, sonde.ProxyConfig{Header: header}},
		{"http://" + at, sonde.ProxyConfig{Auth: auth.Digest("a", "1")}},
		{"http://" + at, sonde.ProxyConfig{HeaderFunc: func(context.Context, string) (sonde.Header, error) { return sonde.Header{}, nil }}},
	} {
		for range 2 {
			for _, host := range []string{"one.test", "two.test"} {
				r, err := c.Get(background, "http://"+host, sonde.WithProxy(mustProxy(t, tt.url, tt.cfg)))
				if err != nil {
					t.Fatal(err)
				}
				if info := r.ConnInfo(); info.Proxy != "http://"+at || info.Remote.String() != at {
					t.Errorf("%+v", info)
				}
			}
		}
		if n := int(p.conns.Load()); n != i+1 {
			t.Errorf("%d connections after %d proxies", n, i+1)
		}
	}
	if r, err := c.Get(background, p.url()); err != nil || r.ConnInfo().Proxy != "" || r.ConnInfo().Reused {
		t.Errorf("directly: %v", err)
	}
	shown := 0
	for conn := range c.Pool().Conns() {
		if conn.Proxy == "http://"+at && conn.Origin == "" {
			shown++
		}
		if text := fmt.Sprintf("%+v", conn); strings.Contains(text, "a:1") {
			t.Errorf("credentials in %s", text)
		}
	}
	if shown != 8 {
		t.Errorf("Pool.Conns shows %d", shown)
	}
}

// TestProxyBothChallenge: proxy and origin want credentials, each its own, and
// neither's Authenticator sees more than it must.
func TestProxyBothChallenge(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for head := c.head(); head != ""; head = c.head() {
			switch {
			case !strings.Contains(head, "Proxy-Authorization: Word one\r\n"):
				c.say(whoAreYou + "Content-Length: 0\r\n\r\n")
			case !strings.Contains(head, "\r\nAuthorization: Basic "):
				c.say("HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic realm=o\r\nContent-Length: 0\r\n\r\n")
			default:
				c.say(okAnswer)
			}
		}
	})
	word := &askedFor{words: []string{"Word one"}}
	own := &watchful{Authenticator: auth.Basic("o", "p")}
	c := newClient(t, sonde.Config{Auth: own, Proxy: sonde.FixedProxy(mustProxy(t, p.url(), sonde.ProxyConfig{Auth: word}))})
	for range 2 {
		mustGet(t, c, "http://target.test/", "ok")
	}
	if own.saw {
		t.Error("the origin's Authenticator saw what is for the proxy")
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// watchful is an Authenticator that notes whether it saw a proxy's credentials.
type watchful struct {
	sonde.Authenticator
	saw bool
}

func (w *watchful) Authenticate(ctx context.Context, a *sonde.AuthRequest) error {
	w.saw = w.saw || a.Header.Has("Proxy-Authorization") || a.Proxy
	return w.Authenticator.Authenticate(ctx, a)
}

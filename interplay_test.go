package sonde_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sonde"
	"sonde/auth"
	"sonde/cookie"
	"sonde/trace"
)

// Policies meet here: each for itself has tests of its own.

// TestRetryOfRedirectedUploadWithDigest: an upload is redirected, refused, sent with
// credentials, met by a 503, and sent once more, each time with all of its body; with
// and without somebody who looks at the attempts.
func TestRetryOfRedirectedUploadWithDigest(t *testing.T) {
	const size = 100_000
	bodies := map[string]func() sonde.Body{
		"memory": func() sonde.Body { return sonde.Bytes(bytes.Repeat([]byte("x"), size)) },
		"seeker": func() sonde.Body { return sonde.Reader(strings.NewReader(strings.Repeat("x", size)), -1) },
		"func":   func() sonde.Body { return sonde.Func(-1, opens(strings.Repeat("x", size))) },
	}
	for name, body := range bodies {
		for _, around := range []bool{false, true} {
			g := newGuardian(t)
			var taken atomic.Int32
			g.serve = func(w http.ResponseWriter, r *http.Request, body string) {
				switch {
				case r.URL.Path == "/a":
					w.Header().Set("Location", "/b")
					w.WriteHeader(307)
				case taken.Add(1) == 1:
					w.Header().Set("Retry-After", "0")
					w.WriteHeader(503)
				default:
					fmt.Fprint(w, len(body), strings.Count(body, "x"))
				}
			}
			cfg := sonde.Config{Auth: auth.Digest("ada", "secret"), Retry: quickly(1)}
			var attempts seen
			if around {
				cfg.AttemptMiddleware = []sonde.Middleware{attempts.middleware}
			}
			c := newClient(t, cfg)
			resp, err := c.Put(background, g.URL+"/a", body())
			if err != nil || string(resp.Body) != fmt.Sprint(size, size) || len(resp.History()) != 1 {
				t.Fatalf("%s, %v: %v %v", name, around, resp, err)
			}
			want := "PUT /a 401; PUT /a 307; PUT /b 503; PUT /b 200"
			if got := strings.Join(g.seen, "; "); got != want {
				t.Errorf("%s, %v: %s, want %s", name, around, got, want)
			}
			if around && strings.Count(attempts.String(), "Digest username=") != 3 {
				t.Errorf("%s: %s", name, attempts.String())
			}
		}
	}
}

// TestRetryAfterRefusal: a 503 before and behind a 401.
func TestRetryAfterRefusal(t *testing.T) {
	refuse := status(401, `WWW-Authenticate: Basic realm="r"`)
	whose := func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, user, password)
	}
	for _, script := range [][]http.HandlerFunc{
		{status(503), refuse, whose},
		{refuse, status(503), refuse, whose}, // each attempt asks for credentials anew
	} {
		s := newScripted(t, script...)
		c := newClient(t, sonde.Config{Retry: quickly(1), Auth: onlyIfAsked{auth.Basic("ada", "secret")}})
		resp, err := c.Get(background, s.URL)
		if err != nil || string(resp.Body) != "adasecret" || int(s.n.Load()) != len(script) {
			t.Error(resp, err, s.n.Load())
		}
	}
}

// onlyIfAsked shows credentials to whoever asks for them.
type onlyIfAsked struct{ sonde.Authenticator }

func (o onlyIfAsked) Authenticate(ctx context.Context, a *sonde.AuthRequest) error {
	if a.Refused == 0 {
		return nil
	}
	a.Set("Authorization", "Basic YWRhOnNlY3JldA==")
	return nil
}

// TestHedgeOfRefusal: a 401 wins, is answered, and the answer is hedged again.
func TestHedgeOfRefusal(t *testing.T) {
	var first sync.Map
	s := newScripted(t, func(w http.ResponseWriter, r *http.Request) {
		who := r.Header.Get("Authorization")
		if _, again := first.LoadOrStore(who, true); !again {
			<-r.Context().Done() // the first of each kind gets no answer
			return
		}
		if who == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, "in")
	})
	rec := &trace.Recorder{}
	c := newClient(t, sonde.Config{Hedge: soon, Auth: onlyIfAsked{}, Sink: rec})
	resp, err := c.Get(background, s.URL)
	if err != nil || string(resp.Body) != "in" {
		t.Fatal(resp, err)
	}
	settled(t, c)
	if n := rec.Count(trace.Hedge); n < 2 {
		t.Error(n, "hedges")
	}
}

// TestCookiesOfRetries: a cookie that a 503 or a lost attempt's sibling sets goes with
// the next attempt.
func TestCookiesOfRetries(t *testing.T) {
	s := newScripted(t, status(503, "Set-Cookie: a=1"), func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})
	for _, hedged := range []bool{false, true} {
		jar := cookie.New(cookie.Config{})
		cfg := sonde.Config{Retry: quickly(1), Jar: jar}
		if hedged {
			cfg.Hedge = sonde.Hedge{Delay: 1 << 40}
		}
		s.n.Store(0)
		resp, err := newClient(t, cfg).Get(background, s.URL)
		if err != nil || string(resp.Body) != "a=1" {
			t.Error(hedged, resp, err)
		}
	}
}

// TestDecodeBehindAttempts: a middleware of attempts sees the body as it came, and the
// caller, also behind a retry and a hedge, gets it decoded.
func TestDecodeBehindAttempts(t *testing.T) {
	everyWay(func(name string, call func(*sonde.Client, *sonde.Request) (string, error)) {
		s := newScripted(t, status(503), func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") == "" {
				t.Error("nobody asked")
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			fmt.Fprint(z, strings.Repeat("hello ", 100))
		})
		var saw bytes.Buffer
		c := newClient(t, sonde.Config{Retry: quickly(1), Hedge: sonde.Hedge{Delay: 1 << 40},
			AttemptMiddleware: []sonde.Middleware{func(next sonde.Handler) sonde.Handler {
				return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
					ex, err := next(ctx, req)
					if err == nil {
						ex.Body.Tap(func(b []byte, _ error) { saw.Write(b) })
					}
					return ex, err
				}
			}}})
		got, err := call(c, sonde.NewRequest(sonde.GET, s.URL))
		if err != nil || got != strings.Repeat("hello ", 100) {
			t.Errorf("%s: %q %v", name, got, err)
		}
		if z, err := gzip.NewReader(&saw); err != nil {
			t.Errorf("%s: the middleware saw no gzip: %v", name, err)
		} else if b, err := io.ReadAll(z); err != nil || string(b) != got {
			t.Errorf("%s: the middleware saw %q %v", name, b, err)
		}
	})
}

// TestRetryNotOfBodies: once the head is there, nothing is repeated: what was read of a
// body may have been used.
func TestRetryNotOfBodies(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
	})
	everyWay(func(name string, call func(*sonde.Client, *sonde.Request) (string, error)) {
		before := p.conns.Load()
		_, err := call(newClient(t, sonde.Config{Retry: quickly(3)}), sonde.NewRequest(sonde.GET, p.url()))
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpRead || p.conns.Load() != before+1 {
			t.Errorf("%s: %v after %d", name, err, p.conns.Load()-before)
		}
	})
}

// TestBareHasNoPolicies: Bare turns retries and hedges off; middleware is the
// caller's own.
func TestBareHasNoPolicies(t *testing.T) {
	s := newScripted(t, status(503))
	var attempts seen
	c := newClient(t, sonde.Config{Bare: true, Retry: quickly(3), Hedge: soon, AttemptMiddleware: []sonde.Middleware{attempts.middleware}})
	_, err := c.Get(background, s.URL, sonde.WithRetry(quickly(3)), sonde.WithHedge(soon))
	if !errors.As(err, new(*sonde.StatusError)) || s.n.Load() != 1 || strings.TrimSpace(attempts.String()) != "GET / 503" {
		t.Error(err, s.n.Load(), attempts.String())
	}
}

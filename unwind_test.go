package sonde_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

type panicJar struct{ asked bool }

func (j panicJar) Cookie(*url.URL) string {
	if j.asked {
		panic("mine")
	}
	return ""
}

func (panicJar) SetCookies(*url.URL, []string) { panic("mine") }

type panicAuth int // at which refusal; -1: when it is told how it went

func (p panicAuth) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	if a.Refused == int(p) {
		panic("mine")
	}
	a.Set("Authorization", "x")
	return nil
}

func (p panicAuth) Answered(*sonde.AuthRequest, *sonde.Head) {
	if p < 0 {
		panic("mine")
	}
}

type panicCheck struct{}

func (panicCheck) Write([]byte) (int, error) { panic("mine") }
func (panicCheck) End(sonde.Header) error    { return nil }

type panicSink trace.Kind

func (s panicSink) Record(e trace.Event) {
	if e.Kind == trace.Kind(s) {
		panic("mine")
	}
}

// TestPanicKeepsNoConnection: whatever code of the program's panics within a call,
// its connection does not stay with the call: with a limit of one the next call would
// wait for ever.
func TestPanicKeepsNoConnection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/401":
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(401)
		case "/503":
			w.WriteHeader(503)
		case "/cookie":
			w.Header().Set("Set-Cookie", "a=b")
		case "/early":
			w.WriteHeader(103)
		}
		fmt.Fprint(w, "ok")
	}))
	defer s.Close()
	boom := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
			ex, err := next(ctx, r)
			if err == nil && r.Method() == sonde.PUT {
				ex.Close()
				panic("mine")
			}
			return ex, err
		}
	}
	for _, c := range []struct {
		name, path string
		cfg        sonde.Config
		opt        sonde.Option
	}{
		{"redirect", "/redirect", sonde.Config{Redirects: sonde.Redirects{Policy: func(*sonde.Redirect) error { panic("mine") }}}, sonde.Join()},
		{"retry", "/503", sonde.Config{Retry: sonde.Retry{Max: 1, Policy: func(*sonde.Retrial) error { panic("mine") }}}, sonde.Join()},
		{"backoff", "/503", sonde.Config{Retry: sonde.Retry{Max: 1, Backoff: func(int) time.Duration { panic("mine") }}}, sonde.Join()},
		{"credentials", "/", sonde.Config{}, sonde.WithAuth(panicAuth(0))},
		{"challenge", "/401", sonde.Config{}, sonde.WithAuth(panicAuth(1))},
		{"answered", "/503", sonde.Config{}, sonde.WithAuth(panicAuth(-1))},
		{"cookies of a request", "/", sonde.Config{}, sonde.WithJar(panicJar{true})},
		{"cookies of a response", "/cookie", sonde.Config{}, sonde.WithJar(panicJar{})},
		{"check made", "/", sonde.Config{}, sonde.WithContentCheck(func(*sonde.Head) sonde.ContentCheck { panic("mine") })},
		{"check", "/", sonde.Config{}, sonde.WithContentCheck(func(*sonde.Head) sonde.ContentCheck { return panicCheck{} })},
		{"progress", "/", sonde.Config{}, sonde.WithDownloadProgress(func(int64, int64) { panic("mine") })},
		{"informational", "/early", sonde.Config{}, sonde.WithInformational(func(*sonde.Head) error { panic("mine") })},
		{"body", "/", sonde.Config{}, sonde.WithBody(sonde.Func(1, func() (io.ReadCloser, error) { panic("mine") }))},
		{"middleware", "/", sonde.Config{Middleware: []sonde.Middleware{boom}}, sonde.Join()},
		{"middleware of attempts", "/", sonde.Config{AttemptMiddleware: []sonde.Middleware{boom}}, sonde.Join()},
		{"below that", "/early", sonde.Config{AttemptMiddleware: []sonde.Middleware{boom}}, sonde.WithInformational(func(*sonde.Head) error { panic("mine") })},
		{"middleware of an attempt that may be hedged", "/", sonde.Config{AttemptMiddleware: []sonde.Middleware{boom}, Hedge: sonde.Hedge{Delay: time.Minute}}, sonde.Join()},
		{"below a hedge", "/early", sonde.Config{Hedge: sonde.Hedge{Delay: time.Minute}}, sonde.WithInformational(func(*sonde.Head) error { panic("mine") })},
		{"sink, head", "/", sonde.Config{}, sonde.WithSink(panicSink(trace.HeadRead))},
		{"sink, end", "/", sonde.Config{}, sonde.WithSink(panicSink(trace.AttemptDone))},
	} {
		c.cfg.Pool.MaxConnsPerOrigin = 1
		client := newClient(t, c.cfg)
		for range 2 {
			mustPanic(t, c.name, func() { client.Put(background, s.URL+c.path, sonde.Body{}, c.opt) })
			mustPanic(t, c.name, func() {
				ex, err := client.Open(background, sonde.NewRequest(sonde.PUT, s.URL+c.path, c.opt))
				if err == nil {
					defer ex.Close()
					io.Copy(io.Discard, ex.Body)
				}
			})
		}
		if n := client.Pool().Stats().Active; n != 0 {
			t.Errorf("%s: %d connections are lost", c.name, n)
			continue
		}
		mustGet(t, client, s.URL, "ok")
	}
}

func mustPanic(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("%s: panicked with %v", name, p)
		}
	}()
	f()
}

// mute answers no challenge.
type mute struct{}

func (mute) Authenticate(context.Context, *sonde.AuthRequest) error { return nil }

// TestRefusalDecoded: a refusal whose body was set aside is decoded from there; its
// connection, which was given back before, is not given back again, when others may
// have it.
func TestRefusalDecoded(t *testing.T) {
	refusal := answer(401, gz, coded(t, []byte("who are you?"), sonde.Gzip()))
	p := newPeer(t, func(c *peerConn) {
		for {
			switch r, _, err := c.request(); {
			case err != nil:
				return
			case r.URL.Path == "/":
				c.say(okAnswer)
			default:
				c.say(refusal)
			}
		}
	})
	var cfg sonde.Config
	cfg.Pool.MaxConnsPerOrigin = 1
	c := newClient(t, cfg)
	ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()+"/x",
		sonde.WithAuth(mute{}), sonde.WithAccept(sonde.StatusUnauthorized)))
	if err != nil {
		t.Fatal(err)
	}
	// It has the connection while the refusal is still to be read.
	other, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(ex.Body); string(b) != "who are you?" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if s := c.Pool().Stats(); s.Active != 1 || s.Idle != 0 {
		t.Errorf("active %d, idle %d", s.Active, s.Idle)
	}
	other.Close()
	mustGet(t, c, p.url(), "ok")
}

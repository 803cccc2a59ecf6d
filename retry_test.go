package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// scripted is a server that answers the nth request by the nth func, the last one
// from then on, and counts.
type scripted struct {
	*httptest.Server
	n, opened atomic.Int32
}

func newScripted(t testing.TB, script ...http.HandlerFunc) *scripted {
	s := &scripted{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(s.n.Add(1))
		script[min(n, len(script))-1](w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// status answers with a status, and fields as "Name: value".
func status(code int, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for _, f := range fields {
			name, value, _ := strings.Cut(f, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
	}
}

// echo answers with the request's body.
func echo(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }

// quickly is a policy without waits worth the name.
func quickly(max int) sonde.Retry {
	return sonde.Retry{Max: max, Base: time.Microsecond}
}

// kinds are the events of those kinds, as text.
func kinds(rec *trace.Recorder, which ...trace.Kind) []string {
	var all []string
	for _, e := range rec.Events() {
		for _, k := range which {
			if e.Kind == k {
				all = append(all, strings.TrimSpace(fmt.Sprintf("%d %v %v", e.Attempt, k, e.Err)))
			}
		}
	}
	return all
}

// TestRetryStatuses: which statuses are repeated, of which methods, and what is left
// when no attempt is.
func TestRetryStatuses(t *testing.T) {
	once := func() sonde.Body { return sonde.Reader(io.MultiReader(strings.NewReader("once")), -1) }
	for _, tt := range []struct {
		name     string
		status   int
		method   sonde.Method
		policy   sonde.Retry
		opts     []sonde.Option
		attempts int
		refused  string
	}{
		{name: "408", status: 408, method: "GET", policy: quickly(2), attempts: 3},
		{name: "429", status: 429, method: "GET", policy: quickly(2), attempts: 3},
		{name: "502", status: 502, method: "HEAD", policy: quickly(1), attempts: 2},
		{name: "503", status: 503, method: "PUT", policy: quickly(2), attempts: 3},
		{name: "504", status: 504, method: "DELETE", policy: quickly(2), attempts: 3},
		{name: "500 says nothing of later", status: 500, method: "GET", policy: quickly(2), attempts: 1},
		{name: "404", status: 404, method: "GET", policy: quickly(2), attempts: 1},
		{name: "500 if asked", status: 500, method: "GET", attempts: 3,
			policy: sonde.Retry{Max: 2, Base: -1, Statuses: []sonde.Status{500}}},
		{name: "503 if others are asked", status: 503, method: "GET", attempts: 1,
			policy: sonde.Retry{Max: 2, Base: -1, Statuses: []sonde.Status{500}}},
		{name: "off", status: 503, method: "GET", attempts: 1},
		{name: "off by the request", status: 503, method: "GET", policy: quickly(2),
			opts: []sonde.Option{sonde.WithRetry(sonde.Retry{})}, attempts: 1},
		{name: "on by the request", status: 503, method: "GET", opts: []sonde.Option{sonde.WithRetry(quickly(3))}, attempts: 4},
		{name: "accepted", status: 503, method: "GET", policy: quickly(2),
			opts: []sonde.Option{sonde.WithAccept(503)}, attempts: 1},
		{name: "POST", status: 503, method: "POST", policy: quickly(2), attempts: 1, refused: "POST is not idempotent"},
		{name: "POST with a key", status: 503, method: "POST", policy: quickly(2),
			opts: []sonde.Option{sonde.WithHeader("Idempotency-Key", "1")}, attempts: 3},
		{name: "POST if asked", status: 503, method: "POST", attempts: 3,
			policy: sonde.Retry{Max: 2, Base: -1, Methods: []sonde.Method{"POST"}}},
		{name: "read only once", status: 503, method: "PUT", policy: quickly(2),
			opts: []sonde.Option{sonde.WithBody(once())}, attempts: 1, refused: "can be read only once"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScripted(t, status(tt.status))
			c := newClient(t, sonde.Config{Retry: tt.policy})
			rec := &trace.Recorder{}
			resp, err := c.Do(background, sonde.NewRequest(tt.method, s.URL, append(tt.opts, sonde.WithSink(rec))...))
			if n := int(s.n.Load()); n != tt.attempts {
				t.Errorf("%d attempts, want %d", n, tt.attempts)
			}
			if n := s.opened.Load(); n != 1 { // each attempt gives its connection back before the next one
				t.Errorf("%d connections", n)
			}
			if tt.name == "accepted" {
				if err != nil || resp.Status != 503 {
					t.Fatal(resp, err)
				}
				return
			}
			var e *sonde.Error
			var st *sonde.StatusError
			if !errors.As(err, &e) || !errors.As(err, &st) || st.Status != sonde.Status(tt.status) || e.Attempt != tt.attempts || e.SafeToRetry() {
				t.Fatalf("%v %+v", err, e)
			}
			refused := kinds(rec, trace.RetryRefused)
			if tt.refused == "" && (e.NotRetried != nil || len(refused) != 0) {
				t.Error(e.NotRetried, refused)
			}
			if tt.refused != "" && (len(refused) != 1 || !strings.Contains(refused[0], tt.refused) || !strings.Contains(err.Error(), "; not sent again: ")) {
				t.Error(err, refused)
			}
			if n := len(kinds(rec, trace.Retry)); n != tt.attempts-1 {
				t.Error(n, "events")
			}
		})
	}
}

// TestRetrySucceeds: what comes back when a later attempt does better, by every way of
// calling.
func TestRetrySucceeds(t *testing.T) {
	bodies := map[string]func() sonde.Body{
		"memory": func() sonde.Body { return sonde.Text("hello") },
		"seeker": func() sonde.Body { return sonde.Reader(strings.NewReader("hello"), -1) },
		"func":   func() sonde.Body { return sonde.Func(-1, opens("hello")) },
	}
	calls := map[string]func(c *sonde.Client, req *sonde.Request) (string, error){
		"Do": func(c *sonde.Client, req *sonde.Request) (string, error) {
			resp, err := c.Do(background, req)
			if err != nil {
				return "", err
			}
			return string(resp.Body), nil
		},
		"DoInto": func(c *sonde.Client, req *sonde.Request) (string, error) {
			var resp sonde.Response
			err := c.DoInto(background, req, &resp)
			return string(resp.Body), err
		},
		"Open": func(c *sonde.Client, req *sonde.Request) (string, error) {
			ex, err := c.Open(background, req)
			if err != nil {
				return "", err
			}
			defer ex.Close()
			b, err := io.ReadAll(ex.Body)
			return string(b), err
		},
		"Stream": func(c *sonde.Client, req *sonde.Request) (got string, err error) {
			times := 0
			err = c.Stream(background, req, func(ex *sonde.Exchange) error {
				times++
				b, err := io.ReadAll(ex.Body)
				got = fmt.Sprint(string(b))
				return err
			})
			if times != 1 {
				err = fmt.Errorf("the callback was called %d times", times)
			}
			return got, err
		},
	}
	for body, of := range bodies {
		for name, call := range calls {
			s := newScripted(t, status(503), status(502), echo)
			c := newClient(t, sonde.Config{Retry: quickly(2)})
			got, err := call(c, sonde.NewRequest(sonde.PUT, s.URL, sonde.WithBody(of())))
			if err != nil || got != "hello" || s.n.Load() != 3 {
				t.Errorf("%s, %s: %q %v after %d", body, name, got, err, s.n.Load())
			}
		}
	}
}

// TestRetryErrors: what is repeated after an attempt without a response.
func TestRetryErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	dial := func(err error) func(*testing.T) (sonde.Config, string, func() int) {
		return func(*testing.T) (sonde.Config, string, func() int) {
			n := 0
			return sonde.Config{Dial: func(context.Context, string, string) (net.Conn, error) { n++; return nil, err }},
				"http://a.test/", func() int { return n }
		}
	}
	peer := func(handle func(*peerConn)) func(*testing.T) (sonde.Config, string, func() int) {
		return func(t *testing.T) (sonde.Config, string, func() int) {
			p := newPeer(t, handle)
			return sonde.Config{Timeouts: sonde.Timeouts{FirstByte: 50 * time.Millisecond}}, p.url(), func() int { return int(p.conns.Load()) }
		}
	}
	resolve := func(notFound bool) func(*testing.T) (sonde.Config, string, func() int) {
		return func(*testing.T) (sonde.Config, string, func() int) {
			r := &failingResolver{err: &net.DNSError{Err: "mine", Name: "a.test", IsNotFound: notFound, IsTemporary: !notFound}}
			return sonde.Config{Resolver: r}, "http://a.test./", func() int { return int(r.n.Load()) }
		}
	}
	once := sonde.WithBody(sonde.Reader(io.MultiReader(strings.NewReader("once")), -1))
	for _, tt := range []struct {
		name   string
		setup  func(*testing.T) (sonde.Config, string, func() int)
		method sonde.Method
		opts   []sonde.Option
		again  bool
		op     sonde.Op
	}{
		{name: "refused", setup: dial(refused), method: "GET", again: true, op: sonde.OpConnect},
		{name: "refused, POST", setup: dial(refused), method: "POST", again: true, op: sonde.OpConnect},
		{name: "refused, a body that can be read once", setup: dial(refused), method: "POST", opts: []sonde.Option{once}, again: true, op: sonde.OpConnect},
		{name: "connect timed out", setup: dial(os.ErrDeadlineExceeded), method: "GET", again: true, op: sonde.OpConnect},
		{name: "not allowed", setup: dial(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EPERM)}), method: "GET", op: sonde.OpConnect},
		{name: "guarded", method: "GET", op: sonde.OpConnect, setup: func(*testing.T) (sonde.Config, string, func() int) {
			n := 0
			return sonde.Config{Guard: func(netip.AddrPort) error { n++; return errors.New("mine") }}, "http://127.0.0.1:1/", func() int { return n }
		}},
		{name: "name server failed", setup: resolve(false), method: "GET", again: true, op: sonde.OpResolve},
		{name: "no such name", setup: resolve(true), method: "GET", op: sonde.OpResolve},
		{name: "closed without an answer", setup: peer(func(c *peerConn) { c.head() }), method: "GET", again: true, op: sonde.OpFirstByte},
		{name: "closed without an answer, POST", setup: peer(func(c *peerConn) { c.head() }), method: "POST", op: sonde.OpFirstByte},
		{name: "cut off in the head", setup: peer(func(c *peerConn) { c.head(); c.say("HTTP/1.1 200 O") }), method: "GET", again: true, op: sonde.OpRead},
		{name: "no answer in time", setup: peer(func(c *peerConn) { c.head(); c.gone() }), method: "GET", again: true, op: sonde.OpFirstByte},
		{name: "no HTTP", setup: peer(func(c *peerConn) { c.head(); c.say("SSH-2.0-mine\r\n"); c.gone() }), method: "GET", op: sonde.OpProtocol},
		{name: "the body fails", setup: peer(func(c *peerConn) { c.request() }), method: "PUT", op: sonde.OpWrite,
			opts: []sonde.Option{sonde.WithBody(sonde.Func(-1, func() (io.ReadCloser, error) { return io.NopCloser(failingReader{}), nil }))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, url, count := tt.setup(t)
			cfg.Retry = quickly(2)
			c := newClient(t, cfg)
			_, err := c.Do(background, sonde.NewRequest(tt.method, url, tt.opts...))
			want := 1
			if tt.again {
				want = 3
			}
			var e *sonde.Error
			if !errors.As(err, &e) || e.Op != tt.op || e.Attempt != want {
				t.Errorf("%v (%+v), want %d attempts", err, e, want)
			}
			if n := count(); tt.op == sonde.OpResolve && n != 2*want || tt.op != sonde.OpResolve && n != want {
				t.Errorf("%d attempts were made, want %d", n, want)
			}
		})
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("the caller's disk is broken") }

type failingResolver struct {
	err error
	n   atomic.Int32
}

func (r *failingResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	r.n.Add(1)
	return nil, r.err
}

// TestRetrySafe: an error says whether any attempt was seen, not only the last.
func TestRetrySafe(t *testing.T) {
	var dials atomic.Int32
	p := newPeer(t, func(c *peerConn) { c.head() })
	c := newClient(t, sonde.Config{Retry: quickly(1), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials.Add(1) > 1 {
			return nil, syscall.ECONNREFUSED
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}})
	_, err := c.Get(background, p.url())
	var e *sonde.Error
	if !errors.As(err, &e) || e.Op != sonde.OpConnect || e.Attempt != 2 || e.SafeToRetry() {
		t.Error(err)
	}
}

// TestRetryAfter: both forms, in seconds and as a date, and what cannot be waited for.
func TestRetryAfter(t *testing.T) {
	date := func(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
	now := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC) // the server's clock is its own
	for _, tt := range []struct {
		name, after, date string
		policy            sonde.Retry
		timeout           time.Duration
		wait              time.Duration
		refused           string
	}{
		{name: "seconds", after: "1", wait: time.Second},
		{name: "date", after: date(now.Add(time.Second)), date: date(now), wait: time.Second},
		{name: "past date", after: date(now.Add(-time.Hour)), date: date(now)},
		{name: "zero", after: "0"},
		{name: "nonsense", after: "soon"},
		{name: "negative", after: "-5"},
		{name: "too long", after: "61", refused: "longer than Retry.MaxAfter"},
		{name: "date too far", after: date(now.Add(time.Hour)), date: date(now), refused: "longer than Retry.MaxAfter"},
		{name: "beyond all numbers", after: "99999999999999999999999", refused: "longer than Retry.MaxAfter"},
		{name: "own bound", after: "2", policy: sonde.Retry{MaxAfter: time.Second}, refused: "longer than Retry.MaxAfter"},
		{name: "beyond the deadline", after: "30", timeout: 20 * time.Second, refused: "beyond the call's deadline"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fields := []string{"Retry-After: " + tt.after}
			if tt.date != "" {
				fields = append(fields, "Date: "+tt.date)
			}
			s := newScripted(t, status(503, fields...), echo)
			tt.policy.Max, tt.policy.Base = 1, -1
			c := newClient(t, sonde.Config{Retry: tt.policy})
			rec := &trace.Recorder{}
			ctx := context.Background()
			opts := []sonde.Option{sonde.WithSink(rec)}
			if tt.timeout > 0 && s.n.Load() == 0 {
				opts = append(opts, sonde.WithTimeout(tt.timeout))
			}
			start := time.Now()
			_, err := c.Get(ctx, s.URL, opts...)
			took := time.Since(start)
			if tt.refused != "" {
				var st *sonde.StatusError
				if !errors.As(err, &st) || !strings.Contains(err.Error(), tt.refused) || s.n.Load() != 1 {
					t.Error(err)
				}
				return
			}
			if err != nil || s.n.Load() != 2 || took < tt.wait {
				t.Error(err, took)
			}
			for _, e := range rec.Events() {
				if e.Kind == trace.Retry && (e.Wait() != tt.wait || e.Status != 503 || e.Err == nil) {
					t.Errorf("%+v, want a wait of %v", e, tt.wait)
				}
			}
		})
	}
}

// TestRetryDeadlineOfContext: as with a timeout of the request.
func TestRetryDeadlineOfContext(t *testing.T) {
	s := newScripted(t, status(503, "Retry-After: 30"))
	c := newClient(t, sonde.Config{Retry: quickly(1)})
	ctx, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()
	start := time.Now()
	_, err := c.Get(ctx, s.URL)
	if !errors.As(err, new(*sonde.StatusError)) || !strings.Contains(err.Error(), "beyond the call's deadline") || time.Since(start) > 15*time.Second {
		t.Error(err)
	}
}

// TestRetryWaitEnds: with the context, with the call's own time, and with Close; the
// connection is not held meanwhile.
func TestRetryWaitEnds(t *testing.T) {
	for _, how := range []string{"cancel", "close"} {
		t.Run(how, func(t *testing.T) {
			s := newScripted(t, status(503))
			c := newClient(t, sonde.Config{Retry: sonde.Retry{Max: 1, Backoff: func(int) time.Duration { return time.Hour }}})
			ctx, cancel := context.WithCancelCause(background)
			defer cancel(nil)
			mine := errors.New("mine")
			ctx = trace.With(ctx, &trace.Hooks{Retry: func(attempt int, err error) {
				idle := 0
				for conn := range c.Pool().Conns() {
					if conn.Active == 0 {
						idle++
					}
				}
				if attempt != 1 || err == nil || idle != 1 {
					t.Error(attempt, err, idle, "idle")
				}
				if how == "cancel" {
					cancel(mine)
				} else {
					go c.Close()
				}
			}})
			_, err := c.Get(ctx, s.URL)
			want := mine
			if how == "close" {
				want = sonde.ErrClosed
			}
			var e *sonde.Error
			if !errors.Is(err, want) || !errors.As(err, &e) || e.Attempt != 1 || e.SafeToRetry() {
				t.Error(err)
			}
		})
	}
}

// TestRetryPolicy: it sees what happened, and has the last word.
func TestRetryPolicy(t *testing.T) {
	s := newScripted(t, status(503, "X-Why: load"))
	enough := errors.New("enough")
	var saw []string
	c := newClient(t, sonde.Config{Retry: sonde.Retry{Max: 5, Base: -1, Policy: func(r *sonde.Retrial) error {
		saw = append(saw, fmt.Sprint(r.Method, r.Attempt, r.URL == s.URL+"/", r.Head.Status, r.Head.Header.Get("X-Why"), r.Err, r.Wait))
		if r.Attempt == 2 {
			return enough
		}
		return nil
	}}})
	_, err := c.Get(background, s.URL)
	var e *sonde.Error
	if !errors.As(err, &e) || e.NotRetried != enough || e.Attempt != 2 || s.n.Load() != 2 {
		t.Error(err)
	}
	if got, want := strings.Join(saw, "\n"), "GET 1 true 503 Service Unavailable load status 503 Service Unavailable 0s\n"+
		"GET 2 true 503 Service Unavailable load status 503 Service Unavailable 0s"; strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(want), "") {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestRetryBudget: however many goroutines try, an outage sees little more than the
// usual load, and so it does from a copy of the client.
func TestRetryBudget(t *testing.T) {
	s := newScripted(t, status(503))
	c := newClient(t, sonde.Config{Retry: quickly(3)})
	other, err := c.With(func(cfg *sonde.Config) { cfg.UserAgent = "other" })
	if err != nil {
		t.Fatal(err)
	}
	const goroutines, each = 64, 20
	start := time.Now()
	var spent atomic.Int32
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range each {
				of := c
				if i%2 == 0 {
					of = other
				}
				_, err := of.Get(background, s.URL)
				if errors.Is(err, sonde.ErrRetryBudget) {
					t.Error("it is no cause of the failure")
				}
				var e *sonde.Error
				if errors.As(err, &e) && e.NotRetried == sonde.ErrRetryBudget {
					spent.Add(1)
				}
			}
		})
	}
	wg.Wait()
	calls, attempts := goroutines*each, int(s.n.Load())
	// 20 % of the calls, 10, and one a second.
	if most := calls + calls/5 + 10 + int(time.Since(start).Seconds()) + 1; attempts > most || attempts < calls+10 {
		t.Errorf("%d calls made %d attempts, want %d to %d", calls, attempts, calls+10, most)
	}
	if spent.Load() == 0 {
		t.Error("nobody was told")
	}
}

// TestRetryUnbounded: a client without a budget.
func TestRetryUnbounded(t *testing.T) {
	s := newScripted(t, status(503))
	c := newClient(t, sonde.Config{Retry: quickly(3), RetryBudget: -1})
	for range 20 {
		c.Get(background, s.URL)
	}
	if n := s.n.Load(); n != 80 {
		t.Error(n)
	}
}

// TestRetryOfRedirect: what is repeated is the request that was redirected to, without
// what it must not have; one count for the whole call.
func TestRetryOfRedirect(t *testing.T) {
	s := newScripted(t, status(503), status(307, "Location: /next"), status(503),
		func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path, " "); echo(w, r) })
	c := newClient(t, sonde.Config{Retry: quickly(2)})
	resp, err := c.Put(background, s.URL+"/first", sonde.Text("hello"))
	if err != nil || string(resp.Body) != "/next hello" || len(resp.History()) != 1 || s.opened.Load() != 1 {
		t.Fatal(resp, err)
	}
	s = newScripted(t, status(503), status(307, "Location: /next"), status(503))
	if _, err := c.Put(background, s.URL+"/first", sonde.Text("hello")); err == nil || s.n.Load() != 4 {
		t.Error(err, s.n.Load())
	}
}

// TestRetryStory: the events of a call that is repeated.
func TestRetryStory(t *testing.T) {
	s := newScripted(t, status(503), echo)
	c := newClient(t, sonde.Config{Retry: quickly(1)})
	rec := &trace.Recorder{}
	if _, err := c.Get(background, s.URL, sonde.WithSink(rec)); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(kinds(rec, trace.AttemptStart, trace.ConnPut, trace.AttemptDone, trace.Retry, trace.CallDone), "; ")
	want := "1 attempt-start <nil>; 1 conn-put <nil>; 1 attempt-done <nil>; 1 retry status 503 Service Unavailable; " +
		"2 attempt-start <nil>; 2 conn-put <nil>; 2 attempt-done <nil>; 2 call-done <nil>"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// seen is a middleware that notes the requests and answers that pass it.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) middleware(next sonde.Handler) sonde.Handler {
	return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		ex, err := next(ctx, req)
		s.mu.Lock()
		defer s.mu.Unlock()
		path := req.URL()[strings.LastIndexByte(req.URL(), '/'):]
		if err != nil {
			s.all = append(s.all, fmt.Sprint(req.Method(), " ", path, " failed"))
			return nil, err
		}
		s.all = append(s.all, fmt.Sprint(req.Method(), " ", path, " ", int(ex.Status), " ", req.Header().Get("Cookie"), req.Header().Get("Authorization")))
		return ex, nil
	}
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.all, "; ")
}

// everyWay calls f with each way of sending a request and reading the response.
func everyWay(f func(name string, call func(*sonde.Client, *sonde.Request) (string, error))) {
	read := func(ex *sonde.Exchange) (string, error) {
		b, err := io.ReadAll(ex.Body)
		return string(b), err
	}
	f("Do", func(c *sonde.Client, req *sonde.Request) (string, error) {
		resp, err := c.Do(background, req)
		if err != nil {
			return "", err
		}
		return string(resp.Body), nil
	})
	f("DoInto", func(c *sonde.Client, req *sonde.Request) (string, error) {
		var resp sonde.Response
		err := c.DoInto(background, req, &resp)
		return string(resp.Body), err
	})
	f("Open", func(c *sonde.Client, req *sonde.Request) (string, error) {
		ex, err := c.Open(background, req)
		if err != nil {
			return "", err
		}
		defer ex.Close()
		return read(ex)
	})
	f("Stream", func(c *sonde.Client, req *sonde.Request) (got string, err error) {
		times := 0
		err = c.Stream(background, req, func(ex *sonde.Exchange) (err error) {
			times++
			got, err = read(ex)
			return err
		})
		if times > 1 {
			err = fmt.Errorf("the callback was called %d times", times)
		}
		return got, err
	})
}

// TestAttemptMiddleware: it sees every redirect and retry, with cookies; a middleware
// of the call sees the call.
func TestAttemptMiddleware(t *testing.T) {
	everyWay(func(name string, call func(*sonde.Client, *sonde.Request) (string, error)) {
		s := newScripted(t, status(302, "Location: /b", "Set-Cookie: a=1"), status(503), func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "end ", r.Header.Get("Cookie"), " ", r.Header.Get("X-Mine"))
		})
		var calls, attempts seen
		mark := func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
				return next(ctx, req.With(sonde.WithHeader("X-Mine", "yes")))
			}
		}
		rec := &trace.Recorder{}
		c := newClient(t, sonde.Config{
			Middleware:        []sonde.Middleware{calls.middleware},
			AttemptMiddleware: []sonde.Middleware{attempts.middleware, mark},
			Jar:               &oneCookie{}, Retry: quickly(1), Sink: rec,
		})
		got, err := call(c, sonde.NewRequest(sonde.GET, s.URL+"/a"))
		if err != nil || got != "end a=1 yes" {
			t.Errorf("%s: %q %v", name, got, err)
		}
		if got, want := calls.String(), "GET /a 200 "; got != want {
			t.Errorf("%s: calls: %s, want %s", name, got, want)
		}
		if got, want := attempts.String(), "GET /a 302 ; GET /b 503 a=1; GET /b 200 a=1"; got != want {
			t.Errorf("%s: attempts: %s, want %s", name, got, want)
		}
		if n := s.opened.Load(); n != 1 {
			t.Errorf("%s: %d connections", name, n)
		}
		// The story is the same as without middleware.
		story := strings.Join(kinds(rec, trace.CallStart, trace.AttemptStart, trace.AcquireDone, trace.HeadRead, trace.ConnPut, trace.AttemptDone,
			trace.Redirect, trace.Retry, trace.CallDone), "; ")
		want := "0 call-start <nil>; 1 attempt-start <nil>; 1 acquire-done <nil>; 1 head-read <nil>; 1 conn-put <nil>; 1 attempt-done <nil>; 1 redirect <nil>; " +
			"2 attempt-start <nil>; 2 acquire-done <nil>; 2 head-read <nil>; 2 conn-put <nil>; 2 attempt-done <nil>; 2 retry status 503 Service Unavailable; " +
			"3 attempt-start <nil>; 3 acquire-done <nil>; 3 head-read <nil>; 3 conn-put <nil>; 3 attempt-done <nil>; 3 call-done <nil>"
		if story != want {
			t.Errorf("%s: %s\nwant %s", name, story, want)
		}
		for _, e := range rec.Events() {
			if e.Call != rec.Events()[0].Call && e.Call != 0 {
				t.Errorf("%s: another call in %+v", name, e)
			}
		}
	})
}

// oneCookie is a Jar for one cookie.
type oneCookie struct {
	mu    sync.Mutex
	value string
}

func (j *oneCookie) Cookie(*url.URL) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.value
}

func (j *oneCookie) SetCookies(_ *url.URL, values []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.value, _, _ = strings.Cut(values[0], ";")
}

// TestAttemptMiddlewareAnswers: what a middleware gives by itself is judged as a
// server's response; its errors end the call.
func TestAttemptMiddlewareAnswers(t *testing.T) {
	mine := errors.New("mine")
	s := newScripted(t, echo)
	for name, tt := range map[string]struct {
		status   sonde.Status // 0: fails, -1: fails with what comes from within
		attempts int
		is       error
		want     string
	}{
		"success":        {200, 1, nil, "mine"},
		"redirect":       {302, 2, nil, ""},
		"status":         {503, 3, nil, "status 503"},
		"error":          {0, 1, mine, "request: mine"},
		"nothing at all": {-2, 1, nil, "neither a response nor an error"},
	} {
		n := 0
		c := newClient(t, sonde.Config{Retry: quickly(2), AttemptMiddleware: []sonde.Middleware{func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
				n++
				switch {
				case strings.HasSuffix(req.URL(), "/next"):
					return next(ctx, req)
				case tt.status == 0:
					return nil, mine
				case tt.status == -2:
					return nil, nil
				}
				head := sonde.Head{Status: tt.status}
				head.Header.Add("Location", s.URL+"/next")
				return sonde.NewExchange(head, strings.NewReader("mine")), nil
			}
		}}})
		resp, err := c.Get(background, s.URL)
		switch {
		case err != nil && (tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v", name, err)
		case err == nil && string(resp.Body) != tt.want:
			t.Errorf("%s: %q", name, resp.Body)
		}
		if n != tt.attempts {
			t.Errorf("%s: %d attempts, want %d", name, n, tt.attempts)
		}
	}
}

// TestAttemptMiddlewareErrors: a failure within comes out as it would without a
// middleware, also where that wraps it.
func TestAttemptMiddlewareErrors(t *testing.T) {
	for _, wrap := range []bool{false, true} {
		p := newPeer(t, func(c *peerConn) {
			c.head()
			switch c.n {
			case 1:
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
			case 2:
				c.say("nonsense\r\n\r\n")
			}
		})
		c := newClient(t, sonde.Config{AttemptMiddleware: []sonde.Middleware{func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
				ex, err := next(ctx, req)
				if err != nil && wrap {
					err = fmt.Errorf("wrapped: %w", err)
				}
				return ex, err
			}
		}}})
		for _, want := range []sonde.Op{sonde.OpRead, sonde.OpProtocol, sonde.OpFirstByte} {
			_, err := c.Get(background, p.url())
			e, ok := err.(*sonde.Error)
			if !ok || e.Op != want || e.Remote == "" || e.SafeToRetry() || e.Attempt != 1 {
				t.Errorf("%v (%+v), want %v", err, e, want)
			}
			if wrap && want != sonde.OpRead != strings.Contains(err.Error(), "wrapped: ") {
				t.Error(err)
			}
		}
	}
}

// TestAttemptMiddlewareDead: a connection that the server has closed is noticed
// through a middleware, and the attempt made again.
func TestAttemptMiddlewareDead(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say(okAnswer)
		if c.n == 1 {
			c.head()
			return
		}
		c.serve(okAnswer)
	})
	var s seen
	c := newClient(t, sonde.Config{AttemptMiddleware: []sonde.Middleware{s.middleware}})
	mustGet(t, c, p.url()+"/1", "ok")
	mustGet(t, c, p.url()+"/2", "ok")
	if got, want := s.String(), "GET /1 200 ; GET /2 failed; GET /2 200 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAttemptMiddlewareEnds: cancels, timeouts, limits, lost exchanges and upgrades
// reach through a middleware to the connection.
func TestAttemptMiddlewareEnds(t *testing.T) {
	var s seen
	hang := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		c.gone()
	})
	cfg := sonde.Config{AttemptMiddleware: []sonde.Middleware{s.middleware}}
	c := newClient(t, cfg)
	ctx, cancel := context.WithCancel(background)
	ex, err := c.Open(ctx, sonde.NewRequest(sonde.GET, hang.url()))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := io.ReadAll(ex.Body); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := c.Get(background, hang.url(), sonde.WithTimeout(30*time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if _, err := c.Get(background, hang.url(), sonde.WithLimits(sonde.Limits{Body: 4})); !errors.Is(err, sonde.ErrTooLarge) {
		t.Error(err)
	}
	closed := make(chan error)
	go func() {
		_, err := c.Get(background, hang.url())
		closed <- err
	}()
	for c.Pool().Stats().Active == 0 {
		time.Sleep(time.Millisecond)
	}
	c.Close()
	if err := <-closed; !errors.Is(err, sonde.ErrClosed) {
		t.Error(err)
	}

	up := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: mine\r\n\r\nfirst")
		c.gone()
	})
	c = newClient(t, cfg)
	ex, err = c.Open(background, sonde.NewRequest(sonde.GET, up.url(), sonde.WithHeader("Connection", "upgrade"), sonde.WithHeader("Upgrade", "mine")))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ex.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b := make([]byte, 5)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "first" {
		t.Error(string(b), err)
	}
	if st := c.Pool().Stats(); st.Active != 0 || st.Idle != 0 || st.Reasons[trace.Upgraded] != 1 {
		t.Errorf("%+v", st)
	}
}

// TestAttemptMiddlewareDropped: an exchange that is lost gives its connection up, once.
func TestAttemptMiddlewareDropped(t *testing.T) {
	var s seen
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		c.gone()
	})
	c := newClient(t, sonde.Config{AttemptMiddleware: []sonde.Middleware{s.middleware}})
	func() {
		if _, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url())); err != nil {
			t.Fatal(err)
		}
	}()
	noticed(t, c)
}

// TestAttemptMiddlewareHead: what a middleware keeps does not change when a Response
// is used again.
func TestAttemptMiddlewareHead(t *testing.T) {
	s := newScripted(t, status(200, "X-N: first"), status(200, "X-N: other"))
	var kept []sonde.Header
	c := newClient(t, sonde.Config{AttemptMiddleware: []sonde.Middleware{func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			ex, err := next(ctx, req)
			if err == nil {
				kept = append(kept, ex.Header)
			}
			return ex, err
		}
	}}})
	bare := newClient(t, sonde.Config{})
	var resp sonde.Response
	for _, of := range []*sonde.Client{c, c, bare, bare} {
		if err := of.DoInto(background, sonde.NewRequest(sonde.GET, s.URL), &resp); err != nil {
			t.Fatal(err)
		}
	}
	if kept[0].Get("X-N") != "first" || kept[1].Get("X-N") != "other" {
		t.Error(kept)
	}
}

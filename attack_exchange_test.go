package sonde_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// TestAttackKeptStrings: what a caller keeps of one DoInto is not changed by the
// next one into the same Response.
func TestAttackKeptStrings(t *testing.T) {
	answers := []string{
		"HTTP/1.1 404 Nothing Here\r\nX-A: first\r\nX-B: second\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 103 First Hints\r\nX-A: hint\r\nX-B: other\r\n\r\nHTTP/1.1 500 Worse\r\nX-B: 1\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 Very Well!!!\r\nLonger-Name: x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 201 Overwritten!\r\nYyyyyyyyyyy: x\r\nContent-Length: 0\r\nZ: z\r\n\r\n",
		"HTTP/1.1 299 ############\r\nYyyyyyyyyyy: x\r\nContent-Length: 0\r\nZ: z\r\n\r\n",
	}
	p := newPeer(t, func(c *peerConn) {
		for _, a := range answers {
			if c.head() == "" {
				return
			}
			c.say(a)
		}
		c.gone()
	})
	var hint sonde.Head
	c := newClient(t, sonde.Config{Informational: func(h *sonde.Head) error { hint = *h; return nil }})
	req := sonde.NewRequest(sonde.GET, p.url())
	var resp sonde.Response
	var refused [2]*sonde.StatusError
	for i := range refused {
		err := c.DoInto(background, req, &resp)
		if !errors.As(err, &refused[i]) {
			t.Fatal(err)
		}
		if resp.Status != 0 || len(resp.Body) != 0 || resp.Header.Len() != 0 {
			t.Errorf("a response besides an error: %v %q", resp.Status, resp.Body)
		}
	}
	if err := c.DoInto(background, req, &resp); err != nil {
		t.Fatal(err)
	}
	reason := resp.Reason()
	for range 2 {
		if err := c.DoInto(background, req, &resp); err != nil {
			t.Fatal(err)
		}
	}
	if reason != "Very Well!!!" {
		t.Errorf("the reason has become %q", reason)
	}
	if s := refused[0]; s.Header.Get("X-A") != "first" || s.Header.Get("x-b") != "second" || s.Reason() != "Nothing Here" || string(s.Body) != "abc" {
		t.Errorf("the refused head has become %q %q", s.Reason(), s.Header)
	}
	if hint.Header.Get("X-A") != "hint" || hint.Header.Get("X-B") != "other" || hint.Reason() != "First Hints" {
		t.Errorf("the hint has become %q %q", hint.Reason(), hint.Header)
	}
	if err := c.DoInto(background, sonde.NewRequest("B AD", p.url()), &resp); err == nil || resp.Status != 0 {
		t.Errorf("%v with status %v", err, resp.Status)
	}
}

// blocking is a body that waits until it is closed.
type blocking struct {
	closed chan struct{}
	closes atomic.Int32
}

func (b *blocking) Read([]byte) (int, error) { <-b.closed; return 0, io.ErrClosedPipe }
func (b *blocking) Close() error {
	if b.closes.Add(1) == 1 {
		close(b.closed)
	}
	return nil
}

// mocking is a client whose every call is answered with body.
func mocking(t *testing.T, body io.Reader) *sonde.Client {
	return newClient(t, sonde.Config{Middleware: []sonde.Middleware{func(sonde.Handler) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
			return sonde.NewExchange(sonde.Head{Status: 200}, body), nil
		}
	}}})
}

// TestAttackMockBody: the body of a response that a middleware makes is closed
// once on every path, and Close wakes a Read of it.
func TestAttackMockBody(t *testing.T) {
	get := sonde.NewRequest(sonde.GET, "http://mock/")
	for _, tt := range []struct {
		name string
		body io.Reader
		call func(c *sonde.Client) error
	}{
		{"Do", strings.NewReader("abc"), func(c *sonde.Client) error { _, err := c.Do(background, get); return err }},
		{"Stream without reading", strings.NewReader("abc"), func(c *sonde.Client) error {
			return c.Stream(background, get, func(*sonde.Exchange) error { return nil })
		}},
		{"Stream that panics", strings.NewReader("abc"), func(c *sonde.Client) error {
			defer func() { recover() }()
			return c.Stream(background, get, func(*sonde.Exchange) error { panic("mine") })
		}},
		{"read to the end, not closed", strings.NewReader("abc"), func(c *sonde.Client) error {
			ex, err := c.Open(background, get)
			if err != nil {
				return err
			}
			_, err = io.ReadAll(ex.Body)
			if !ex.Body.Done() {
				t.Error("not done after the end")
			}
			return err
		}},
		{"copied to the end, not closed", strings.NewReader("abc"), func(c *sonde.Client) error {
			ex, err := c.Open(background, get)
			if err != nil {
				return err
			}
			_, err = io.Copy(struct{ io.Writer }{io.Discard}, ex.Body)
			return err
		}},
		{"closed many times at once", strings.NewReader("abc"), func(c *sonde.Client) error {
			ex, err := c.Open(background, get)
			if err != nil {
				return err
			}
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { ex.Close() })
			}
			wg.Wait()
			return nil
		}},
		{"closed while read", nil, func(c *sonde.Client) error {
			ex, err := c.Open(background, get)
			if err != nil {
				return err
			}
			time.AfterFunc(10*time.Millisecond, func() { ex.Close() })
			if _, err := ex.Body.Read(make([]byte, 1)); err == nil {
				t.Error("no error")
			}
			return ex.Close()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var closes func() int32
			var body io.Reader
			if tt.body == nil {
				b := &blocking{closed: make(chan struct{})}
				body, closes = b, b.closes.Load
			} else {
				b := &closeCounter{Reader: tt.body}
				body, closes = b, b.closes.Load
			}
			within(t, 10*time.Second, func() {
				if err := tt.call(mocking(t, body)); err != nil {
					t.Error(err)
				}
			})
			if n := closes(); n != 1 {
				t.Errorf("closed %d times", n)
			}
		})
	}
}

// TestAttackHandlers: what a Handler returns against the rules.
func TestAttackHandlers(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	for _, tt := range []struct {
		name  string
		wrap  sonde.Middleware
		fails bool
		safe  bool
		op    sonde.Op
	}{
		{"nothing", func(sonde.Handler) sonde.Handler {
			return func(context.Context, *sonde.Request) (*sonde.Exchange, error) { return nil, nil }
		}, true, true, sonde.OpRequest},
		{"a zero Exchange", func(sonde.Handler) sonde.Handler {
			return func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
				return &sonde.Exchange{Head: sonde.Head{Status: 204}}, nil
			}
		}, false, false, ""},
		{"both, without a body", func(sonde.Handler) sonde.Handler {
			return func(context.Context, *sonde.Request) (*sonde.Exchange, error) { return &sonde.Exchange{}, errMine }
		}, true, false, sonde.OpRequest},
		{"an error after the request was sent", func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
				ex, err := next(ctx, r)
				if err != nil {
					t.Error(err)
				}
				return ex, errMine
			}
		}, true, false, sonde.OpRequest},
		{"a wrapped Error", func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
				_, err := next(ctx, sonde.NewRequest(sonde.GET, "http://127.0.0.1:1/"))
				return nil, fmt.Errorf("%w, then %w", errMine, err)
			}
		}, true, true, sonde.OpConnect},
		{"a nil request", func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) { return next(ctx, nil) }
		}, true, false, sonde.OpRequest},
		{"a body that fails with a wrapped Error", func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
				_, err := next(ctx, sonde.NewRequest(sonde.GET, "http://127.0.0.1:1/"))
				return sonde.NewExchange(sonde.Head{Status: 200}, io.MultiReader(strings.NewReader("a"), failing{fmt.Errorf("mine: %w", err)})), nil
			}
		}, true, true, sonde.OpConnect},
		{"a body that fails", func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
				return sonde.NewExchange(sonde.Head{Status: 200}, failing{errMine}), nil
			}
		}, true, false, sonde.OpRead},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, sonde.Config{Middleware: []sonde.Middleware{tt.wrap}})
			resp, err := c.Get(background, p.url())
			e, outermost := err.(*sonde.Error)
			switch {
			case !tt.fails:
				if err != nil || resp == nil {
					t.Fatal(resp, err)
				}
				return
			case !outermost || resp != nil:
				t.Fatalf("%v, %#v", resp, err)
			case e.Op != tt.op || e.SafeToRetry() != tt.safe && tt.name != "a nil request":
				t.Errorf("phase %s, safe %v: %v", e.Op, e.SafeToRetry(), err)
			}
			if s := c.Pool().Stats(); s.Active != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// writerFunc is a func that is a Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestAttackWriteTo: a writer that closes the body, one that hangs while somebody
// else closes it, one that fails, one that panics.
func TestAttackWriteTo(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for c.head() != "" {
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n")
			if _, err := c.Write(make([]byte, 2_000_000)); err != nil {
				return
			}
		}
	})
	for _, mock := range []bool{false, true} {
		c := newClient(t, sonde.Config{})
		if mock {
			c = mocking(t, bytes.NewReader(make([]byte, 2_000_000)))
		}
		open := func() *sonde.Exchange {
			ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
			if err != nil {
				t.Fatal(err)
			}
			return ex
		}
		within(t, 20*time.Second, func() {
			ex := open()
			if _, err := ex.Body.WriteTo(writerFunc(func(p []byte) (int, error) { return len(p), ex.Close() })); err == nil {
				t.Error("no error of a body that was closed")
			}
			if mock {
				return
			}
			ex = open()
			hang, hanging := make(chan struct{}), make(chan struct{})
			var once sync.Once
			done := make(chan error)
			go func() {
				_, err := ex.Body.WriteTo(writerFunc(func(p []byte) (int, error) {
					once.Do(func() { close(hanging) })
					<-hang
					return len(p), nil
				}))
				done <- err
			}()
			<-hanging
			ex.Close() // does not wait for the writer
			if s := c.Pool().Stats(); s.Active != 0 {
				t.Errorf("after Close: %+v", s)
			}
			close(hang)
			if err := <-done; err == nil {
				t.Error("no error of a body that was closed")
			}
			ex = open()
			if _, err := ex.Body.WriteTo(writerFunc(func(p []byte) (int, error) { return 0, errMine })); err != errMine {
				t.Error(err)
			}
			ex.Close()
			func() {
				defer func() {
					if recover() != "mine" {
						t.Error("the panic was lost")
					}
				}()
				c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(ex *sonde.Exchange) error {
					ex.Body.WriteTo(writerFunc(func(p []byte) (int, error) { panic("mine") }))
					return nil
				})
			}()
			if s := c.Pool().Stats(); s.Active != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestAttackCloseRaces: Close, Read, Timing, Upgrade and the end of the context
// all at once leave no connection in use, and poison none.
func TestAttackCloseRaces(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			switch {
			case err != nil:
				return
			case r.Header.Get("Upgrade") != "":
				c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi")
				c.gone()
				return
			}
			c.say("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(r.URL.Path)) + "\r\n\r\n" + r.URL.Path)
		}
	})
	c := newClient(t, sonde.Config{})
	for i := range 300 {
		ctx, cancel := context.WithCancel(background)
		path, opts := "/"+itoa(i), []sonde.Option(nil)
		if i%2 == 0 {
			opts = []sonde.Option{sonde.WithHeader("Connection", "upgrade"), sonde.WithHeader("Upgrade", "echo")}
		}
		ex, err := c.Open(ctx, sonde.NewRequest(sonde.GET, p.url()+path, opts...))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { ex.Close() })
		wg.Go(func() { ex.Timing() })
		if i%3 == 0 {
			wg.Go(cancel)
		}
		wg.Go(func() {
			if i%2 == 0 {
				if conn, err := ex.Upgrade(); err == nil {
					conn.Close()
				}
				return
			}
			if b, err := io.ReadAll(ex.Body); err == nil && string(b) != path {
				t.Errorf("body %q of %q", b, path)
			}
		})
		wg.Wait()
		ex.Close()
		cancel()
	}
	if s := c.Pool().Stats(); s.Active != 0 {
		t.Errorf("%+v", s)
	}
	mustGet(t, c, p.url()+"/last", "/last")
}

// TestAttackUpgradedDeadlines: an upgraded connection is used as any net.Conn:
// deadlines from two goroutines.
func TestAttackUpgradedDeadlines(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, c.r)
	})
	c := newClient(t, sonde.Config{})
	ex, err := c.Open(background, upgrading(p.url()))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ex.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 100 {
			conn.SetWriteDeadline(time.Now().Add(time.Minute))
			conn.Write([]byte("a"))
		}
	})
	wg.Go(func() {
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		for n := 0; n < 100; {
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			m, err := conn.Read(make([]byte, 10))
			if err != nil {
				t.Error(err)
				return
			}
			n += m
		}
	})
	wg.Wait()
	conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// TestAttackNoBounds: a negative limit is no bound, also of one request.
func TestAttackNoBounds(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			switch {
			case err != nil:
				return
			case r.URL.Path == "/head":
				c.say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 997)+"\r\n", 1200) + "Content-Length: 2\r\n\r\nok")
			default:
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n")
				time.Sleep(100 * time.Millisecond)
				c.say(strings.Repeat("x", 2000))
			}
		}
	})
	c := newClient(t, sonde.Config{})
	none := sonde.WithLimits(sonde.Limits{Head: -1, Fields: -1, DrainTime: -1})
	if r, err := c.Get(background, p.url()+"/head", none); err != nil || r.Header.Len() != 1201 {
		t.Error(err)
	}
	if _, err := c.Get(background, p.url()+"/head"); err == nil {
		t.Error("no limit")
	}
	err := c.Stream(background, sonde.NewRequest(sonde.GET, p.url()+"/drain", none), func(*sonde.Exchange) error { return nil })
	if err != nil {
		t.Error(err)
	}
	if s := c.Pool().Stats(); s.Reasons[trace.BodyNotDrained] != 0 {
		t.Errorf("not drained: %v", s.Reasons.Map())
	}
}

// TestAttackWith: changed copies of a client are independent of one another and
// of the Config that the first one was made with.
func TestAttackWith(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") })
	server, clientTLS := certificates(t)
	_ = server
	accept := make([]sonde.Status, 1, 8)
	accept[0] = 418
	cfg := sonde.Config{Accept: accept, TLS: clientTLS}
	c := newClient(t, cfg)
	a, err := c.With(func(cfg *sonde.Config) { cfg.Accept = append(cfg.Accept, 404) })
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.With(func(cfg *sonde.Config) { cfg.Accept = append(cfg.Accept, 405) })
	if err != nil {
		t.Fatal(err)
	}
	accept[0] = 404
	if _, err := a.Get(background, p.url()); err != nil {
		t.Error("a:", err)
	}
	if _, err := b.Get(background, p.url()); err == nil {
		t.Error("b accepts 404")
	}
	if _, err := c.Get(background, p.url()); err == nil {
		t.Error("c accepts 404")
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections: those of the same settings are shared", n)
	}
	same, err := c.With(func(cfg *sonde.Config) { cfg.TLS = clientTLS.Clone() })
	if err != nil {
		t.Fatal(err)
	}
	same.Get(background, p.url())
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections: the same TLS settings are shared", n)
	}
	// Trust that is changed in place counts as changed, and does not reach back.
	other, err := c.With(func(cfg *sonde.Config) { cfg.TLS.ServerName = "another" })
	if err != nil {
		t.Fatal(err)
	}
	other.Get(background, p.url())
	if n := p.conns.Load(); n != 2 {
		t.Errorf("%d connections: other TLS settings must not share them", n)
	}
	back, err := other.With(func(cfg *sonde.Config) { cfg.TLS.ServerName = "" })
	if err != nil {
		t.Fatal(err)
	}
	back.Get(background, p.url())
	if clientTLS.ServerName != "" {
		t.Error("the caller's own tls.Config was changed")
	}
}

// TestAttackTurns: a Seeker that still sits in Read when its call ends is not read
// by the next one at the same time.
func TestAttackTurns(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		if c.n == 1 {
			c.head()
			c.gone()
			return
		}
		c.serve(okAnswer)
	})
	c := newClient(t, sonde.Config{})
	body := &slowSeeker{Reader: strings.NewReader("abc"), wait: make(chan struct{})}
	req := sonde.NewRequest(sonde.PUT, p.url(), sonde.WithBody(sonde.Reader(body, 3)))
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, req); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if _, err := c.Do(background, req); err == nil || !strings.Contains(err.Error(), "another call") {
		t.Error("while it is still read:", err)
	}
	close(body.wait)
	for range 500 {
		if _, err := c.Do(background, req); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("never free again")
}

type slowSeeker struct {
	*strings.Reader
	wait    chan struct{}
	reading atomic.Int32
}

func (s *slowSeeker) Read(p []byte) (int, error) {
	if s.reading.Add(1) > 1 {
		panic("two Reads at once")
	}
	defer s.reading.Add(-1)
	<-s.wait
	return s.Reader.Read(p)
}

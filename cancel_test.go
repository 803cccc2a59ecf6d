package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

var errMine = errors.New("my cause")

// stalled is a resolver that never answers.
type stalled struct{}

func (stalled) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// phase is one place where a call can hang.
type phase struct {
	name string
	op   sonde.Op
	cfg  sonde.Config
	time func(*sonde.Timeouts, time.Duration) // the timeout that bounds it; nil: none of its own
	hang func(*peerConn)                      // of the first connection; the others are fine
	url  string                               // instead of the peer's
	call func(context.Context, *sonde.Client, string) error
}

func doGet(ctx context.Context, c *sonde.Client, url string) error {
	_, err := c.Get(ctx, url)
	return err
}

// muchData is more than any socket buffers.
var muchData = make([]byte, 64<<20)

// hangs are all phases, from waiting for the pool to the last byte.
func hangs() []phase {
	answered := func(answer string) func(*peerConn) {
		return func(c *peerConn) {
			c.head()
			c.say(answer)
			c.gone()
		}
	}
	firstByte := func(t *sonde.Timeouts, d time.Duration) { t.FirstByte = d }
	bodyIdle := func(t *sonde.Timeouts, d time.Duration) { t.BodyIdle = d }
	return []phase{
		{name: "resolve", op: sonde.OpResolve, url: "http://stalled.test/", cfg: sonde.Config{Resolver: stalled{}},
			time: func(t *sonde.Timeouts, d time.Duration) { t.Connect = d }},
		{name: "connect", op: sonde.OpConnect, time: func(t *sonde.Timeouts, d time.Duration) { t.Connect = d },
			cfg: sonde.Config{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}},
		{name: "tls", op: sonde.OpTLS, url: "https", hang: func(c *peerConn) { c.gone() },
			time: func(t *sonde.Timeouts, d time.Duration) { t.TLS = d }},
		{name: "first byte", op: sonde.OpFirstByte, hang: answered(""), time: firstByte},
		{name: "within the head", op: sonde.OpRead, hang: answered("HTTP/1.1 200 OK\r\nContent-"), time: firstByte},
		{name: "within the head, idle", op: sonde.OpRead, hang: answered("HTTP/1.1 200 OK\r\nContent-"), time: bodyIdle},
		{name: "after 103", op: sonde.OpRead, hang: answered("HTTP/1.1 103 Early Hints\r\n\r\n"), time: firstByte},
		{name: "body", op: sonde.OpRead, hang: answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), time: bodyIdle},
		{name: "chunk", op: sonde.OpRead, hang: answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"), time: bodyIdle},
		{name: "until close", op: sonde.OpRead, hang: answered("HTTP/1.1 200 OK\r\n\r\nhalf"), time: bodyIdle},
		{name: "write", hang: func(c *peerConn) {
			if t, ok := c.Conn.(*net.TCPConn); ok {
				t.SetReadBuffer(4096)
			}
			c.hangs()
			time.Sleep(2 * time.Second)
		}, call: func(ctx context.Context, c *sonde.Client, url string) error {
			_, err := c.Post(ctx, url, sonde.Bytes(muchData))
			return err
		}},
		{name: "request body", hang: answered(""), call: func(ctx context.Context, c *sonde.Client, url string) error {
			r, w := io.Pipe()
			defer w.Close()
			_, err := c.Post(ctx, url, sonde.Reader(r, -1))
			return err
		}},
		{name: "request body left behind", hang: answered(""), call: func(ctx context.Context, c *sonde.Client, url string) error {
			r, w := io.Pipe()
			time.AfterFunc(300*time.Millisecond, func() { w.Close() })
			_, err := c.Post(ctx, url, sonde.Reader(struct{ io.Reader }{r}, -1))
			return err
		}},
		{name: "100-continue", op: sonde.OpFirstByte, hang: answered(""), call: func(ctx context.Context, c *sonde.Client, url string) error {
			_, err := c.Post(ctx, url, sonde.Text("x"), sonde.WithExpectContinue(), sonde.WithTimeouts(sonde.Timeouts{Continue: -1}))
			return err
		}},
		{name: "stream", op: sonde.OpRead, hang: answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), time: bodyIdle,
			call: func(ctx context.Context, c *sonde.Client, url string) error {
				return c.Stream(ctx, sonde.NewRequest(sonde.GET, url), func(ex *sonde.Exchange) error {
					_, err := io.ReadAll(ex.Body)
					return err
				})
			}},
		{name: "queue", op: sonde.OpAcquire, cfg: sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 1}},
			time: func(t *sonde.Timeouts, d time.Duration) { t.Queue = d },
			hang: answered("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
			call: func(ctx context.Context, c *sonde.Client, url string) error {
				ex, err := c.Open(background, sonde.NewRequest(sonde.GET, url))
				if err != nil {
					return err
				}
				defer ex.Close()
				_, err = c.Get(ctx, url)
				return err
			}},
	}
}

// run starts a peer that hangs as h says on its first connection, and calls.
func (h phase) run(t *testing.T, ctx context.Context, change func(*sonde.Config), secure bool, hanging func()) (*sonde.Client, string, error) {
	tlsServer, tlsClient := certificates(t)
	p := newPeer(t, func(c *peerConn) {
		if secure && !(c.n == 1 && h.url == "https") {
			c.Conn = tls.Server(c.Conn, tlsServer)
			c.r.Reset(c.Conn)
		}
		if c.n == 1 && h.hang != nil {
			c.hanging = hanging
			h.hang(c)
			return
		}
		c.serve(okAnswer)
	})
	cfg := h.cfg
	if secure {
		cfg.TLS = tlsClient
	}
	if change != nil {
		change(&cfg)
	}
	c := newClient(t, cfg)
	url := p.url()
	if secure {
		url = "https" + strings.TrimPrefix(url, "http")
	}
	target := url
	if strings.Contains(h.url, "://") {
		target = h.url
	}
	call := h.call
	if call == nil {
		call = doGet
	}
	return c, url, call(ctx, c, target)
}

// TestCancel: a cancel ends a call in every phase, plain and on TLS, with the
// context's error and cause, and leaves nothing that the next request could meet.
func TestCancel(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for _, h := range hangs() {
			if !secure && h.url == "https" {
				continue
			}
			name := h.name
			if secure {
				name += ", tls"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancelCause(background)
				var canceled time.Time
				later := func() {
					time.AfterFunc(50*time.Millisecond, func() { canceled = time.Now(); cancel(errMine) })
				}
				if h.hang == nil {
					later()
				}
				var rec trace.Recorder
				c, url, err := h.run(t, ctx, func(cfg *sonde.Config) { cfg.Sink = &rec }, secure, later)
				if err == nil {
					t.Fatal("no error")
				}
				if late := time.Since(canceled); late > 5*time.Second {
					t.Errorf("ended %v after the cancel", late)
				}
				var e *sonde.Error
				if !errors.Is(err, context.Canceled) || !errors.Is(err, errMine) || !errors.As(err, &e) {
					t.Fatalf("error %#v %v", err, err)
				}
				if h.op != "" && e.Op != h.op {
					t.Errorf("phase %s, want %s: %v", e.Op, h.op, err)
				}
				if e.Timeout() {
					t.Error("a cancel is no timeout")
				}
				s := c.Pool().Stats()
				if s.Active != 0 || s.Waiting != 0 {
					t.Errorf("left: %+v", s)
				}
				if h.cfg.Dial == nil && h.name != "resolve" {
					mustGet(t, c, url, "ok")
				}
			})
		}
	}
}

// TestTimeouts: a phase's own timeout, the call's, and the context's deadline
// each end a call in every phase.
func TestTimeouts(t *testing.T) {
	for _, h := range hangs() {
		if h.url == "https" {
			continue // TestCancel and dial's own tests have it
		}
		for _, kind := range []string{"phase", "call", "context"} {
			if kind == "phase" && h.time == nil {
				continue
			}
			t.Run(h.name+", "+kind, func(t *testing.T) {
				t.Parallel()
				const wait = 200 * time.Millisecond
				ctx := background
				change := func(cfg *sonde.Config) {}
				switch kind {
				case "phase":
					change = func(cfg *sonde.Config) { h.time(&cfg.Timeouts, wait) }
				case "call":
					change = func(cfg *sonde.Config) { cfg.Timeouts.Call = wait }
				case "context":
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeoutCause(ctx, wait, errMine)
					defer cancel()
				}
				start := time.Now()
				c, url, err := h.run(t, ctx, change, false, nil)
				if took := time.Since(start); took < wait || took > wait+10*time.Second {
					t.Errorf("took %v", took)
				}
				var e *sonde.Error
				if !errors.As(err, &e) || !e.Timeout() {
					t.Fatalf("error %v", err)
				}
				if kind == "context" {
					if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errMine) {
						t.Errorf("error %v", err)
					}
				} else if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("error %v is not os.ErrDeadlineExceeded", err)
				}
				if h.op != "" && e.Op != h.op {
					t.Errorf("phase %s, want %s: %v", e.Op, h.op, err)
				}
				// On a busy machine the time may be over before the connection is there;
				// then the next one is the first, which hangs.
				early := e.Op == sonde.OpConnect || e.Op == sonde.OpAcquire && h.op != e.Op
				if kind != "call" && !early && h.name != "resolve" {
					mustGet(t, c, url, "ok")
				}
			})
		}
	}
}

// TestCloseEndsCalls: Close ends what is under way in every phase.
func TestCloseEndsCalls(t *testing.T) {
	for _, h := range hangs() {
		if h.url == "https" {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			h := h
			inner := h.call
			if inner == nil {
				inner = doGet
			}
			h.call = func(ctx context.Context, c *sonde.Client, url string) error {
				time.AfterFunc(50*time.Millisecond, func() { c.Close() })
				return inner(ctx, c, url)
			}
			within(t, 20*time.Second, func() {
				_, _, err := h.run(t, background, nil, false, nil)
				if !errors.Is(err, sonde.ErrClosed) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestCanceledBefore: a context that is done already touches nothing.
func TestCanceledBefore(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	c := newClient(t, sonde.Config{})
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := c.Get(ctx, p.url()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := p.conns.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestCancelRace: cancels at random moments never poison the connection that the
// next request uses.
func TestCancelRace(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			if err != nil {
				return
			}
			body := r.URL.Path
			c.say("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n")
			c.say(body)
		}
	})
	c := newClient(t, sonde.Config{})
	for i := range 3000 {
		ctx, cancel := context.WithCancel(background)
		if i%3 == 0 {
			ctx, cancel = context.WithTimeout(background, time.Duration(i%400)*time.Microsecond)
		} else {
			go func() {
				for range i % 50 {
					runtime.Gosched()
				}
				cancel()
			}()
		}
		path := "/" + itoa(i)
		r, err := c.Get(ctx, p.url()+path)
		cancel()
		if err == nil && string(r.Body) != path {
			t.Fatalf("answer %q to %q", r.Body, path)
		}
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	mustGet(t, c, p.url()+"/last", "/last")
}

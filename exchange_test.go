package sonde_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

var background = context.Background()

// TestAnswers: what an answer means for the body and for the connection.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		method       sonde.Method
		body         string
		op           sonde.Op     // of the error, "" for none
		end          trace.Reason // of the connection; NoReason: kept
		close        bool         // the server closes after the answer
	}{
		{"length", okAnswer, sonde.GET, "ok", "", 0, false},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", sonde.GET, "", "", 0, false},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", sonde.GET, "ok", "", 0, false},
		{"chunked with extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n", sonde.GET, "ok", "", 0, false},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nok", sonde.GET, "ok", "", trace.ServerAsked, true},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", sonde.GET, "", "", 0, false},
		{"204 with length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", sonde.GET, "", "", trace.AmbiguousFraming, false},
		{"HEAD with length", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", sonde.HEAD, "", "", 0, false},
		{"HEAD chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", sonde.HEAD, "", "", 0, false},
		{"Connection: close", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", sonde.GET, "ok", "", trace.ServerAsked, false},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", sonde.GET, "ok", "", trace.ServerHTTP10, false},
		{"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", sonde.GET, "ok", "", 0, false},
		{"103 before", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + okAnswer, sonde.GET, "ok", "", 0, false},
		{"100 unasked", "HTTP/1.1 100 Continue\r\n\r\n" + okAnswer, sonde.GET, "ok", "", 0, false},
		{"extra bytes", okAnswer + "HTTP/1.1 200 OK\r\n", sonde.GET, "ok", "", trace.UnsolicitedBytes, false},
		{"both framings", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", sonde.GET, "ok", "", trace.AmbiguousFraming, false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"space before colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"101 unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"short body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", sonde.GET, "", sonde.OpRead, trace.ServerClosedInUse, true},
		{"short chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", sonde.GET, "", sonde.OpRead, trace.ServerClosedInUse, true},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", sonde.GET, "", sonde.OpRead, trace.ServerClosedInUse, true},
		{"chunk size overflow", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-Le", sonde.GET, "", sonde.OpRead, trace.ServerClosedInUse, true},
		{"nothing", "", sonde.GET, "", sonde.OpFirstByte, trace.ServerClosedInUse, true},
		{"1xx flood", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 40) + okAnswer, sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"head too large", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10), sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"too many fields", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1001) + "\r\n", sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
		{"endless trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 100_000), sonde.GET, "", sonde.OpProtocol, trace.ProtocolError, false},
	} {
		for _, drip := range []bool{false, true} {
			name := tt.name
			if drip {
				if len(tt.answer) > 500 {
					continue
				}
				name += ", byte by byte"
			}
			t.Run(name, func(t *testing.T) {
				p := newPeer(t, func(c *peerConn) {
					for c.head() != "" {
						if drip {
							for i := range tt.answer {
								c.say(tt.answer[i : i+1])
								runtime.Gosched()
							}
						} else {
							c.say(tt.answer)
						}
						if tt.close {
							return
						}
					}
				})
				c := newClient(t, sonde.Config{Timeouts: sonde.Timeouts{Call: 10 * time.Second}})
				resp, err := c.Do(background, sonde.NewRequest(tt.method, p.url()))
				var e *sonde.Error
				switch {
				case tt.op == "" && err != nil:
					t.Fatal(err)
				case tt.op != "" && !errors.As(err, &e):
					t.Fatalf("error %v, want one in phase %s", err, tt.op)
				case tt.op != "" && e.Op != tt.op:
					t.Fatalf("error in phase %s, want %s: %v", e.Op, tt.op, err)
				case err == nil && string(resp.Body) != tt.body:
					t.Fatalf("body %q, want %q", resp.Body, tt.body)
				}
				stats := c.Pool().Stats()
				kept := stats.Idle == 1
				if drip && tt.end == trace.UnsolicitedBytes {
					return // the rest may come later than the answer's end
				}
				if kept != (tt.end == 0) {
					t.Errorf("connection kept: %v; reasons %v", kept, stats.Reasons.Map())
				}
				if tt.end != 0 && tt.end != trace.ServerAsked && stats.Reasons[tt.end] != 1 {
					t.Errorf("connection ended for %v, want %v", stats.Reasons.Map(), tt.end)
				}
			})
		}
	}
}

func TestTrailers(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.serve("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n")
	})
	c := newClient(t, sonde.Config{})
	resp, err := c.Get(background, p.url())
	if err != nil || resp.Trailer().Get("x-sum") != "42" {
		t.Fatal(err, resp.Trailer())
	}
	err = c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(ex *sonde.Exchange) error {
		if ex.Trailer().Len() != 0 {
			t.Error("trailers before the body's end")
		}
		io.Copy(io.Discard, ex.Body)
		if ex.Trailer().Get("X-Sum") != "42" {
			t.Error("trailers", ex.Trailer())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatusError(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.serve("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-Why: gone\r\n\r\nsorry")
	})
	c := newClient(t, sonde.Config{})
	check := func(err error) {
		t.Helper()
		var s *sonde.StatusError
		if !errors.As(err, &s) || s.Status != 404 || string(s.Body) != "sorry" || s.Truncated || s.Header.Get("x-why") != "gone" {
			t.Fatalf("%v, %+v", err, s)
		}
		if strings.Contains(err.Error(), "sorry") {
			t.Fatal("the text shows the body:", err)
		}
	}
	_, err := c.Get(background, p.url())
	check(err)
	_, err = c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
	check(err)
	check(c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(*sonde.Exchange) error { t.Error("called"); return nil }))
	var resp sonde.Response
	check(c.DoInto(background, sonde.NewRequest(sonde.GET, p.url()), &resp))
	r, err := c.Get(background, p.url(), sonde.WithAccept(404))
	if err != nil || string(r.Body) != "sorry" {
		t.Fatal(err)
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestStreamLeftOver: a small known rest is drained, anything else ends the
// connection, and says so.
func TestStreamLeftOver(t *testing.T) {
	for _, tt := range []struct {
		name, head string
		size       int
		kept       bool
	}{
		{"small", "Content-Length: 10000\r\n", 10000, true},
		{"large", "Content-Length: 1000000\r\n", 1000000, false},
		{"event stream", "Content-Length: 10000\r\nContent-Type: text/event-stream\r\n", 100, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, func(c *peerConn) {
				c.serve("HTTP/1.1 200 OK\r\n" + tt.head + "\r\n" + strings.Repeat("x", tt.size))
			})
			c := newClient(t, sonde.Config{})
			err := c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(ex *sonde.Exchange) error {
				_, err := ex.Body.Read(make([]byte, 10))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			s := c.Pool().Stats()
			if kept := s.Idle == 1; kept != tt.kept {
				t.Errorf("kept %v; reasons %v", kept, s.Reasons.Map())
			}
			if !tt.kept && s.Reasons[trace.BodyNotDrained] != 1 {
				t.Errorf("reasons %v", s.Reasons.Map())
			}
		})
	}
}

func TestStreamPanicAndError(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	c := newClient(t, sonde.Config{})
	mine := errors.New("mine")
	if err := c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(*sonde.Exchange) error { return mine }); err != mine {
		t.Error("error", err)
	}
	func() {
		defer func() {
			if recover() != "mine" {
				t.Error("the panic was lost")
			}
		}()
		c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(*sonde.Exchange) error { panic("mine") })
	}()
	if s := c.Pool().Stats(); s.Active != 0 || s.Reasons[trace.CallbackPanicked] != 1 {
		t.Errorf("%+v %v", s, s.Reasons.Map())
	}
	mustGet(t, c, p.url(), "ok")
}

// TestDropped: an Exchange that nobody closes is noticed.
func TestDropped(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
		c.gone()
	})
	c := newClient(t, sonde.Config{})
	func() {
		ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
		if err != nil {
			t.Fatal(err)
		}
		ex.Body.Read(make([]byte, 4))
	}()
	noticed(t, c)
}

// noticed waits until the collector has found the one exchange that was dropped.
func noticed(t *testing.T, c *sonde.Client) {
	t.Helper()
	for range 200 {
		runtime.GC()
		if s := c.Pool().Stats(); s.Reasons[trace.Dropped] == 1 && s.Active == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("not noticed")
}

// TestKeptBody: whoever keeps ex.Body keeps the exchange.
func TestKeptBody(t *testing.T) {
	more := make(chan struct{})
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nso")
		<-more
		c.say("me")
		c.gone()
	})
	c := newClient(t, sonde.Config{})
	body := func() io.ReadCloser {
		ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
		if err != nil {
			t.Fatal(err)
		}
		return ex.Body
	}()
	for range 5 {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	close(more)
	if b, err := io.ReadAll(body); err != nil || string(b) != "some" {
		t.Fatalf("%q, %v", b, err)
	}
	if s := c.Pool().Stats(); s.Idle != 1 {
		t.Errorf("%+v", s)
	}
}

// TestCloseWhileReading: Close from another goroutine ends a Read that waits.
func TestCloseWhileReading(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nso")
		c.gone()
	})
	c := newClient(t, sonde.Config{})
	ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { ex.Close() })
	within(t, 5*time.Second, func() {
		if _, err := io.ReadAll(ex.Body); err == nil {
			t.Error("no error")
		}
	})
	if _, err := ex.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Error("Read after Close:", err)
	}
}

func TestUpgrade(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi ")
		io.Copy(c, c.r)
		c.say(" bye")
	})
	c := newClient(t, sonde.Config{})
	ctx, cancel := context.WithCancel(background)
	ex, err := c.Open(ctx, sonde.NewRequest(sonde.GET, p.url(),
		sonde.WithHeader("Connection", "upgrade"), sonde.WithHeader("Upgrade", "echo")))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ex.Upgrade()
	if err != nil {
		t.Fatal(err)
	}
	cancel() // has no more to do with it
	defer conn.Close()
	io.WriteString(conn, "there")
	conn.CloseWrite()
	if b, err := io.ReadAll(conn); err != nil || string(b) != "hi there bye" {
		t.Fatalf("%q, %v", b, err)
	}
	if s := c.Pool().Stats(); s.Active != 0 || s.Reasons[trace.Upgraded] != 1 {
		t.Errorf("%+v %v", s, s.Reasons.Map())
	}
}

// TestInformational: 1xx responses are surfaced, and the callback can abort.
func TestInformational(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.serve("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + okAnswer)
	})
	var hints []string
	c := newClient(t, sonde.Config{Informational: func(h *sonde.Head) error {
		hints = append(hints, h.Status.String()+" "+h.Header.Get("Link"))
		return nil
	}})
	mustGet(t, c, p.url(), "ok")
	if len(hints) != 1 || hints[0] != "103 Early Hints </style.css>" {
		t.Errorf("%q", hints)
	}
	mine := errors.New("mine")
	_, err := c.Get(background, p.url(), sonde.WithInformational(func(*sonde.Head) error { return mine }))
	if !errors.Is(err, mine) {
		t.Error(err)
	}
	mustGet(t, c, p.url(), "ok")
}

// TestBodyLimit: Do refuses a body over the limit, whether declared or not.
func TestBodyLimit(t *testing.T) {
	for _, head := range []string{"Content-Length: 1000\r\n", "Connection: close\r\n"} {
		p := newPeer(t, func(c *peerConn) {
			c.head()
			c.say("HTTP/1.1 200 OK\r\n" + head + "\r\n" + strings.Repeat("x", 1000))
		})
		c := newClient(t, sonde.Config{Limits: sonde.Limits{Body: 999}})
		if _, err := c.Get(background, p.url()); !errors.Is(err, sonde.ErrTooLarge) {
			t.Error(err)
		}
		if r, err := c.Get(background, p.url(), sonde.WithLimits(sonde.Limits{Body: 1000})); err != nil || len(r.Body) != 1000 {
			t.Error(err)
		}
	}
}

// TestMiddleware: a middleware sees the request and may answer by itself.
func TestMiddleware(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	var order []string
	wrap := func(name string) sonde.Middleware {
		return func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
				order = append(order, name)
				return next(ctx, r)
			}
		}
	}
	answer := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
			if strings.HasSuffix(r.URL(), "/mock") {
				return sonde.NewExchange(sonde.Head{Status: 200}, strings.NewReader("mocked")), nil
			}
			return next(ctx, r)
		}
	}
	c := newClient(t, sonde.Config{Middleware: []sonde.Middleware{wrap("a"), wrap("b"), answer}})
	mustGet(t, c, p.url(), "ok")
	mustGet(t, c, p.url()+"/mock", "mocked")
	if strings.Join(order, "") != "abab" {
		t.Error(order)
	}
}

func TestRequestErrors(t *testing.T) {
	c := newClient(t, sonde.Config{})
	var nilClient *sonde.Client
	for _, tt := range []struct {
		name string
		f    func() error
	}{
		{"nil request", func() error { _, err := c.Do(background, nil); return err }},
		{"zero request", func() error { _, err := c.Do(background, &sonde.Request{}); return err }},
		{"nil context", func() error { _, err := c.Do(nil, sonde.NewRequest(sonde.GET, "http://a/")); return err }}, //lint:ignore SA1012 the test's point
		{"nil client", func() error { _, err := nilClient.Get(background, "http://a/"); return err }},
		{"zero client", func() error { _, err := new(sonde.Client).Get(background, "http://a/"); return err }},
		{"no host", func() error { _, err := c.Get(background, "http:///x"); return err }},
		{"no scheme", func() error { _, err := c.Get(background, "example.com/x"); return err }},
		{"scheme", func() error { _, err := c.Get(background, "gopher://a/"); return err }},
		{"port", func() error { _, err := c.Get(background, "http://a:70000/"); return err }},
		{"control byte", func() error { _, err := c.Get(background, "http://a/\r\nX: y"); return err }},
		{"method", func() error { _, err := c.Do(background, sonde.NewRequest("GE T", "http://a/")); return err }},
		{"field name", func() error { _, err := c.Get(background, "http://a/", sonde.WithHeader("A b", "c")); return err }},
		{"field value", func() error { _, err := c.Get(background, "http://a/", sonde.WithHeader("A", "b\nc")); return err }},
		{"two lengths", func() error {
			_, err := c.Post(background, "http://a/", sonde.Text("abc"), sonde.WithHeader("Content-Length", "4"))
			return err
		}},
		{"zero option", func() error { _, err := c.Get(background, "http://a/", sonde.Option{}); return err }},
	} {
		err := tt.f()
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpRequest {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	_, err := c.Get(background, "http://user:secret@127.0.0.1:1/")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	_ = http.MethodGet
}

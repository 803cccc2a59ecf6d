package sonde_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
)

// wire sends one request built by build and returns the bytes that arrived, up to
// the end of its body as net/http's server side reads it.
func wire(t *testing.T, build func(url string) *sonde.Request) (string, error) {
	t.Helper()
	got := make(chan string, 1)
	p := newPeer(t, func(c *peerConn) {
		var raw bytes.Buffer
		c.r = bufio.NewReader(io.TeeReader(c.Conn, &raw))
		_, _, err := c.request()
		if err != nil {
			got <- raw.String() + " !" + err.Error()
			return
		}
		time.Sleep(20 * time.Millisecond) // for bytes that should not come
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		io.Copy(io.Discard, c.r)
		got <- raw.String()
		c.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	})
	c := newClient(t, sonde.Config{UserAgent: "-", NoDecoding: true, Timeouts: sonde.Timeouts{Call: 10 * time.Second}})
	_, err := c.Do(background, build(p.url()))
	select {
	case s := <-got:
		return strings.ReplaceAll(s, p.ln.Addr().String(), "HOST"), err
	default:
		return "", err
	}
}

// TestAttackWire: what leaves for requests with fields of the codec set by hand,
// bodies of every kind, trailers and exact heads.
func TestAttackWire(t *testing.T) {
	trailer := sonde.WithTrailer(func() (sonde.Header, error) {
		var h sonde.Header
		err := h.Add("X-Sum", "7")
		return h, err
	}, "X-Sum")
	bad := sonde.WithTrailer(func() (sonde.Header, error) {
		var h sonde.Header
		err := h.Add("Content-Length", "7")
		return h, err
	}, "X-Sum")
	exact := func(lines ...string) sonde.Option {
		var h sonde.Header
		for _, l := range lines {
			name, value, _ := strings.Cut(l, ": ")
			if err := h.Add(name, value); err != nil {
				t.Fatal(err)
			}
		}
		return sonde.WithExactHeader(h)
	}
	large := strings.Repeat("x", 40<<10)
	for _, tt := range []struct {
		name   string
		method sonde.Method
		opts   []sonde.Option
		want   string // "" : an error
	}{
		{"trailer after bytes", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), trailer},
			"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n"},
		{"trailer after many bytes", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte(large))), trailer},
			"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\na000\r\n" + large + "\r\n0\r\nX-Sum: 7\r\n\r\n"},
		{"trailer after a reader", "POST", []sonde.Option{sonde.WithBody(sonde.Reader(io.MultiReader(strings.NewReader("abc")), -1)), trailer},
			"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n"},
		{"trailer that must not be one", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), bad}, ""},
		{"chunked by hand", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), sonde.WithHeader("Transfer-Encoding", "chunked")},
			"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"chunked by hand, empty bytes", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes(nil)), sonde.WithHeader("Transfer-Encoding", "chunked")},
			"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"chunked by hand, a seeker of known length", "PUT", []sonde.Option{sonde.WithBody(sonde.Reader(strings.NewReader("abc"), -1)), sonde.WithHeader("Transfer-Encoding", "chunked")},
			"PUT / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"length by hand", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), sonde.WithHeader("content-length", "3")},
			"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc"},
		{"length of a reader by hand", "POST", []sonde.Option{sonde.WithBody(sonde.Reader(io.MultiReader(strings.NewReader("abc")), -1)), sonde.WithHeader("content-length", "3")},
			"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc"},
		{"another coding by hand", "POST", []sonde.Option{sonde.WithBody(sonde.Text("a")), sonde.WithHeader("Transfer-Encoding", "gzip, chunked")}, ""},
		{"both by hand", "POST", []sonde.Option{sonde.WithBody(sonde.Text("a")), sonde.WithHeader("Transfer-Encoding", "chunked"), sonde.WithHeader("Content-Length", "1")}, ""},
		{"two lengths by hand", "POST", []sonde.Option{sonde.WithBody(sonde.Text("a")), sonde.WithHeader("Content-Length", "1"), sonde.WithAddedHeader("Content-Length", "2")}, ""},
		{"host by hand", "GET", []sonde.Option{sonde.WithHeader("HOST", "other.example")},
			"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n"},
		{"two hosts", "GET", []sonde.Option{sonde.WithHeader("Host", "a"), sonde.WithAddedHeader("host", "b")}, ""},
		{"a host with a user", "GET", []sonde.Option{sonde.WithHost("u@a")}, ""},
		{"a host with a path", "GET", []sonde.Option{sonde.WithHost("a/b")}, ""},
		{"an international host", "GET", []sonde.Option{sonde.WithHost("bücher.example:81")},
			"GET / HTTP/1.1\r\nHost: xn--bcher-kva.example:81\r\n\r\n"},
		{"a host with a zone", "GET", []sonde.Option{sonde.WithHost("[fe80::1%25eth0]:81")},
			"GET / HTTP/1.1\r\nHost: [fe80::1]:81\r\n\r\n"},
		{"expect by hand is not sent twice", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), sonde.WithHeader("expect", "100-Continue"), sonde.WithTimeouts(sonde.Timeouts{Continue: time.Millisecond})},
			"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"},
		// RFC 9110 §10.1.1: no expectation without content.
		{"expect without content", "POST", []sonde.Option{sonde.WithExpectContinue()},
			"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n"},
		{"expect, bytes of none", "PUT", []sonde.Option{sonde.WithBody(sonde.Bytes(nil)), sonde.WithExpectContinue()},
			"PUT / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n"},
		{"another expectation", "POST", []sonde.Option{sonde.WithBody(sonde.Text("a")), sonde.WithHeader("Expect", "x")}, ""},
		{"empty user agent", "GET", []sonde.Option{sonde.WithHeader("User-Agent", "")}, "GET / HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"one shot", "GET", []sonde.Option{sonde.WithOneShot()}, "GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"},
		{"close by hand", "GET", []sonde.Option{sonde.WithHeader("connection", "Close")}, "GET / HTTP/1.1\r\nHost: HOST\r\nconnection: Close\r\n\r\n"},
		{"asterisk", "OPTIONS", []sonde.Option{sonde.WithTarget("*")}, "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"query in its order", "GET", []sonde.Option{sonde.WithQuery("z", "1 2"), sonde.WithQuery("a", "&\r\n"), sonde.WithQuery("z", "ü")},
			"GET /?z=1+2&a=%26%0D%0A&z=%C3%BC HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"exact, with its own Host and length", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))),
			exact("a: 1", "content-length: 3", "B: 2", "host: first.example", "A: 3")},
			"POST / HTTP/1.1\r\na: 1\r\ncontent-length: 3\r\nB: 2\r\nhost: first.example\r\nA: 3\r\n\r\nabc"},
		{"exact, chunked", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))),
			exact("host: h", "transfer-encoding: chunked", "b: 2")},
			"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nb: 2\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"exact, expect", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))),
			exact("expect: 100-continue", "host: h", "b: 2"), sonde.WithTimeouts(sonde.Timeouts{Continue: time.Millisecond})},
			"POST / HTTP/1.1\r\nexpect: 100-continue\r\nhost: h\r\nb: 2\r\nContent-Length: 3\r\n\r\nabc"},
		{"exact, nothing", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), exact()},
			"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc"},
		{"exact, wrong length", "POST", []sonde.Option{sonde.WithBody(sonde.Bytes([]byte("abc"))), exact("Content-Length: 4")}, ""},
		{"exact, then another host", "GET", []sonde.Option{exact("host: h", "b: 2"), sonde.WithHost("other")},
			"GET / HTTP/1.1\r\nhost: other\r\nb: 2\r\n\r\n"},
		{"a trace with a body", "TRACE", []sonde.Option{sonde.WithBody(sonde.Text("a"))}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire(t, func(url string) *sonde.Request { return sonde.NewRequest(tt.method, url, tt.opts...) })
			switch {
			case tt.want == "" && err == nil:
				t.Errorf("no error; sent %.300q", got)
			case tt.want != "" && (err != nil || got != tt.want):
				t.Errorf("%v\nsent %.300q\nwant %.300q", err, got, tt.want)
			}
		})
	}
}

// closeCounter is a body that can be read once; it counts its closes.
type closeCounter struct {
	io.Reader
	closes atomic.Int32
}

func (c *closeCounter) Close() error {
	c.closes.Add(1)
	if r, ok := c.Reader.(io.Closer); ok {
		r.Close()
	}
	return nil
}

// TestAttackBodyClosedOnce: a body is closed exactly once on every path.
func TestAttackBodyClosedOnce(t *testing.T) {
	answer := func(s string) func(*peerConn) {
		return func(c *peerConn) {
			c.request()
			c.say(s)
			c.gone()
		}
	}
	early := func(s string) func(*peerConn) {
		return func(c *peerConn) {
			c.head()
			c.say(s)
			c.gone()
		}
	}
	slow := func() io.Reader { r, _ := io.Pipe(); return r }
	refuse := func(next sonde.Handler) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) { return nil, errMine }
	}
	mock := func(next sonde.Handler) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
			return sonde.NewExchange(sonde.Head{Status: 200}, nil), nil
		}
	}
	canceled, cancel := context.WithCancel(background)
	cancel()
	for _, tt := range []struct {
		name   string
		hang   func(*peerConn)
		cfg    sonde.Config
		body   io.Reader
		size   int64
		opts   []sonde.Option
		ctx    context.Context
		url    string
		fails  bool
		closed bool // the client is closed before
	}{
		{name: "answered", hang: answer(okAnswer)},
		{name: "early answer, body blocks", hang: early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"), body: slow(), fails: true},
		{name: "server closes", hang: func(c *peerConn) { c.head() }, body: slow(), fails: true},
		{name: "bad url", url: "http://a b/", fails: true},
		{name: "bad scheme", url: "gopher://a/", fails: true},
		{name: "bad option", opts: []sonde.Option{sonde.WithHeader("a b", "c")}, fails: true},
		{name: "canceled before", ctx: canceled, fails: true},
		{name: "client closed", closed: true, fails: true},
		{name: "connection refused", url: "http://127.0.0.1:1/", fails: true},
		{name: "expect refused", hang: early("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"), opts: []sonde.Option{sonde.WithExpectContinue()}, fails: true},
		{name: "expect, final at once", hang: early(okAnswer), opts: []sonde.Option{sonde.WithExpectContinue()}},
		{name: "expect, 100", hang: func(c *peerConn) { c.head(); c.say("HTTP/1.1 100 Continue\r\n\r\n"); c.say(okAnswer); c.gone() }, opts: []sonde.Option{sonde.WithExpectContinue()}},
		{name: "expect, closes", hang: func(c *peerConn) { c.head() }, opts: []sonde.Option{sonde.WithExpectContinue()}, fails: true},
		{name: "expect, 103 aborts", hang: early("HTTP/1.1 103 Early Hints\r\n\r\n"),
			opts: []sonde.Option{sonde.WithExpectContinue(), sonde.WithInformational(func(*sonde.Head) error { return errMine })}, fails: true},
		{name: "middleware refuses", cfg: sonde.Config{Middleware: []sonde.Middleware{refuse}}, fails: true},
		{name: "middleware answers", cfg: sonde.Config{Middleware: []sonde.Middleware{mock}}},
		{name: "queue", hang: answer(""), opts: []sonde.Option{sonde.WithTimeouts(sonde.Timeouts{Queue: 20 * time.Millisecond})}, fails: true,
			cfg: sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 1}}},
		{name: "shorter than declared", hang: answer(okAnswer), size: 100, fails: true},
		{name: "longer than declared", hang: answer(okAnswer), size: 2, fails: true},
		{name: "timeout", hang: answer(""), opts: []sonde.Option{sonde.WithTimeout(30 * time.Millisecond)}, fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hang := tt.hang
			if hang == nil {
				hang = func(c *peerConn) { c.serve(okAnswer) }
			}
			p := newPeer(t, hang)
			c := newClient(t, tt.cfg)
			url, ctx, size := p.url(), tt.ctx, tt.size
			if tt.url != "" {
				url = tt.url
			}
			if ctx == nil {
				ctx = background
			}
			if size == 0 {
				size = -1
			}
			if tt.name == "queue" {
				held, cancel := context.WithCancel(background)
				defer cancel()
				go c.Get(held, url)
				for c.Pool().Stats().Active == 0 {
					time.Sleep(time.Millisecond)
				}
			}
			if tt.closed {
				c.Close()
			}
			body := &closeCounter{Reader: tt.body}
			if body.Reader == nil {
				body.Reader = io.MultiReader(strings.NewReader("abc"))
			}
			within(t, 20*time.Second, func() {
				resp, err := c.Post(ctx, url, sonde.Reader(body, size), tt.opts...)
				if (err != nil) != tt.fails || (err != nil) == (resp != nil) {
					t.Errorf("%v, %v", resp, err)
				}
			})
			for range 500 { // its goroutine may be a moment behind
				if body.closes.Load() > 0 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(10 * time.Millisecond)
			if n := body.closes.Load(); n != 1 {
				t.Errorf("closed %d times", n)
			}
		})
	}
}

// TestAttackBodyLength: a body longer than declared never reaches the server as a
// whole request, however fast that answers.
func TestAttackBodyLength(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			if _, _, err := c.request(); err != nil {
				return
			}
			c.say(okAnswer)
		}
	})
	c := newClient(t, sonde.Config{})
	for i := range 50 {
		resp, err := c.Post(background, p.url(), sonde.Reader(io.MultiReader(strings.NewReader("abcdef")), 3))
		if err == nil {
			t.Fatalf("round %d: %v", i, resp.Status)
		}
	}
	mustGet(t, c, p.url(), "ok")
}

// TestAttackSharedRequest: one Request, sent from many goroutines.
func TestAttackSharedRequest(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			_, body, err := c.request()
			if err != nil {
				return
			}
			c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		}
	})
	path := filepath.Join(t.TempDir(), "body")
	want := strings.Repeat("file", 50_000)
	if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 8}})
	other := newClient(t, sonde.Config{})
	for _, tt := range []struct {
		name string
		body sonde.Body
		want string
	}{
		{"bytes", sonde.Text("some"), "some"},
		{"file", sonde.File(path), want},
		{"func", sonde.Func(-1, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("func")), nil }), "func"},
	} {
		req := sonde.NewRequest(sonde.PUT, p.url(), sonde.WithBody(tt.body))
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for range 5 {
					client := c
					if i%4 == 0 {
						client = other
					}
					r, err := client.Do(background, req)
					if err != nil || string(r.Body) != tt.want {
						t.Errorf("%s: %v", tt.name, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestAttackTarget: what a target set by hand holds is in no error, and CONNECT
// does not spoil the URL.
func TestAttackTarget(t *testing.T) {
	c := newClient(t, sonde.Config{})
	for _, tt := range []struct {
		name string
		req  *sonde.Request
		url  string
	}{
		{"absolute-form", sonde.NewRequest(sonde.GET, "http://127.0.0.1:1/a", sonde.WithTarget("http://user:secret@h/")), "http://127.0.0.1:1/a"},
		{"asterisk", sonde.NewRequest(sonde.OPTIONS, "http://127.0.0.1:1/", sonde.WithTarget("*")), "http://127.0.0.1:1/"},
		{"CONNECT", sonde.NewRequest(sonde.CONNECT, "http://127.0.0.1:1"), "http://127.0.0.1:1/"},
		{"user", sonde.NewRequest(sonde.GET, "http://user:secret@127.0.0.1:1/a"), "http://***@127.0.0.1:1/a"},
	} {
		_, err := c.Do(background, tt.req)
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpConnect || e.URL != tt.url || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

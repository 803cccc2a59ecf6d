package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// calledHooks notes the hooks that were called, in order.
type calledHooks struct {
	mu  sync.Mutex
	all []string
}

func (c *calledHooks) add(format string, args ...any) {
	c.mu.Lock()
	c.all = append(c.all, fmt.Sprintf(format, args...))
	c.mu.Unlock()
}

func (c *calledHooks) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func (c *calledHooks) clientTrace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(hp string) { c.add("GetConn") },
		GotConn: func(i httptrace.GotConnInfo) {
			c.add("GotConn reused=%v idle=%v conn=%v", i.Reused, i.WasIdle, i.Conn != nil)
		},
		PutIdleConn:          func(err error) { c.add("PutIdleConn kept=%v", err == nil) },
		GotFirstResponseByte: func() { c.add("GotFirstResponseByte") },
		Got100Continue:       func() { c.add("Got100Continue") },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			c.add("Got1xxResponse %d %s", code, h.Get("Link"))
			return nil
		},
		DNSStart:          func(i httptrace.DNSStartInfo) { c.add("DNSStart %s", i.Host) },
		DNSDone:           func(i httptrace.DNSDoneInfo) { c.add("DNSDone %v", i.Err) },
		ConnectStart:      func(network, addr string) { c.add("ConnectStart %s", network) },
		ConnectDone:       func(network, addr string, err error) { c.add("ConnectDone %s %v", network, err) },
		TLSHandshakeStart: func() { c.add("TLSHandshakeStart") },
		TLSHandshakeDone:  func(s tls.ConnectionState, err error) { c.add("TLSHandshakeDone %v", s.HandshakeComplete) },
		WroteHeaderField:  func(k string, v []string) { c.add("WroteHeaderField %s", k) },
		WroteHeaders:      func() { c.add("WroteHeaders") },
		Wait100Continue:   func() { c.add("Wait100Continue") },
		WroteRequest:      func(i httptrace.WroteRequestInfo) { c.add("WroteRequest %v", i.Err) },
	}
}

// TestHooksAsNetHTTP: the same hooks over net/http and over sonde are called in
// the same order. Two differences are named: net/http's Accept-Encoding, which
// sonde does not send, and PutIdleConn, which net/http calls on its own
// goroutine, sometimes after the next request's start.
func TestHooksAsNetHTTP(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hints" {
			w.Header().Set("Link", "</x>")
			w.WriteHeader(103)
			w.Header().Del("Link")
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "hello")
	})
	for _, secure := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(handler)
		if secure {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		defer srv.Close()
		config := &tls.Config{InsecureSkipVerify: true}
		tr := &http.Transport{TLSClientConfig: config}
		defer tr.CloseIdleConnections()
		c := newClient(t, sonde.Config{TLS: config, UserAgent: "Go-http-client/1.1"})
		for _, step := range []struct{ method, path, body, expect string }{
			{"GET", "/first", "", ""},
			{"GET", "/reused", "", ""},
			{"GET", "/hints", "", ""},
			{"POST", "/body", "some body", ""},
			{"POST", "/continue", "some body", "100-continue"},
		} {
			var mine, theirs calledHooks
			req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(background, theirs.clientTrace()), step.method, srv.URL+step.path, strings.NewReader(step.body))
			if step.body == "" {
				req.Body, req.ContentLength = nil, 0
			}
			opts := []sonde.Option{}
			if step.body != "" {
				opts = append(opts, sonde.WithBody(sonde.Bytes([]byte(step.body))))
			}
			if step.expect != "" {
				req.Header.Set("Expect", step.expect)
				opts = append(opts, sonde.WithExpectContinue())
			}
			resp, err := (&http.Client{Transport: tr}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			ctx := httptrace.WithClientTrace(background, mine.clientTrace())
			if _, err := c.Do(ctx, sonde.NewRequest(sonde.Method(step.method), srv.URL+step.path, opts...)); err != nil {
				t.Fatal(err)
			}
			want, got := plainHooks(&theirs, t), plainHooks(&mine, t)
			if !slices.Equal(want, got) {
				t.Errorf("tls %v, %s %s:\nnet/http %s\nsonde    %s", secure, step.method, step.path,
					strings.Join(want, "\n         "), strings.Join(got, "\n         "))
			}
		}
	}
}

// plainHooks are the hooks called, with those apart whose order is open: the
// request's end beside the response's begin, and when a connection is put back.
func plainHooks(c *calledHooks, t *testing.T) []string {
	for range 100 {
		c.mu.Lock()
		put := slices.ContainsFunc(c.all, func(s string) bool { return strings.HasPrefix(s, "PutIdleConn") })
		c.mu.Unlock()
		if put {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	var steps, late []string
	for _, s := range c.take() {
		switch {
		case s == "WroteHeaderField Accept-Encoding":
		case strings.HasPrefix(s, "WroteRequest"), s == "Wait100Continue", strings.HasPrefix(s, "PutIdleConn"):
			late = append(late, s)
		default:
			steps = append(steps, s)
		}
	}
	slices.Sort(late)
	return append(steps, late...)
}

// TestHooksCompose: the newest hooks come first, and an error of any of them ends
// the call.
func TestHooksCompose(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve("HTTP/1.1 103 Early Hints\r\n\r\n" + okAnswer) })
	c := newClient(t, sonde.Config{})
	var order []string
	named := func(ctx context.Context, name string, err error) context.Context {
		return trace.With(ctx, &trace.Hooks{
			GetConn:        func(string) { order = append(order, name) },
			Got1xxResponse: func(int, textproto.MIMEHeader) error { order = append(order, name+" 1xx"); return err },
		})
	}
	older, newer := errors.New("older"), errors.New("newer")
	for _, tt := range []struct{ old, new, want error }{
		{nil, nil, nil}, {older, nil, older}, {nil, newer, newer}, {older, newer, newer},
	} {
		order = nil
		ctx := named(named(background, "a", tt.old), "b", tt.new)
		_, err := c.Get(ctx, p.url())
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%v: error %v", tt, err)
		}
		if !slices.Equal(order, []string{"b", "a", "b 1xx", "a 1xx"}) {
			t.Errorf("order %q", order)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("nil hooks were taken")
		}
	}()
	trace.With(background, nil)
}

// TestOwnHooks: the hooks that httptrace lacks, over a call that is sent again.
func TestOwnHooks(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		if c.n == 1 {
			c.head()
			c.say(okAnswer)
			c.head()
			return
		}
		c.serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	})
	c := newClient(t, sonde.Config{})
	var calls calledHooks
	events := 0
	ctx := trace.With(background, &trace.Hooks{
		Event:           func(trace.Event) { events++ },
		ConnOpened:      func(why trace.Reason) { calls.add("ConnOpened %v", why) },
		ConnClosed:      func(why trace.Reason) { calls.add("ConnClosed %v", why) },
		GotResponseHead: func(status int) { calls.add("GotResponseHead %d", status) },
		BodyDone:        func(n int64, err error) { calls.add("BodyDone %d %v", n, err) },
		Retry:           func(attempt int, err error) { calls.add("Retry %d %v", attempt, errors.Is(err, io.EOF)) },
	})
	for range 2 {
		if _, err := c.Get(ctx, p.url()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"ConnOpened first to this route", "GotResponseHead 200", "BodyDone 2 <nil>",
		"ConnClosed server closed it during an exchange", "Retry 1 true",
		"ConnOpened retry after a dead connection", "GotResponseHead 200", "BodyDone 2 <nil>",
		"ConnClosed server asked: Connection: close",
	}
	if got := calls.take(); !slices.Equal(got, want) || events < 30 {
		t.Errorf("%d events, hooks\n%s", events, strings.Join(got, "\n"))
	}
}

package sonde_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sonde"
	"sonde/trace"
)

// shouting is a middleware that changes the body of each response.
func shouting(next sonde.Handler) sonde.Handler {
	return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		ex, err := next(ctx, req)
		if err != nil {
			return nil, err
		}
		return ex.WithBody(upper{ex.Body}), nil
	}
}

type upper struct{ io.Reader }

func (u upper) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

// TestWithBody: an exchange with another body keeps what is known of the call, as
// a middleware of calls and as one of attempts; and its end is the connection's.
func TestWithBody(t *testing.T) {
	for name, cfg := range map[string]sonde.Config{
		"call":    {Middleware: []sonde.Middleware{shouting}},
		"attempt": {AttemptMiddleware: []sonde.Middleware{shouting}},
		"both":    {Middleware: []sonde.Middleware{shouting}, AttemptMiddleware: []sonde.Middleware{shouting}},
	} {
		p := newPeer(t, func(c *peerConn) {
			c.serve("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 7\r\n\r\n")
		})
		c := newClient(t, cfg)
		for i := range 2 {
			resp, err := c.Get(background, p.url()+"/x")
			if err != nil {
				t.Fatal(name, err)
			}
			info, tm := resp.ConnInfo(), resp.Timing()
			if string(resp.Body) != "HELLO" || resp.Trailer().Get("Sum") != "7" || resp.URL() != p.url()+"/x" {
				t.Errorf("%s: %q, trailer %v, from %s", name, resp.Body, resp.Trailer(), resp.URL())
			}
			if info.ID == 0 || !info.Remote.IsValid() || info.Reused != (i == 1) || tm.FirstByte <= 0 || tm.Total < tm.FirstByte {
				t.Errorf("%s: connection %+v, timing %+v", name, info, tm)
			}
		}
	}
}

// TestWithBodyClosed: closing it closes both, and the connection is not lost to the
// pool where little was left.
func TestWithBodyClosed(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	c := newClient(t, sonde.Config{Middleware: []sonde.Middleware{shouting}})
	for i := range 2 {
		ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url()))
		if err != nil {
			t.Fatal(err)
		}
		if reused := ex.ConnInfo().Reused; reused != (i == 1) {
			t.Errorf("call %d: reused %v", i, reused)
		}
		ex.Close()
		if _, err := ex.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("reading after Close: %v", err)
		}
	}
	if text := (&sonde.Error{Op: sonde.OpTLS, Err: errText("tls: bad")}).Error(); strings.Count(text, "tls") != 1 {
		t.Error(text)
	}
}

type errText string

func (e errText) Error() string { return string(e) }

// A middleware that changes bodies keeps what is known of the connection.
func ExampleExchange_WithBody() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	defer stop()
	c, _ := sonde.New(sonde.Config{Middleware: []sonde.Middleware{shouting}})
	defer c.Close()

	resp, err := c.Get(context.Background(), base)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body), resp.ConnInfo().Why)
	// Output: HELLO first to this route
}

// TestRingWithoutFields: a client tells a ring no fields, which costs it most, but
// the line of the head; and the events of a call keep their order in time.
func TestRingWithoutFields(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	ring := trace.NewRing(100)
	c := newClient(t, sonde.Config{Sink: ring})
	for range 3 {
		if _, err := c.Get(background, p.url()+"/x"); err != nil {
			t.Fatal(err)
		}
	}
	var line string
	events := ring.Events()
	for i, e := range events {
		if e.Kind == trace.FieldWritten {
			t.Error(e.Name())
		}
		if e.Kind == trace.HeadWritten {
			line = e.Value()
		}
		if i > 0 && e.Time.Before(events[i-1].Time) {
			t.Errorf("%v before %v", e.Kind, events[i-1].Kind)
		}
	}
	if line != "GET /x HTTP/1.1" {
		t.Errorf("line %q", line)
	}
}

package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sonde"
)

// script is a client whose answers are functions, one after the other; after the
// last one it says 204. It notes what it was asked, and when.
type script struct {
	answers []func(*sonde.Request) (*sonde.Exchange, error)
	asked   []string // Last-Event-ID of each request
	at      []time.Duration
	begun   time.Time
	accept  string
}

func (s *script) client(t *testing.T) *sonde.Client {
	s.begun = time.Now()
	answer := func(sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			s.asked = append(s.asked, req.Header().Get("Last-Event-ID"))
			s.at = append(s.at, time.Since(s.begun).Round(time.Millisecond))
			s.accept = req.Header().Get("Accept") + "; " + req.Header().Get("Cache-Control")
			if n := len(s.asked); n <= len(s.answers) {
				return s.answers[n-1](req)
			}
			return sonde.NewExchange(sonde.Head{Status: 204}, nil), nil
		}
	}
	c, err := sonde.New(sonde.Config{Middleware: []sonde.Middleware{answer}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func stream(body string) func(*sonde.Request) (*sonde.Exchange, error) {
	return func(*sonde.Request) (*sonde.Exchange, error) {
		return respond(200, "text/event-stream; charset=utf-8", strings.NewReader(body)), nil
	}
}

func status(s sonde.Status) func(*sonde.Request) (*sonde.Exchange, error) {
	return func(*sonde.Request) (*sonde.Exchange, error) { return respond(s, "text/plain", nil), nil }
}

func fail(err error) func(*sonde.Request) (*sonde.Exchange, error) {
	return func(*sonde.Request) (*sonde.Exchange, error) { return nil, err }
}

func respond(s sonde.Status, contentType string, body io.Reader) *sonde.Exchange {
	var h sonde.Header
	h.Set("Content-Type", contentType)
	return sonde.NewExchange(sonde.Head{Status: s, Header: h}, body)
}

var errBroken = errors.New("broken")

// collect runs the loop to its end.
func collect(ctx context.Context, s Source) (data string, err error) {
	for e, e2 := range s.Events(ctx) {
		if e2 != nil {
			if err != nil {
				panic("the loop went on after an error")
			}
			err = e2
			continue
		}
		data += e.Data + "/" + e.ID + " "
	}
	return data, err
}

// TestReconnect: the loop goes on from the last event, at the time that the
// server says, until 204.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script{answers: []func(*sonde.Request) (*sonde.Exchange, error){
			stream("id: 1\ndata: a\n\nid: 2\ndata: cut off"),
			stream("retry: 500\ndata: b\n\nid: 3\n\n"),
			func(*sonde.Request) (*sonde.Exchange, error) {
				return respond(200, "TEXT/EVENT-STREAM", io.MultiReader(strings.NewReader("data: c\n\n"), errReader{})), nil
			},
			stream("id\ndata: d\n\n"),
		}}
		var told []string
		data, err := collect(t.Context(), Source{
			Client: s.client(t), Request: sonde.NewRequest(sonde.GET, "http://a.example/"), LastID: "0",
			Reconnect: func(err error, wait time.Duration) { told = append(told, fmt.Sprint(err, " ", wait)) },
		})
		if err != nil || data != "a/1 b/1 c/3 d/ " {
			t.Errorf("%q %v", data, err)
		}
		if want := []string{"0", "1", "3", "3", ""}; !reflect.DeepEqual(s.asked, want) {
			t.Errorf("asked for what comes after %q, want %q", s.asked, want)
		}
		ms := time.Millisecond
		if want := []time.Duration{0, 3000 * ms, 3500 * ms, 4000 * ms, 4500 * ms}; !reflect.DeepEqual(s.at, want) {
			t.Errorf("asked at %v, want %v", s.at, want)
		}
		if want := []string{"EOF 3s", "EOF 500ms", "broken 500ms", "EOF 500ms"}; !reflect.DeepEqual(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if s.accept != "text/event-stream; no-store" {
			t.Error(s.accept)
		}
	})
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errBroken }

// TestBackoff: attempts that fail, and streams that give nothing, make the waits
// longer, up to a bound; an event makes them short again.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := stream("data: x\n\n")
		s := script{answers: []func(*sonde.Request) (*sonde.Exchange, error){
			one, fail(errBroken), status(503), status(429), stream(""), fail(errBroken), one, fail(errBroken), fail(errBroken),
		}}
		_, err := collect(t.Context(), Source{
			Client: s.client(t), Request: sonde.NewRequest(sonde.GET, "http://a.example/"), Wait: time.Second, MaxWait: 5 * time.Second,
			Failures: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, most := range []float64{1, 1, 2, 4, 5, 5, 1, 1, 2} { // after answer i
			least := most / 2
			if i == 0 || i == 6 {
				least = most
			}
			if wait := (s.at[i+1] - s.at[i]).Seconds(); wait < least-0.001 || wait > most+0.001 {
				t.Errorf("after answer %d a wait of %v s, want between %v and %v", i, wait, least, most)
			}
		}
	})
}

// TestHotLoop: a server that wants to be asked at once and says nothing is not
// asked at once.
func TestHotLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script{}
		for range 30 {
			s.answers = append(s.answers, stream("retry: 0\n\n"))
		}
		if _, err := collect(t.Context(), Source{Client: s.client(t), Request: sonde.NewRequest(sonde.GET, "http://a.example/")}); err != nil {
			t.Fatal(err)
		}
		if took := s.at[30]; took < time.Minute {
			t.Errorf("31 requests in %v", took)
		}
	})
}

// TestEnd: what ends the loop, and what the error is.
func TestEnd(t *testing.T) {
	one, errAny := stream("data: x\n\n"), errors.New("any")
	html := func(*sonde.Request) (*sonde.Exchange, error) { return respond(200, "text/html", nil), nil }
	long := stream("data: " + strings.Repeat("x", 100) + "\n\n")
	for _, c := range []struct {
		name     string
		answers  []func(*sonde.Request) (*sonde.Exchange, error)
		failures int
		asked    int
		want     error
	}{
		{"204 at first", nil, 0, 1, nil},
		{"the first attempt fails", []func(*sonde.Request) (*sonde.Exchange, error){fail(errBroken)}, 0, 1, errBroken},
		{"the first attempt has a bad status", []func(*sonde.Request) (*sonde.Exchange, error){status(503)}, 0, 1, new(sonde.StatusError)},
		{"a later one has", []func(*sonde.Request) (*sonde.Exchange, error){one, status(500)}, 0, 2, new(sonde.StatusError)},
		{"a wrong type", []func(*sonde.Request) (*sonde.Exchange, error){html}, 0, 1, ErrContentType},
		{"a wrong type later", []func(*sonde.Request) (*sonde.Exchange, error){one, html}, 0, 2, ErrContentType},
		{"a wrong status", []func(*sonde.Request) (*sonde.Exchange, error){func(*sonde.Request) (*sonde.Exchange, error) {
			return respond(206, "text/event-stream", nil), nil
		}}, 0, 1, ErrContentType},
		{"a line too long", []func(*sonde.Request) (*sonde.Exchange, error){one, long}, 0, 2, ErrTooLarge},
		{"an ID that cannot be sent", []func(*sonde.Request) (*sonde.Exchange, error){stream("id: \x01\ndata: x\n\n")}, 0, 1, errAny},
		{"closed", []func(*sonde.Request) (*sonde.Exchange, error){one, fail(sonde.ErrClosed)}, 0, 2, sonde.ErrClosed},
		{"two failures", []func(*sonde.Request) (*sonde.Exchange, error){one, fail(errBroken), fail(errBroken), fail(errBroken)}, 2, 4, errBroken},
		{"two and two", []func(*sonde.Request) (*sonde.Exchange, error){one, fail(errBroken), fail(errBroken), stream(""), fail(errBroken), fail(errBroken)}, 2, 7, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script{answers: c.answers}
				_, err := collect(t.Context(), Source{
					Client: s.client(t), Request: sonde.NewRequest(sonde.GET, "http://a.example/"), Failures: c.failures,
					Limits: Limits{Line: 50},
				})
				_, wantStatus := c.want.(*sonde.StatusError)
				_, isStatus := errors.AsType[*sonde.StatusError](err)
				if len(s.asked) != c.asked || wantStatus != isStatus ||
					!wantStatus && !errors.Is(err, c.want) && (c.want != errAny || err == nil) {
					t.Errorf("%v after %d requests, want %v after %d", err, len(s.asked), c.want, c.asked)
				}
			})
		})
	}
	t.Run("a wrong request", func(t *testing.T) {
		for _, req := range []*sonde.Request{nil, sonde.NewRequest(sonde.GET, "rubbish")} {
			if _, err := collect(t.Context(), Source{Request: req}); err == nil {
				t.Error("no error")
			}
		}
	})
}

// TestContext: the context ends a stream and a wait.
func TestContext(t *testing.T) {
	cause := errors.New("enough")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := script{answers: []func(*sonde.Request) (*sonde.Exchange, error){stream("data: x\n\n")}}
		_, err := collect(ctx, Source{
			Client: s.client(t), Request: sonde.NewRequest(sonde.GET, "http://a.example/"),
			Reconnect: func(error, time.Duration) { cancel(cause) },
		})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || time.Since(s.begun) != 0 {
			t.Error(err, time.Since(s.begun))
		}
	})

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	gone := make(chan error, 2)
	go func() {
		for range 2 {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
			_, err = io.Copy(io.Discard, c) // until the client closes
			c.Close()
			gone <- err
		}
	}()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	source := Source{Client: client, Request: sonde.NewRequest(sonde.GET, "http://"+ln.Addr().String())}
	n := 0
	for e, err := range source.Events(ctx) {
		if n++; n == 1 {
			if e.Data != "1" || err != nil {
				t.Error(e, err)
			}
			cancel(cause)
		} else if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Error(err)
		}
	}
	if n != 2 {
		t.Error(n, "rounds")
	}
	<-gone
	for range source.Events(t.Context()) {
		break // it closes the connection, too
	}
	<-gone
}

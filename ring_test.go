package sonde_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// said is the kinds of events that a Ring has, of the call that came last.
func said(r *trace.Ring) string {
	var kinds []string
	for _, e := range r.Events() {
		if e.Kind == trace.CallStart {
			kinds = nil
		}
		if e.Call != 0 {
			kinds = append(kinds, e.Kind.String())
		}
	}
	return strings.Join(kinds, " ")
}

// saidAs is said once it ends with want. The server may have a request before its
// client has come back from sending it, and said so.
func saidAs(r *trace.Ring, want string) string {
	got := said(r)
	for end := time.Now().Add(2 * time.Second); !strings.HasSuffix(got, want) && time.Now().Before(end); got = said(r) {
		runtime.Gosched()
	}
	return got
}

const untilSent = "call-start attempt-start acquire-start acquire-done head-written request-written"

// TestRingWaits: a Ring, which gets events of kept connections in batches, has all that
// happened whenever a call waits: for the response, and for who reads its body.
func TestRingWaits(t *testing.T) {
	ring := trace.NewRing(64)
	waiting := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waiting <- saidAs(ring, " request-written")
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hel")
		if r.URL.Path == "/late" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		io.WriteString(w, "lo")
	}))
	defer s.Close()
	c := newClient(t, sonde.Config{Sink: ring})
	for _, path := range []string{"/", "/late"} {
		req := sonde.NewRequest(sonde.GET, s.URL+path)
		for i := range 4 { // from the second on it has a plan, from the third on that has words
			ctx, cancel := context.WithCancel(background)
			ex, err := c.Open(ctx, req)
			if err != nil {
				t.Fatal(err)
			}
			if got := <-waiting; i > 0 && path == "/" && !strings.HasSuffix(got, untilSent) {
				t.Errorf("while the server had it: %s", got)
			}
			if got := said(ring); !strings.HasSuffix(got, "first-byte head-read") {
				t.Errorf("while the body waits: %s", got)
			}
			if path == "/" {
				io.Copy(io.Discard, ex.Body)
			}
			cancel()
			ex.Close()
		}
	}
}

// TestRingAsRecorder: batches change neither events nor their order.
func TestRingAsRecorder(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/missing":
			w.WriteHeader(404)
		case "/close":
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, "hello")
	}))
	defer s.Close()
	story := func(sink trace.Sink, events func() []trace.Event) string {
		var out strings.Builder
		text := trace.NewStableText(&out)
		c := newClient(t, sonde.Config{Sink: sink, UserAgent: "-"})
		var resp sonde.Response
		for _, path := range []string{"/", "/away", "/missing", "/close", "/"} {
			req := sonde.NewRequest(sonde.GET, s.URL+path)
			for range 4 {
				c.DoInto(background, req, &resp)
			}
		}
		for _, e := range events() {
			text.Record(e)
		}
		return out.String()
	}
	ring, rec := trace.NewRing(2000), new(trace.Recorder)
	ring.Fields = true
	if got, want := story(ring, ring.Events), story(rec, rec.Events); got != want || strings.Count(got, "call-done") != 20 {
		t.Errorf("a Ring has\n%s\na Recorder\n%s", got, want)
	}
}

// TestAttemptNumber: middleware knows which of a call's requests it sends.
func TestAttemptNumber(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}))
	defer s.Close()
	var numbers []int
	note := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			numbers = append(numbers, sonde.AttemptNumber(ctx))
			return next(ctx, req)
		}
	}
	c := newClient(t, sonde.Config{Middleware: []sonde.Middleware{note}, AttemptMiddleware: []sonde.Middleware{note}})
	if _, err := c.Get(background, s.URL+"/away"); err != nil || fmt.Sprint(numbers) != "[0 1 2]" {
		t.Error(numbers, err)
	}
}

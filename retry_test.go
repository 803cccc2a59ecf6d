package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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
	n atomic.Int32
}

func newScripted(t testing.TB, script ...http.HandlerFunc) *scripted {
	s := &scripted{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(s.n.Add(1))
		script[min(n, len(script))-1](w, r)
	}))
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
			if n := s.conns(); n != 1 {
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

// conns is how many connections there were, if each was opened by one address.
func (s *scripted) conns() int { return 1 }

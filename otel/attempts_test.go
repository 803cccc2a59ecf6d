package otel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"

	"sonde"
	"sonde/otel"
)

// wanders sends its clients around: each path is answered in its way, the first time.
type wanders struct {
	*httptest.Server
	mu      sync.Mutex
	parents []string // traceparent fields, in order
	asked   map[string]int
}

func newWanders(t *testing.T) *wanders {
	w := &wanders{asked: make(map[string]int)}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (s *wanders) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.parents = append(s.parents, r.Header.Get("Traceparent"))
	s.asked[r.URL.Path]++
	first := s.asked[r.URL.Path] == 1
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/old":
		http.Redirect(w, r, "/busy", http.StatusFound)
	case r.URL.Path == "/busy" && first:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/busy" && r.Header.Get("Authorization") == "":
		w.Header().Set("WWW-Authenticate", `Basic realm="here"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		io.WriteString(w, "hello")
	}
}

// attempts is a client with telemetry into memory.
func attempts(t *testing.T, cfg sonde.Config, tc otel.Config) (*sonde.Client, *tracetest.InMemoryExporter) {
	memory := tracetest.NewInMemoryExporter()
	tc.TracerProvider, tc.Propagator = tracesdk.NewTracerProvider(tracesdk.WithSyncer(memory)), propagation.TraceContext{}
	tel, err := otel.New(tc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.AttemptMiddleware = append(cfg.AttemptMiddleware, tel.Middleware)
	c, err := sonde.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, memory
}

func value(s *tracetest.SpanStub, key attribute.Key) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.Emit()
		}
	}
	return ""
}

// TestAttempts: a redirect, a retry and an answer to a challenge are spans of their
// own beside the first, under the caller's; and the server is told of each.
func TestAttempts(t *testing.T) {
	for _, phases := range []otel.Phases{otel.NoPhases, otel.PhaseSpans} {
		srv := newWanders(t)
		c, memory := attempts(t, sonde.Config{Retry: sonde.Retry{Max: 1, Base: -1}, Auth: basic{}}, otel.Config{Phases: phases})
		caller := api.NewSpanContext(api.SpanContextConfig{TraceID: [16]byte{7}, SpanID: [8]byte{8}, TraceFlags: api.FlagsSampled})
		if resp, err := c.Get(api.ContextWithSpanContext(t.Context(), caller), srv.URL+"/old"); err != nil || string(resp.Body) != "hello" {
			t.Fatal(err)
		}
		var got, told []string
		own := make(map[api.SpanID]bool)
		for _, s := range memory.GetSpans() {
			if s.SpanKind != api.SpanKindClient {
				if phases == otel.NoPhases {
					t.Error("span", s.Name)
				}
				continue
			}
			own[s.SpanContext.SpanID()] = true
			if s.Parent.SpanID() != caller.SpanID() || s.SpanContext.TraceID() != caller.TraceID() {
				t.Errorf("%s has the parent %v", s.Name, s.Parent.SpanID())
			}
			got = append(got, fmt.Sprintf("%s %s %s", strings.TrimPrefix(value(&s, "url.full"), srv.URL),
				value(&s, "http.response.status_code"), value(&s, "http.request.resend_count")))
			told = append(told, fmt.Sprintf("00-%s-%s-01", s.SpanContext.TraceID(), s.SpanContext.SpanID()))
		}
		if want := "/old 302 ;/busy 503 1;/busy 401 2;/busy 200 3"; strings.Join(got, ";") != want {
			t.Errorf("spans %q\nwant %s", got, want)
		}
		if strings.Join(told, " ") != strings.Join(srv.parents, " ") {
			t.Errorf("the server was told %q\nwant %q", srv.parents, told)
		}
		for _, s := range memory.GetSpans() {
			if s.SpanKind != api.SpanKindClient && !own[s.Parent.SpanID()] {
				t.Errorf("%s is part of no request", s.Name)
			}
		}
	}
}

// basic answers challenges, but never before one.
type basic struct{}

func (basic) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	if len(a.Challenges) > 0 {
		a.Set("Authorization", "Basic YTpi")
	}
	return nil
}

// TestAttemptsHedged: the hedge is a resend; the one that lost has ended, too, which
// is no error.
func TestAttemptsHedged(t *testing.T) {
	var once sync.Once
	late := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slow := false
		once.Do(func() { slow = true })
		if slow {
			select {
			case <-r.Context().Done():
			case <-late:
			}
		}
		io.WriteString(w, "hello")
	}))
	defer srv.Close()
	defer close(late)
	c, memory := attempts(t, sonde.Config{Hedge: sonde.Hedge{Delay: time.Millisecond}}, otel.Config{})
	if _, err := c.Get(t.Context(), srv.URL); err != nil {
		t.Fatal(err)
	}
	c.Close() // waits for the one that lost
	outcomes, resent := make(map[string]int), ""
	for _, s := range memory.GetSpans() {
		outcomes[value(&s, "http.response.status_code")+value(&s, "error.type")]++
		if s.Status.Code != codes.Unset {
			t.Errorf("%+v", s.Status)
		}
		resent += value(&s, "http.request.resend_count")
	}
	if len(outcomes) != 2 || outcomes["200"] != 1 || outcomes[""] != 1 || resent != "1" {
		t.Errorf("spans end as %v, resend counts %q", outcomes, resent)
	}
}

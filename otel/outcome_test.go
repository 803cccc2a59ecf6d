package otel_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"sonde"
	"sonde/otel"
	"sonde/trace"
)

// TestCanceled: what the caller ended is no error, neither the request's span nor one
// of its phases, but it is told of. What ended with a deadline is one.
func TestCanceled(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer srv.Close()
	enough := errors.New("enough of it")
	for _, tt := range []struct {
		cause error
		code  codes.Code
		kind  string
	}{
		{nil, codes.Unset, ""}, {enough, codes.Unset, ""}, {context.DeadlineExceeded, codes.Error, "timeout"},
	} {
		c, memory := attempts(t, sonde.Config{}, otel.Config{Phases: otel.PhaseSpans})
		ctx, cancel := context.WithCancelCause(t.Context())
		opts := []sonde.Option{}
		if tt.code == codes.Error {
			opts = append(opts, sonde.WithTimeouts(sonde.Timeouts{FirstByte: 1}))
		}
		ctx = trace.With(ctx, &trace.Hooks{WroteHeaders: func() {
			if tt.code == codes.Unset {
				cancel(tt.cause)
			}
		}})
		if _, err := c.Get(ctx, srv.URL, opts...); err == nil {
			t.Fatal("a response")
		}
		cancel(nil)
		seen := 0
		for _, s := range memory.GetSpans() {
			if s.Name != "GET" && s.Name != "wait" && s.Name != "send" {
				continue
			}
			if s.Name == "send" && value(&s, "sonde.error") == "" && tt.code == codes.Unset {
				continue // it was over before
			}
			if s.Name != "send" && s.Status.Code != tt.code || value(&s, "error.type") != tt.kind && s.Name == "GET" {
				t.Errorf("%v: %s ends as %+v, %v", tt.cause, s.Name, s.Status, s.Attributes)
			}
			if s.Name == "GET" {
				seen++
				if said := value(&s, "sonde.error"); (said != "") != (tt.code == codes.Unset) || tt.cause == enough && !strings.Contains(said, "enough") {
					t.Errorf("%v: %q is told", tt.cause, said)
				}
			}
		}
		if seen != 1 {
			t.Errorf("%d spans", seen)
		}
	}
}

// TestSignatures: errors name URLs, too, such as the one that a redirect leads to.
func TestSignatures(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/?X-Amz-Credential=topsecret&X-Amz-Signature=topsecret", http.StatusFound)
	}))
	defer srv.Close()
	for _, p := range []otel.Phases{otel.NoPhases, otel.PhaseEvents, otel.PhaseSpans} {
		memory := tracetest.NewInMemoryExporter()
		tel, err := otel.New(otel.Config{Phases: p, Propagator: propagation.TraceContext{},
			TracerProvider: tracesdk.NewTracerProvider(tracesdk.WithSyncer(memory))})
		if err != nil {
			t.Fatal(err)
		}
		wrapped := func(next sonde.Handler) sonde.Handler {
			return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
				ex, err := next(ctx, req)
				if err != nil {
					err = errors.Join(errors.New("shop"), err)
				}
				return ex, err
			}
		}
		for _, around := range [][]sonde.Middleware{{tel.Middleware}, {tel.Middleware, wrapped}} {
			c, err := sonde.New(sonde.Config{Middleware: around})
			if err != nil {
				t.Fatal(err)
			}
			c.Get(t.Context(), srv.URL)
			c.Close()
		}
		told := 0
		for _, s := range memory.GetSpans() {
			said := []string{s.Status.Description}
			for _, a := range s.Attributes {
				said = append(said, a.Value.Emit())
			}
			for _, e := range s.Events {
				for _, a := range e.Attributes {
					said = append(said, a.Value.Emit())
				}
			}
			if strings.Contains(s.Status.Description, "redirect loop") {
				told++
			}
			if i := slices.IndexFunc(said, func(text string) bool { return strings.Contains(text, "topsecret") }); i >= 0 {
				t.Errorf("phases %v: %s", p, said[i])
			}
		}
		if told != 2 {
			t.Errorf("phases %v: %d spans tell of the loop", p, told)
		}
	}
}

// TestKnownMethods: the variable of the conventions says which methods have names.
func TestKnownMethods(t *testing.T) {
	srv, _ := server(t)
	t.Setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "PURGE, GET")
	c, memory := attempts(t, sonde.Config{}, otel.Config{})
	for _, m := range []sonde.Method{"PURGE", "POST"} {
		if _, err := c.Do(t.Context(), sonde.NewRequest(m, srv.URL, sonde.WithAccept(sonde.AnyStatus))); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, s := range memory.GetSpans() {
		got = append(got, s.Name+" "+value(&s, "http.request.method")+" "+value(&s, "http.request.method_original"))
	}
	if want := []string{"PURGE PURGE ", "HTTP _OTHER POST"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

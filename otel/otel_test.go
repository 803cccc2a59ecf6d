package otel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	api "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"sonde"
	"sonde/otel"
	"sonde/trace"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// server answers, and notes the traceparent fields that came.
func server(t *testing.T) (srv *httptest.Server, parents chan string) {
	parents = make(chan string, 100)
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parents <- r.Header.Get("Traceparent")
		io.Copy(io.Discard, r.Body)
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "topsecret"})
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
		io.WriteString(w, "hello")
	}))
	t.Cleanup(srv.Close)
	return srv, parents
}

func contains(t *testing.T, what string, got map[string]string, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s is %q, want %q", what, k, got[k], v)
		}
	}
}

// TestOverTheWire sends spans and metrics by the real exporters to a collector,
// and reads them there.
func TestOverTheWire(t *testing.T) {
	srv, parents := server(t)
	u, _ := url.Parse(srv.URL)
	c, col, flush := setup(t, otel.Config{
		Phases: otel.PhaseSpans,
		Template: func(r *sonde.Request) string {
			if strings.Contains(r.URL(), "/users/") {
				return "/users/{id}"
			}
			return ""
		},
	}, sonde.Config{})
	ctx := t.Context()
	if _, err := c.Post(ctx, srv.URL+"/users/7?sig=topsecret&a=b", sonde.Text("0123456789")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, srv.URL+"/missing"); err == nil {
		t.Error("no error")
	}
	if _, err := c.Get(ctx, "http://127.0.0.1:1/refused"); err == nil {
		t.Error("no error")
	}
	c.Do(ctx, sonde.NewRequest("PURGE", srv.URL+"/odd"))
	flush()

	col.mu.Lock()
	defer col.mu.Unlock()
	if !col.scopes["sonde/otel"] || len(col.scopes) != 1 {
		t.Error("scopes", col.scopes)
	}
	var calls []*traces.Span
	children := make(map[string][]string)
	for _, s := range col.spans {
		if s.Kind == traces.Span_SPAN_KIND_CLIENT {
			calls = append(calls, s)
			continue
		}
		children[string(s.ParentSpanId)] = append(children[string(s.ParentSpanId)], s.Name)
		if s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Error(s)
		}
	}
	slices.SortFunc(calls, func(a, b *traces.Span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	if len(calls) != 4 {
		t.Fatal(len(calls), "client spans")
	}
	for i, want := range []map[string]string{
		{"http.request.method": "POST", "url.full": srv.URL + "/users/7?sig=REDACTED&a=b", "url.template": "/users/{id}",
			"server.address": "127.0.0.1", "server.port": u.Port(), "http.response.status_code": "200", "error.type": "",
			"network.protocol.version": "1.1", "network.peer.address": "127.0.0.1", "network.peer.port": u.Port(),
			"http.request.body.size": "10", "http.response.body.size": "5", "http.request.resend_count": ""},
		{"http.request.method": "GET", "http.response.status_code": "404", "error.type": "404"},
		{"http.request.method": "GET", "http.response.status_code": "", "error.type": "connect", "server.port": "1"},
		{"http.request.method": "_OTHER", "http.request.method_original": "PURGE"},
	} {
		contains(t, calls[i].Name, attrs(calls[i].Attributes), want)
	}
	for i, name := range []string{"POST /users/{id}", "GET", "GET", "HTTP"} {
		if calls[i].Name != name {
			t.Errorf("span %q, want %q", calls[i].Name, name)
		}
	}
	for i, want := range []traces.Status_StatusCode{traces.Status_STATUS_CODE_UNSET, traces.Status_STATUS_CODE_ERROR, traces.Status_STATUS_CODE_ERROR} {
		if got := calls[i].Status.GetCode(); got != want {
			t.Errorf("status %v, want %v", got, want)
		}
	}
	for i, want := range []string{"acquire connect send wait receive", "acquire send wait receive", "acquire connect"} {
		if got := strings.Join(children[string(calls[i].SpanId)], " "); got != want {
			t.Errorf("children %q, want %q", got, want)
		}
	}
	if want, got := fmt.Sprintf("00-%x-%x-01", calls[0].TraceId, calls[0].SpanId), <-parents; got != want {
		t.Errorf("traceparent %q, want %q", got, want)
	}
	checkMetrics(t, col, u.Port())
}

func checkMetrics(t *testing.T, col *collector, port string) {
	duration := col.metrics["http.client.request.duration"]
	if duration == nil || duration.Unit != "s" {
		t.Fatal("no duration", col.metrics)
	}
	found := false
	for _, p := range duration.GetHistogram().DataPoints {
		a := attrs(p.Attributes)
		if a["http.request.method"] != "POST" {
			continue
		}
		found = true
		contains(t, duration.Name, a, map[string]string{"server.address": "127.0.0.1", "server.port": port,
			"http.response.status_code": "200", "network.protocol.version": "1.1", "url.scheme": "http", "url.template": "/users/{id}", "url.full": ""})
		if p.Count != 1 || p.GetSum() <= 0 || fmt.Sprint(p.ExplicitBounds) != "[0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10]" {
			t.Error(p)
		}
	}
	if !found || len(duration.GetHistogram().DataPoints) != 4 {
		t.Error(duration)
	}
	for _, p := range col.metrics["http.client.active_requests"].GetSum().DataPoints {
		if p.GetAsInt() != 0 {
			t.Error("active requests left", p)
		}
	}
	for name, want := range map[string]float64{"http.client.request.body.size": 10, "http.client.response.body.size": 15} {
		sum := 0.0
		for _, p := range col.metrics[name].GetHistogram().DataPoints {
			sum += p.GetSum()
		}
		if sum != want {
			t.Errorf("%s: %v, want %v", name, sum, want)
		}
	}
	conns := col.metrics["http.client.open_connections"]
	states := make(map[string]int64)
	for _, p := range conns.GetSum().DataPoints {
		a := attrs(p.Attributes)
		states[a["http.connection.state"]] = p.GetAsInt()
		contains(t, conns.Name, a, map[string]string{"server.address": "127.0.0.1", "server.port": port})
	}
	if len(states) != 2 || states["idle"] != 1 || states["active"] != 0 || conns.GetSum().IsMonotonic {
		t.Error("connections", states)
	}
}

// TestPhaseEvents: events of the span instead of child spans.
func TestPhaseEvents(t *testing.T) {
	srv, _ := server(t)
	c, col, flush := setup(t, otel.Config{Phases: otel.PhaseEvents}, sonde.Config{})
	c.Get(t.Context(), srv.URL)
	flush()
	col.mu.Lock()
	defer col.mu.Unlock()
	if len(col.spans) != 1 {
		t.Fatal(len(col.spans), "spans")
	}
	var names []string
	for _, e := range col.spans[0].Events {
		names = append(names, e.Name)
	}
	want := "acquire-start connect-start connect-done conn-opened acquire-done " +
		"head-written request-written first-byte head-read body-read conn-put"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestSecrets: what a collector gets has no secret in it.
func TestSecrets(t *testing.T) {
	srv, _ := server(t)
	for _, p := range []otel.Phases{otel.NoPhases, otel.PhaseEvents, otel.PhaseSpans} {
		c, col, flush := setup(t, otel.Config{Phases: p}, sonde.Config{})
		secret := sonde.Join(sonde.WithHeader("Authorization", "Bearer topsecret"), sonde.WithHeader("Cookie", "a=topsecret"),
			sonde.WithHeader("Proxy-Authorization", "Basic topsecret"))
		for _, host := range []string{u(srv.URL), "127.0.0.1:1"} {
			c.Get(t.Context(), "http://user:topsecret@"+host+"/?X-Amz-Signature=topsecret", secret)
		}
		flush()
		col.mu.Lock()
		if col.raw.Len() == 0 || strings.Contains(col.raw.String(), "topsecret") {
			at := strings.Index(col.raw.String(), "topsecret")
			t.Errorf("phases %v: a secret at %d: %q", p, at, col.raw.String()[max(at-100, 0):])
		}
		col.mu.Unlock()
	}
}

func u(rawURL string) string { return strings.TrimPrefix(rawURL, "http://") }

// TestRetry: an attempt after one on a dead connection is a resend, and both are seen.
func TestRetry(t *testing.T) {
	srv, _ := server(t)
	c, col, flush := setup(t, otel.Config{Phases: otel.PhaseSpans}, sonde.Config{})
	dead := false
	again := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			return next(trace.With(ctx, &trace.Hooks{GotConn: func(i trace.GotConnInfo) {
				if i.Reused && !dead {
					dead = true
					i.Conn.Close()
				}
			}}), req)
		}
	}
	c2, err := c.With(func(cfg *sonde.Config) { cfg.Middleware = append(cfg.Middleware, again) })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c2.Get(t.Context(), srv.URL); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	col.mu.Lock()
	defer col.mu.Unlock()
	var got []string
	for _, s := range col.spans {
		if a := attrs(s.Attributes); s.Kind == traces.Span_SPAN_KIND_CLIENT {
			got = append(got, strings.Trim(a["http.response.status_code"]+a["error.type"]+" "+a["http.request.resend_count"], " "))
		}
	}
	if len(got) != 3 || got[0] != "200" || strings.HasPrefix(got[1], "200") || got[2] != "200 1" {
		t.Errorf("spans %q", got)
	}
}

// TestParent: a span of the caller's is the parent, and without any provider
// nothing breaks.
func TestParent(t *testing.T) {
	srv, parents := server(t)
	tel, err := otel.New(otel.Config{TracerProvider: noop.NewTracerProvider()})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := sonde.New(sonde.Config{AttemptMiddleware: []sonde.Middleware{tel.Middleware}})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var none context.Context
	if _, err := plain.Get(t.Context(), srv.URL); err != nil || <-parents != "" {
		t.Error(err)
	}
	if _, err := plain.Get(none, srv.URL); err == nil {
		t.Error("a nil context was taken")
	}

	c, col, flush := setup(t, otel.Config{}, sonde.Config{})
	parent := api.NewSpanContext(api.SpanContextConfig{TraceID: [16]byte{1}, SpanID: [8]byte{2}, TraceFlags: api.FlagsSampled})
	if _, err := c.Get(api.ContextWithSpanContext(t.Context(), parent), srv.URL); err != nil {
		t.Fatal(err)
	}
	if got := <-parents; !strings.HasPrefix(got, "00-01000000") {
		t.Error("traceparent", got)
	}
	flush()
	col.mu.Lock()
	defer col.mu.Unlock()
	if len(col.spans) != 1 || col.spans[0].ParentSpanId[0] != 2 {
		t.Error(col.spans)
	}
}

package otlp_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"sonde"
	"sonde/trace"
	"sonde/trace/otlp"
)

// collector takes spans as a collector does, by the JSON mapping of OTLP, written
// down apart from the package.
type collector struct {
	t      *testing.T
	paths  []string
	types  []string
	spans  []received
	answer func(w http.ResponseWriter)
}

type received struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
	StartTimeUnixNano, EndTimeUnixNano  string
	Attributes                          []keyValue
	Status                              struct {
		Code    int
		Message string
	}
}

type keyValue struct {
	Key   string
	Value map[string]any
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.paths, c.types = append(c.paths, r.URL.Path), append(c.types, r.Header.Get("Content-Type"))
	var message struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []keyValue }
			ScopeSpans []struct {
				Scope struct{ Name string }
				Spans []received
			}
		}
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &message); err != nil {
		c.t.Errorf("%v in %s", err, body)
	}
	for _, rs := range message.ResourceSpans {
		if rs.Resource.Attributes[0].Value["stringValue"] != "test" {
			c.t.Errorf("resource %v", rs.Resource)
		}
		for _, ss := range rs.ScopeSpans {
			c.spans = append(c.spans, ss.Spans...)
		}
	}
	if c.answer != nil {
		c.answer(w)
		return
	}
	io.WriteString(w, "{}")
}

// calls are the timelines of two calls, one of which failed.
func calls(t *testing.T) []trace.Timeline {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer srv.Close()
	var rec trace.Recorder
	c, err := sonde.New(sonde.Config{Sink: &rec})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Get(context.Background(), srv.URL)
	c.Get(context.Background(), "http://127.0.0.1:1/")
	return trace.Timelines(rec.Events())
}

func TestSend(t *testing.T) {
	col := &collector{t: t}
	srv := httptest.NewServer(col)
	defer srv.Close()
	if err := otlp.Send(context.Background(), sonde.Default(), srv.URL, "test", calls(t)); err != nil {
		t.Fatal(err)
	}
	defer sonde.Default().Pool().CloseIdle()
	if col.paths[0] != "/v1/traces" || col.types[0] != "application/json" {
		t.Errorf("%q %q", col.paths, col.types)
	}
	roots := map[string]received{}
	for _, s := range col.spans {
		if s.ParentSpanID == "" {
			roots[s.SpanID] = s
		}
	}
	if len(roots) != 2 {
		t.Fatalf("%d roots", len(roots))
	}
	names := ""
	for _, s := range col.spans {
		holdSpan(t, s, roots)
		names += " " + s.Name
	}
	if names != " GET acquire connect send wait receive GET acquire connect" {
		t.Errorf("spans:%s", names)
	}
	good, bad := attributes(col.spans[0]), attributes(col.spans[6])
	if good["http.response.status_code"] != "200" || good["http.response.body.size"] != "5" || good["server.address"] != "127.0.0.1" {
		t.Errorf("%v", good)
	}
	if col.spans[0].Kind != 3 || col.spans[0].Status.Code != 0 || col.spans[6].Status.Code != 2 || bad["error.type"] != "_OTHER" {
		t.Errorf("%+v", col.spans[6])
	}
}

// holdSpan holds a span to the encoding: ids in hexadecimal, times as strings, a
// child within its parent.
func holdSpan(t *testing.T, s received, roots map[string]received) {
	t.Helper()
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Error(err)
		}
		return n
	}
	for id, size := range map[string]int{s.TraceID: 16, s.SpanID: 8} {
		if b, err := hex.DecodeString(id); err != nil || len(b) != size {
			t.Errorf("id %q", id)
		}
	}
	start, end := number(s.StartTimeUnixNano), number(s.EndTimeUnixNano)
	if start <= 0 || end < start {
		t.Errorf("%s from %d to %d", s.Name, start, end)
	}
	if s.ParentSpanID == "" {
		return
	}
	parent, ok := roots[s.ParentSpanID]
	if !ok || parent.TraceID != s.TraceID || start < number(parent.StartTimeUnixNano) || end > number(parent.EndTimeUnixNano) {
		t.Errorf("%s is not within its parent: %+v %+v", s.Name, s, parent)
	}
}

func attributes(s received) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		for _, v := range a.Value {
			all[a.Key] = fmt.Sprint(v)
		}
	}
	return all
}

// TestSendRefused: what a collector says against it is in the error.
func TestSendRefused(t *testing.T) {
	defer sonde.Default().Pool().CloseIdle()
	lines := calls(t)
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{200, `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}`, "3 spans: too old"},
		{200, `{"partialSuccess":{"rejectedSpans":2}}`, "2 spans"},
		{200, `{"partialSuccess":{"rejectedSpans":"0"}}`, ""},
		{200, ``, ""},
		{400, `{"code":3,"message":"no such thing"}`, "no such thing"},
		{503, `busy`, "503"},
	} {
		srv := httptest.NewServer(&collector{t: t, answer: func(w http.ResponseWriter) {
			w.WriteHeader(tt.status)
			io.WriteString(w, tt.body)
		}})
		err := otlp.Send(context.Background(), sonde.Default(), srv.URL+"/v1/traces", "test", lines)
		srv.Close()
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
	}
}

// A call's spans, sent to a collector.
func ExampleSend() {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}))
	defer collector.Close()
	var recorder trace.Recorder
	client, _ := sonde.New(sonde.Config{Sink: &recorder})
	defer client.Close()
	client.Get(context.Background(), "http://127.0.0.1:1/")

	plain, _ := sonde.New(sonde.Config{}) // its own calls are not to be recorded
	defer plain.Close()
	err := otlp.Send(context.Background(), plain, collector.URL, "shop", trace.Timelines(recorder.Events()))
	fmt.Println(err)
	// Output:
	// POST /v1/traces application/json
	// <nil>
}

// TestMethods: a method that the conventions do not know makes no name of its own,
// what there was not has no size, and a signature does not leave.
func TestMethods(t *testing.T) {
	body, err := otlp.Marshal("test", []trace.Timeline{{Method: "PURGE", URL: "http://h/?sig=secret", Attempts: []trace.Attempt{{Number: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	for _, want := range []string{
		`"name":"HTTP"`, `{"key":"http.request.method","value":{"stringValue":"_OTHER"}}`,
		`{"key":"http.request.method_original","value":{"stringValue":"PURGE"}}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "body.size") || strings.Contains(text, "secret") {
		t.Errorf("sizes of what was never sent, or a secret, in %s", text)
	}
}

// TestOutcomes: what the caller ended is no error, but told of; a URL in an error loses
// its signature; and a status that is an error stays one.
func TestOutcomes(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/404":
			http.NotFound(w, r)
		default:
			http.Redirect(w, r, "/?X-Amz-Signature=secret", http.StatusFound)
		}
	}))
	defer srv.Close()
	for path, want := range map[string]struct {
		code        int
		kind, words string
	}{
		"/hang": {0, "", "enough"},
		"/404":  {2, "404", ""},
		"/":     {2, "_OTHER", "redirect loop"},
	} {
		var recorder trace.Recorder
		client, err := sonde.New(sonde.Config{Sink: &recorder})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		ctx = trace.With(ctx, &trace.Hooks{WroteHeaders: func() {
			if path == "/hang" {
				cancel(errors.New("enough"))
			}
		}})
		client.Get(ctx, srv.URL+path)
		cancel(nil)
		client.Close()
		body, err := otlp.Marshal("test", trace.Timelines(recorder.Events()))
		if err != nil || strings.Contains(string(body), "secret") {
			t.Errorf("%s: %v, or a secret in %s", path, err, body)
		}
		var sent struct {
			ResourceSpans []struct{ ScopeSpans []struct{ Spans []received } }
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatal(err)
		}
		root := sent.ResourceSpans[0].ScopeSpans[0].Spans[0]
		said := attributes(root)
		if words := said["sonde.error"] + root.Status.Message; root.Status.Code != want.code || !strings.Contains(words, want.words) || said["error.type"] != want.kind {
			t.Errorf("%s: %+v, %v", path, root.Status, said)
		}
	}
}

package trace_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sonde"
	"sonde/trace"
	"sonde/trace/slogsink"
)

var update = flag.Bool("update", false, "write testdata/transcript.txt anew")

// TestTranscripts compares whole calls with testdata/transcript.txt, times
// suppressed. Those whose order is open are in the transcripts of package sonde.
func TestTranscripts(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header()["Date"] = nil
		io.WriteString(w, "hello")
	}))
	defer srv.Close()
	var out strings.Builder
	var rec trace.Recorder
	c, err := sonde.New(sonde.Config{Sink: trace.Tee(trace.NewStableText(&out), &rec), UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, step := range []struct {
		title string
		req   *sonde.Request
	}{
		{"a new connection", sonde.NewRequest(sonde.GET, srv.URL, sonde.WithHeader("Authorization", "Bearer x"))},
		{"the same one again", sonde.NewRequest(sonde.POST, srv.URL, sonde.WithBody(sonde.Bytes([]byte("body"))))},
		{"connection refused", sonde.NewRequest(sonde.GET, "http://127.0.0.1:1/")},
	} {
		fmt.Fprintf(&out, "%s# %s\n", map[bool]string{true: "\n"}[out.Len() > 0], step.title)
		c.Do(context.Background(), step.req)
	}
	got := strings.ReplaceAll(out.String(), strings.TrimPrefix(srv.URL, "http://"), "server:80")
	path := filepath.Join("testdata", "transcript.txt")
	if *update {
		os.MkdirAll("testdata", 0o777)
		os.WriteFile(path, []byte(got), 0o666)
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%v; -update writes it anew:\n%s", err, got)
	}
	for _, line := range trace.Timelines(rec.Events()) {
		if !line.Done || line.End <= 0 || len(line.Attempts) != 1 || line.Attempts[0].Find(trace.PhaseAcquire) == nil {
			t.Errorf("%+v", line)
		}
	}
}

// TestSecrets: no sink shows a secret.
func TestSecrets(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" || r.Header.Get("Cookie") == "" {
			t.Error("the server did not get them")
		}
		w.Header().Set("Set-Cookie", "a=topsecret")
		w.Header().Set("Location", "http://u:topsecret@h/")
		w.WriteHeader(404)
	}))
	defer srv.Close()
	var text, stable, lines, logged strings.Builder
	var rec trace.Recorder
	ring := trace.NewRing(1000)
	sink := trace.Tee(trace.NewText(&text), trace.NewStableText(&stable), trace.NewJSONLines(&lines), &rec, ring,
		slogsink.New(slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug - 4})), nil))
	c, err := sonde.New(sonde.Config{Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := trace.With(context.Background(), &trace.Hooks{Event: rec.Record})
	for _, host := range []string{strings.TrimPrefix(srv.URL, "http://"), "127.0.0.1:1"} {
		_, err := c.Get(ctx, "http://user:topsecret@"+host+"/x", sonde.WithHeader("Authorization", "Basic topsecret"),
			sonde.WithHeader("cookie", "a=topsecret"), sonde.WithHeader("PROXY-Authorization", "Basic topsecret"),
			sonde.WithHeader("Referer", "https://user:topsecret@h/"))
		if err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Error(err)
		}
	}
	for name, out := range map[string]string{
		"Text": text.String(), "NewStableText": stable.String(), "JSONLines": lines.String(), "Slog": logged.String(),
		"Recorder": fmt.Sprintf("%+v", rec.Events()), "Ring": fmt.Sprintf("%+v", ring.Events()),
	} {
		if !strings.Contains(out, "[redacted]") || strings.Contains(out, "topsecret") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

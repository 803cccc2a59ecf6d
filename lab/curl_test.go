package lab

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sonde/inspect"
)

// TestCurl: the same experiments by a program that knows nothing of us; what it
// says itself, what the others saw, and what the packets are judged to be.
func TestCurl(t *testing.T) {
	curl, ok := Curl()
	if !ok {
		t.Skip("no curl that is young enough")
	}
	cfg := quick()
	cfg.Also = []Contender{curl}
	causes := map[string][]inspect.Name{
		"sequential-undrained": {inspect.ClientPerRequest, inspect.BodiesNotDrained},
		"connection-each":      {inspect.ClientPerRequest},
	}
	for _, r := range runAll(t, cfg) {
		if r.Client != "curl" {
			continue
		}
		t.Logf("%+v, wire %v, %+v", r, deref(r.Connections.Wire), r.Verdict)
		if want := 5 * r.Goroutines; r.Requests != want || !r.AsExpected || len(r.Reasons) != 0 || r.Time.Median <= 0 {
			t.Errorf("%s: %d requests, want %d; %+v, expected %s", r.Experiment, r.Requests, want, r.Connections, r.Expected)
		}
		if r.Verdict == nil || r.Connections.Wire == nil {
			continue
		}
		var got []inspect.Name
		for _, c := range r.Verdict.Causes {
			got = append(got, c.Cause)
		}
		if want := causes[r.Experiment]; r.Goroutines == 1 && (len(got) == 0) != (want == nil) || len(got) > 0 && !slices.Contains(want, got[0]) {
			t.Errorf("%s: causes %v, want the first among %v", r.Experiment, got, want)
		}
	}
}

// TestCurlEnds: curl that fails, and curl that is stopped.
func TestCurlEnds(t *testing.T) {
	curl, ok := Curl()
	if !ok {
		t.Skip("no curl that is young enough")
	}
	s, err := curl.Open("sequential-drained", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := &load{requests: 2, goroutines: 1}
	if err := s.(batch).all(t.Context(), d, "http://127.0.0.1:1/"); err == nil || len(d.times) != 0 || s.Account().Opened != 0 {
		t.Errorf("a closed port: %v, %d requests, %d connections", err, len(d.times), s.Account().Opened)
	}
	enough := errors.New("seen enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if err := s.(batch).all(ctx, d, "http://127.0.0.1:1/"); !errors.Is(err, enough) {
		t.Errorf("stopped: %v", err)
	}
}

func TestParseTransfers(t *testing.T) {
	all, err := parseTransfers([]byte("1 127.0.0.1 4000 0.001500 200\n0 ::1 4001 0.000100 503\n"))
	want := []transfer{{1, "127.0.0.1:4000", 1500 * time.Microsecond, 200}, {0, "[::1]:4001", 100 * time.Microsecond, 503}}
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range []string{"1 127.0.0.1 4000 0.1\n", "x 127.0.0.1 4000 0.1 200\n", "1 127.0.0.1 4000 x 200\n", "1 127.0.0.1 4000 1 x\n"} {
		if all, err := parseTransfers([]byte(bad)); err == nil {
			t.Errorf("%q is %+v", bad, all)
		}
	}
}

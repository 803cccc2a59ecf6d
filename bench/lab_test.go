package main

import (
	"strings"
	"testing"
	"time"

	"sonde/lab"
)

// TestLab: fasthttp takes part in the experiments, and all witnesses agree on it.
func TestLab(t *testing.T) {
	l, err := lab.New(lab.Config{Requests: 5, Goroutines: 4, Interval: 5 * time.Millisecond, Also: []lab.Contender{fastHTTP()}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen := 0
	for r, err := range l.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Client != "fasthttp" {
			continue
		}
		seen++
		if want := 5 * r.Goroutines; r.Requests != want || !r.AsExpected {
			t.Errorf("%s: %d requests, want %d; %+v, expected %s", r.Experiment, r.Requests, want, r.Connections, r.Expected)
		}
		if r.Verdict == nil || r.Connections.Wire == nil {
			continue
		}
		if v := judged(&r); r.Goroutines == 1 && v != "healthy" && (v != "client-asks-close" || r.Experiment != "connection-each") {
			t.Errorf("%s is judged to be %s", r.Experiment, v)
		}
	}
	if seen != len(lab.Names()) {
		t.Errorf("%d experiments by fasthttp, want %d", seen, len(lab.Names()))
	}
}

func TestLabTable(t *testing.T) {
	var b strings.Builder
	err := runLab(t.Context(), &b, lab.Config{Requests: 2, Interval: -1, Only: []string{"sequential-drained"}})
	if err != nil || strings.Count(b.String(), "sequential-drained  ") < 3 || !strings.Contains(b.String(), "fasthttp") {
		t.Errorf("%v: %s", err, b.String())
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// TestMain lets the test binary be the server, a client with idle connections, and
// the bench.
func TestMain(m *testing.M) {
	if done, err := child(); done {
		exit(err)
	}
	if os.Getenv(runEnv) != "" {
		exit(run())
	}
	os.Exit(m.Run())
}

// tiny is the smallest run of a row that is one.
func tiny(t *testing.T, server string) *env {
	e := &env{unit: time.Millisecond, slice: 5 * time.Millisecond, minRounds: 1, maxRounds: 1,
		size: 3<<20 + 5, idle: 50, repeat: 1, flood: 50 * time.Millisecond}
	var err error
	if e.site, err = serve.Start(server, e.size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.site.Close)
	return e
}

// TestRows runs every row once, and every client in it must do its work.
func TestRows(t *testing.T) {
	e := tiny(t, serve.Epoll)
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			if testing.Short() && (r.name == "binary" || r.name == "start") {
				t.Skip("it builds programs")
			}
			lines, err := r.run(e)
			if err != nil {
				t.Fatal(err)
			}
			check(t, lines)
		})
	}
}

// check wants figures of every line, none of which is nonsense.
func check(t *testing.T, lines []measure.Line) {
	t.Helper()
	if len(lines) == 0 {
		t.Fatal("no lines")
	}
	for _, l := range lines {
		if strings.HasPrefix(l.Note, "skipped: ") {
			t.Skip(l.Note)
		}
		if l.Note != "" || len(l.Figures) == 0 {
			t.Errorf("%s: %d figures, %s", l.Client, len(l.Figures), l.Note)
		}
	}
	if _, err := json.Marshal(lines); err != nil { // it refuses NaN and infinities
		t.Error(err)
	}
}

// TestServers runs one row with each of the other servers.
func TestServers(t *testing.T) {
	for _, server := range []string{serve.Goroutines, serve.Nginx} {
		t.Run(server, func(t *testing.T) {
			if server == serve.Nginx {
				requireNginx(t)
			}
			e := tiny(t, server)
			for _, r := range rows() {
				switch r.name {
				case "small-8", "headers-64", "tls-64", "download", "upload", "oneshot-64":
					t.Run(r.name, func(t *testing.T) {
						lines, err := r.run(e)
						if err != nil {
							t.Fatal(err)
						}
						check(t, lines)
					})
				}
			}
		})
	}
}

func TestOnly(t *testing.T) {
	e := tiny(t, serve.Epoll)
	lines := func(only string, alone bool) []string {
		e.only, e.alone = mustCompile(t, only), alone
		got, err := smallRows()[0].run(e)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range got {
			names = append(names, l.Client)
		}
		return names
	}
	if got := strings.Join(lines("DoInto", false), " "); got != "raw sonde-DoInto" {
		t.Errorf("-only DoInto: %s", got)
	}
	if got := strings.Join(lines("DoInto", true), " "); got != "sonde-DoInto" {
		t.Errorf("-only DoInto -cpuprofile: %s", got)
	}
}

func TestReport(t *testing.T) {
	e := tiny(t, serve.Epoll)
	fixed := []row{{"one", "the first", func(*env) ([]measure.Line, error) {
		return []measure.Line{{Client: "c", Figures: []measure.Figure{measure.NewFigure("x", 2, 0, measure.AtMost(1))}}}, nil
	}}}
	var text, object bytes.Buffer
	if err := report(&text, io.Discard, &flags{}, e, fixed); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## one: the first", "| c | **2** ✗ (≤ 1) |", "Targets missed: 1"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if err := report(&object, io.Discard, &flags{json: true}, e, fixed); err != nil {
		t.Fatal(err)
	}
	var out output
	if err := json.Unmarshal(object.Bytes(), &out); err != nil || out.Missed != 1 || out.Rows[0].Lines[0].Figures[0].Value != 2 {
		t.Errorf("%v in %s", err, object.String())
	}
}

// TestReportFailed: a client that has failed cannot pass for one that missed nothing.
func TestReportFailed(t *testing.T) {
	e := tiny(t, serve.Epoll)
	failing := []row{{"one", "the first", func(*env) ([]measure.Line, error) {
		return []measure.Line{{Client: "c", Note: "failed: no"}, {Client: "d", Note: "skipped: why"}}, nil
	}}}
	for _, f := range []*flags{{}, {json: true}} {
		var out bytes.Buffer
		if err := report(&out, io.Discard, f, e, failing); err == nil || err.Error() != "lines that have failed: 1" {
			t.Errorf("%v after\n%s", err, out.String())
		}
	}
}

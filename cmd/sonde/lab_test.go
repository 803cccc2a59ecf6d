package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"sonde/lab"
)

// What --json promises, read back by what knows nothing of the lab's types.
func TestLabJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code := run([]string{"lab", "--json", "--requests", "3", "--goroutines", "3", "--interval", "1ms"}, streams{null, out, null})
	out.Close()
	data, err := os.ReadFile(path)
	if err != nil || code != 0 {
		t.Fatal(code, err)
	}
	var got struct {
		Experiments []struct {
			Name, Client         string
			Requests, Goroutines int
			Connections          map[string]int
			Reasons              map[string]int
		}
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	clients := 2
	if _, ok := lab.Curl(); ok {
		clients++
	}
	if want := clients * len(lab.Names()); len(got.Experiments) != want {
		t.Errorf("%d experiments, want %d", len(got.Experiments), want)
	}
	for i, e := range got.Experiments {
		n := e.Connections
		if e.Name != lab.Names()[i/clients] || e.Requests != 3*e.Goroutines ||
			n["client"] < 1 || n["client"] != n["server"] || n["client"] != n["kernel"] || n["wire"] != 0 && n["client"] != n["wire"] || len(e.Reasons) == 0 && e.Client != "curl" {
			t.Errorf("%+v", e)
		}
	}
}

// A lesson is one line.
func TestLessonsFit(t *testing.T) {
	for _, e := range lab.Experiments() {
		if n := utf8.RuneCountInString(e.Lesson); n > defaultWidth-10 {
			t.Errorf("%s: the lesson has %d columns", e.Name, n)
		}
		if n := utf8.RuneCountInString(e.About); n > defaultWidth-2 {
			t.Errorf("%s: what is done has %d columns", e.Name, n)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"intervall", "interval", 1}, {"onyl", "only", 2}, {"json", "hold", 4}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain ünicode\t": "plain ünicode\t",
		"\x1b[2J":         `\x1b[2J`,
		"a\rb\x00":        `a\x0db\x00`,
		"\u009b31m":       `\xc2\x9b31m`,
		"\xff":            `\xff`,
		"\u202e":          `\xe2\x80\xae`, // turns the reading direction
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

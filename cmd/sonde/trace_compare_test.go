package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"

	"sonde"
	"sonde/trace"
)

// TestCompareFits: no line is longer than the terminal, however narrow that is, and
// all that a wide one shows is there.
func TestCompareFits(t *testing.T) {
	for width := 20; width <= 80; width++ {
		w, out := plainWaterfall(width)
		w.compare(retried(), []trace.Timeline{*retried(), *retried()})
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Fatalf("%d columns of %d: %q\n%s", n, width, line, out)
			}
		}
		words := strings.Fields(out.String())
		for _, word := range []string{"acquire", "receive", "total"} {
			if !slices.Contains(words, word) {
				t.Errorf("%d columns: no %s in\n%s", width, word, out)
			}
		}
		for _, word := range []string{"first", "least", "median", "most", "10.0"} {
			if !strings.Contains(out.String(), word) {
				t.Errorf("%d columns: no %s in\n%s", width, word, out)
			}
		}
	}
}

// TestInterim: early answers stand in their order, each before the answer of its own
// attempt.
func TestInterim(t *testing.T) {
	one := retried()
	one.Attempts[0].Status, one.Attempts[0].Err, one.Attempts[0].Interim = 503, nil, []int{103}
	one.Attempts[1].Interim = []int{102, 103}
	w, out := plainWaterfall(80)
	w.title(&traced{Timeline: *one, head: &sonde.Head{Status: 200}})
	w.draw(one)
	for _, want := range []string{"\n102, 103, HTTP/", "\nattempt 1: 103, 503; sent again\n", "\nattempt 2: 102, 103, 200\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestEachLine: what is painted is no wider than it was.
func TestEachLine(t *testing.T) {
	bright := lipgloss.NewStyle().Bold(true)
	const text = "tls: failed\n     to verify the certificate\n     of it"
	if got := eachLine(func(s string) string { return bright.Render(s) })(text); escapeCodes.ReplaceAllString(got, "") != text {
		t.Errorf("%q becomes %q", text, got)
	}
}

var escapeCodes = regexp.MustCompile(`\x1b\[[0-9;]*m`)

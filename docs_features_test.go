package sonde_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFeatures: each line of docs/features.md has a word of the legend for every
// client, and names a test of what sonde has. TestNamedTests sees that it exists.
func TestFeatures(t *testing.T) {
	text, err := os.ReadFile("docs/features.md")
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"yes", "ask", "part", "extra", "no"}
	for _, w := range words {
		if !strings.Contains(string(text), "- **"+w+"**: ") {
			t.Error("the legend lacks", w)
		}
	}
	names := regexp.MustCompile("`(Test|Example)[A-Za-z0-9_]+`")
	lines := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| feature ") || strings.HasPrefix(line, "| --- ") {
			continue
		}
		lines++
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		if len(cells) == 11 {
			cells = append(cells, "")
		}
		if len(cells) != 12 {
			t.Errorf("%d cells: %s", len(cells), line)
			continue
		}
		for _, c := range cells[1:11] {
			if !slices.Contains(words, c) {
				t.Errorf("%q is no word of the legend: %s", c, line)
			}
		}
		if cells[1] != "no" && !names.MatchString(cells[11]) {
			t.Error("no test:", line)
		}
	}
	if lines < 40 {
		t.Errorf("only %d lines were found", lines)
	}
}

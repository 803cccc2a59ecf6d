package main

import (
	"testing"

	"sonde/bench/internal/measure"
)

// TestTwice: what the adapter has to reach is made of what net/http did in the same
// run, and a miss is marked.
func TestTwice(t *testing.T) {
	line := func(name string, rate, cpu float64) measure.Line {
		return measure.Line{Client: name, Figures: []measure.Figure{
			measure.NewFigure("÷ raw", rate, .01, nil),
			measure.NewFigure("CPU ÷ raw", cpu, .02, nil),
			measure.NewFigure("allocs/op", 10, 0, measure.Allocs(10)),
		}}
	}
	lines := []measure.Line{line("ours", .7, 1.9), line("theirs", .361, 3.6)}
	twice(lines, "ours", "theirs")
	want := []string{"**.7 ±.01** ✗ (≥ .72)", "**1.9 ±.02** ✗ (≤ 1.8)", "10 ✓ (≤ 10)"}
	for i, f := range lines[0].Figures {
		if f.String() != want[i] {
			t.Errorf("%s: %v, want %s", f.Name, f, want[i])
		}
	}
	lines = []measure.Line{line("ours", .7, 1.9), line("theirs", .351, 3.793)}
	twice(lines, "ours", "theirs")
	if n := measure.Missed(lines); n != 0 {
		t.Errorf("%d missed: %v", n, lines[0].Figures)
	}
	lines[0].Figures[2].Target = nil
	if twice(lines, "ours", "theirs"); lines[0].Figures[2].String() != "**10** ✗ (≤ 5)" {
		t.Error(lines[0].Figures[2])
	}
	twice(lines[:1], "ours", "theirs") // -only: there is nothing to compare with
}

package measure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bound is what a figure must reach.
type Bound struct {
	Limit float64 `json:"limit"`
	Least bool    `json:"least"` // the figure must be at least Limit, not at most
	slack float64 // how far beyond it is still within
}

// AtLeast is a lower bound.
func AtLeast(v float64) *Bound { return &Bound{Limit: v, Least: true} }

// AtMost is an upper bound.
func AtMost(v float64) *Bound { return &Bound{Limit: v} }

// Allocs is an upper bound for allocations of one operation. A twentieth of one is
// still within: what a pool lost to the collector counts, too.
func Allocs(v float64) *Bound { return &Bound{Limit: v, slack: .05} }

// String is as TARGETS has it: "≥ .95".
func (b *Bound) String() string {
	if b.Least {
		return "≥ " + number(b.Limit)
	}
	return "≤ " + number(b.Limit)
}

// Met reports whether v is within the bound, both to the digits that are printed.
func (b *Bound) Met(v float64) bool {
	v, limit := rounded(v), rounded(b.Limit)
	if b.Least {
		return v >= limit-b.slack
	}
	return v <= limit+b.slack
}

// Figure is one number of a line.
type Figure struct {
	Name   string  `json:"name"` // the column
	Value  float64 `json:"value"`
	Spread float64 `json:"spread,omitempty"` // half of the distance between the quartiles
	Target *Bound  `json:"target,omitempty"`
	Missed bool    `json:"missed,omitempty"`
}

// NewFigure compares v with its target, which may be nil.
func NewFigure(name string, v, spread float64, target *Bound) Figure {
	return Figure{name, v, spread, target, target != nil && !target.Met(v)}
}

// String is the figure as a cell of a table.
func (f Figure) String() string {
	s := number(f.Value)
	if f.Spread > 0 && rounded(f.Value) < 100 {
		s += " ±" + number(f.Spread)
	}
	switch {
	case f.Target == nil:
		return s
	case f.Missed:
		return fmt.Sprintf("**%s** ✗ (%v)", s, f.Target)
	}
	return fmt.Sprintf("%s ✓ (%v)", s, f.Target)
}

// rounded has two decimals below 10, one below 100, none above.
func rounded(v float64) float64 {
	scale := 1.0
	switch a := math.Abs(v); {
	case a < 9.995:
		scale = 100
	case a < 99.95:
		scale = 10
	}
	return math.Round(v*scale) / scale
}

// number writes v as short as its digits that count allow: .95, 4.1, 26100.
func number(v float64) string {
	s := strconv.FormatFloat(rounded(v), 'f', -1, 64)
	if strings.HasPrefix(s, "0.") {
		return s[1:]
	}
	return s
}

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sonde/trace"
)

// The phases that are compared, in the order of a request.
var comparedPhases = []trace.Phase{
	trace.PhaseAcquire, trace.PhaseDNS, trace.PhaseConnect, trace.PhaseProxy, trace.PhaseTLS,
	trace.PhaseSend, trace.PhaseContinue, trace.PhaseWait, trace.PhaseReceive,
}

// compare shows the first request beside the others.
func (w *waterfall) compare(first *trace.Timeline, others []trace.Timeline) {
	w.line("", fmt.Sprintf("The first request, and the %s after it:", plural(len(others), "request")))
	cells := w.table()
	cells("", "first", "least", "median", "most")
	for _, p := range comparedPhases {
		own, there := spent(first, p)
		var times []time.Duration
		for i := range others {
			if d, ok := spent(&others[i], p); ok {
				times = append(times, d)
			}
		}
		if !there && len(times) == 0 {
			continue
		}
		cells(p.String(), append([]string{cell(own, there)}, spread(times)...)...)
	}
	var totals []time.Duration
	for i := range others {
		totals = append(totals, others[i].End)
	}
	cells("total", append([]string{cell(first.End, true)}, spread(totals)...)...)
	fmt.Fprintln(w.to)
	w.connections(others)
}

// table is what writes a line of four columns, or, where these do not fit, a sentence.
func (w *waterfall) table() func(label string, all ...string) {
	column := 12
	if w.width < labelColumns+4*column {
		column = 8
	}
	return func(label string, all ...string) {
		switch left := w.width - 4*column; {
		case left >= labelColumns-1: // the longest label
			line := fmt.Sprintf("%-*s", min(labelColumns, left), label)
			for _, c := range all {
				line += fmt.Sprintf("%*s", column, c)
			}
			fmt.Fprintln(w.to, line)
		case label == "":
			w.line("", strings.Join(all, ", ")+":")
		default:
			w.line(label, strings.Join(all, ", "))
		}
	}
}

// spent is how long the last attempt was in a phase. Attempts to connect overlap:
// the one that counts is the last.
func spent(one *trace.Timeline, p trace.Phase) (d time.Duration, there bool) {
	if len(one.Attempts) == 0 {
		return 0, false
	}
	spans := one.Attempts[len(one.Attempts)-1].Spans
	for i := range spans {
		if spans[i].Phase == p {
			d, there = spans[i].Duration(), true
		}
	}
	return d, there
}

func cell(d time.Duration, there bool) string {
	if !there {
		return "-"
	}
	if d < time.Microsecond {
		return "< 1 µs"
	}
	return shortTime(d)
}

// spread is the least, the median and the most.
func spread(all []time.Duration) []string {
	if len(all) == 0 {
		return []string{"-", "-", "-"}
	}
	slices.Sort(all)
	return []string{cell(all[0], true), cell(all[len(all)/2], true), cell(all[len(all)-1], true)}
}

// connections says how many of the others were sent on a connection that was there
// already, and why the rest was not.
func (w *waterfall) connections(others []trace.Timeline) {
	sent, reused := 0, 0
	opened, closed := map[string]int{}, map[string]int{}
	for i := range others {
		sent += len(others[i].Attempts)
		for j := range others[i].Attempts {
			a := &others[i].Attempts[j]
			switch {
			case a.Conn == 0:
			case a.Reused:
				reused++
			default:
				opened[a.Opened.String()]++
			}
			if a.Closed != trace.NoReason {
				closed[a.Closed.String()]++
			}
		}
	}
	what := "%d of %d after the first"
	if sent > len(others) {
		what = "%d of %d attempts after the first request"
	}
	w.line("reused", fmt.Sprintf(what, reused, sent))
	if len(opened) > 0 {
		w.line("opened", tally(opened))
	}
	if len(closed) > 0 {
		w.line("closed", tally(closed))
	}
}

// tally lists what was counted, the most frequent first.
func tally(counts map[string]int) string {
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d × %s", counts[name], name)
	}
	return strings.Join(names, ", ")
}

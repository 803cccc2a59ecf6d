package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sonde/inspect"
	"sonde/lab"
	"sonde/trace"
)

// labTable writes the experiments for people.
type labTable struct {
	to    io.Writer
	width int
	paint paint
	kept  map[string]time.Duration // time of a request on a kept connection, by client
}

func newLabTable(f *os.File) *labTable {
	return &labTable{to: f, width: widthOf(f), paint: paintFor(f), kept: map[string]time.Duration{}}
}

// wide is what the rows of the table need; below it each becomes a few lines.
const wide = 76

func (t *labTable) head(l *lab.Lab) {
	fmt.Fprintln(t.to, t.paint.title("How many connections does it take?"))
	t.paragraph("", "Counted by four witnesses: the client's own events, the server's accepts, "+
		"the kernel's table of sockets, the SYNs on the wire. TIME_WAIT: sockets that wait when it is over. "+
		"Time: of a request, the median.")
	if l.URL() != "" {
		t.paragraph("", "All experiments share "+l.URL()+"; they are told apart by time, and by what the kernel had before each.")
	}
}

// paragraph writes text behind a label, within the width.
func (t *labTable) paragraph(label, text string) {
	indent := strings.Repeat(" ", len([]rune(label)))
	text = wrap(text, max(t.width-len(indent), 20), "\x00")
	fmt.Fprintln(t.to, t.paint.dim(label)+strings.ReplaceAll(text, "\x00", indent))
}

// experiment writes the results of one experiment, by client.
func (t *labTable) experiment(results []lab.Result) {
	e := experimentOf(results[0].Experiment)
	if t.width >= wide {
		fmt.Fprintf(t.to, "\n%s, %s\n", t.paint.title(e.Name), amount(results[0]))
	} else {
		fmt.Fprintf(t.to, "\n%s\n  %s\n", t.paint.title(e.Name), amount(results[0]))
	}
	t.paragraph("  ", e.About)
	if t.width >= wide {
		fmt.Fprintln(t.to, t.paint.dim("            expected  client server kernel   wire TIME_WAIT       time"))
	}
	for _, r := range results {
		if t.width >= wide {
			t.row(r)
		} else {
			t.lines(r)
		}
	}
	label := "  why     "
	for _, r := range results {
		t.paragraph(label+fmt.Sprintf("%-8s  ", r.Client), reasons(r))
		label = "          "
	}
	label = "  packets "
	for _, r := range results {
		t.paragraph(label+fmt.Sprintf("%-8s  ", r.Client), diagnosis(r.Verdict))
		label = "          "
	}
	t.savings(results)
	t.paragraph("  lesson  ", e.Lesson)
	t.notes(e, results)
}

// notes says what is odd.
func (t *labTable) notes(e lab.Experiment, results []lab.Result) {
	for _, r := range results {
		switch {
		case r.Partial:
			t.paragraph("  note    ", r.Client+" was interrupted.")
		case !r.Connections.Agree():
			t.paragraph("  note    ", "The witnesses disagree about "+r.Client+": somebody else may use the port.")
		case !r.AsExpected && e.Otherwise != "":
			t.paragraph("  note    ", r.Client+": "+e.Otherwise)
		}
	}
}

// savings compares a connection for each request with a connection that is kept.
func (t *labTable) savings(results []lab.Result) {
	label := "  saves   "
	for _, r := range results {
		kept := t.kept[r.Client]
		switch {
		case r.Experiment == "sequential-drained":
			t.kept[r.Client] = r.Time.Median
		case r.Experiment == "connection-each" && kept > 0:
			t.paragraph(label+fmt.Sprintf("%-8s  ", r.Client), fmt.Sprintf("%s instead of %s with one that is kept (%.1f to 1)",
				shortTime(r.Time.Median), shortTime(kept), float64(r.Time.Median)/float64(kept)))
			label = "          "
		}
	}
}

func experimentOf(name string) lab.Experiment {
	all := lab.Experiments()
	return all[slices.IndexFunc(all, func(e lab.Experiment) bool { return e.Name == name })]
}

func (t *labTable) row(r lab.Result) {
	n := r.Connections
	fmt.Fprintf(t.to, "  %-8s  %8s %7d%7d%7s%7s%10d %10s  %s\n", r.Client, r.Expected, n.Client, n.Server,
		count(n.Kernel), count(n.Wire), r.TimeWait(), shortTime(r.Time.Median), t.verdict(r))
}

func (t *labTable) lines(r lab.Result) {
	n := r.Connections
	fmt.Fprintf(t.to, "  %s: %s\n", r.Client, t.verdict(r))
	fmt.Fprintf(t.to, "    expected %s\n    client %d, server %d\n    kernel %s, wire %s\n", r.Expected, n.Client, n.Server, count(n.Kernel), count(n.Wire))
	fmt.Fprintf(t.to, "    TIME_WAIT %d\n    time %s\n", r.TimeWait(), shortTime(r.Time.Median))
}

func (t *labTable) verdict(r lab.Result) string {
	switch {
	case r.Partial:
		return t.paint.bad("stopped")
	case !r.Connections.Agree():
		return t.paint.bad("disputed")
	case !r.AsExpected:
		return t.paint.bad("differs")
	}
	return t.paint.good("ok")
}

// count is what a witness counted, if it could.
func count(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

// diagnosis is what the packets say about reuse.
func diagnosis(v *inspect.Verdict) string {
	switch {
	case v == nil:
		return "packets cannot be seen"
	case v.Healthy && !v.Certain:
		return "healthy, as far as could be seen"
	case v.Healthy:
		return "healthy"
	}
	var causes []string
	for _, c := range v.Causes {
		causes = append(causes, string(c.Cause))
	}
	return strings.Join(causes, ", or ")
}

func amount(r lab.Result) string {
	if r.Goroutines == 1 {
		return plural(r.Requests, "request")
	}
	return fmt.Sprintf("%s of %d goroutines", plural(r.Requests, "request"), r.Goroutines)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// reasons are why connections were opened, the most frequent first.
func reasons(r lab.Result) string {
	type why struct {
		reason trace.Reason
		n      uint64
	}
	var all []why
	for reason, n := range r.Reasons {
		all = append(all, why{reason, n})
	}
	slices.SortFunc(all, func(a, b why) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.reason, b.reason))
	})
	if len(all) == 0 && r.Connections.Client > 0 {
		return "it does not say"
	}
	var parts []string
	for _, w := range all {
		parts = append(parts, fmt.Sprintf("%d × %s", w.n, w.reason))
	}
	if len(parts) == 0 {
		return "no connection"
	}
	return strings.Join(parts, ", ")
}

// shortTime is d with three digits or so.
func shortTime(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

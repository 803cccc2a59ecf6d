package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"sonde/trace"
)

// waterfall draws phases as bars on one axis of time.
type waterfall struct {
	to    io.Writer
	width int
	paint paint
	total time.Duration
	bars  int // columns of the axis
}

// The columns left of the axis: the phase, and how long it took.
const (
	labelColumns = 9
	timeColumns  = 11
	leftOfBars   = labelColumns + timeColumns + 2
)

func newWaterfall(f *os.File) *waterfall {
	w := &waterfall{to: f, width: widthOf(f), paint: paintFor(f)}
	w.bars = max(w.width-leftOfBars, 10)
	return w
}

// row is one bar.
type row struct {
	label      string
	start, end time.Duration
	note       string
	failed     bool
}

// draw draws the attempts of a call.
func (w *waterfall) draw(one *trace.Timeline) {
	w.total = max(one.End, time.Microsecond)
	fmt.Fprintln(w.to, w.paint.dim(strings.TrimRight(strings.Repeat(" ", leftOfBars)+w.axis(), " ")))
	for i := range one.Attempts {
		a := &one.Attempts[i]
		if len(one.Attempts) > 1 {
			w.line("", fmt.Sprintf("attempt %d: %s", a.Number, became(a)))
		}
		for _, r := range rows(a) {
			w.row(r)
		}
	}
	fmt.Fprintf(w.to, "%-*s%*s\n", labelColumns, "total", timeColumns, millis(one.End))
}

// became is what became of an attempt.
func became(a *trace.Attempt) string {
	what := "no connection"
	switch {
	case a.Redirect != "":
		what = fmt.Sprintf("%d, on to %s", a.Status, a.Redirect)
	case a.Err != nil:
		what = a.Err.Error()
	case a.Status != 0:
		what = fmt.Sprint(a.Status)
	}
	if a.Retried {
		what += "; sent again"
	}
	return interim(a) + what
}

// rows are the phases of an attempt that are worth a bar.
func rows(a *trace.Attempt) []row {
	var all []row
	dialed := a.Find(trace.PhaseDNS) != nil || a.Find(trace.PhaseConnect) != nil
	for i := range a.Spans {
		s := &a.Spans[i]
		if s.Phase == trace.PhaseAcquire && dialed && !a.Reused {
			continue // the dial is what it waited for
		}
		all = append(all, row{
			label: s.Phase.String(), start: s.Start, end: s.End,
			note: note(a, s), failed: s.Err != nil || s.Cut,
		})
	}
	return all
}

// note is what is to be said of one phase.
func note(a *trace.Attempt, s *trace.Span) string {
	text := ""
	switch s.Phase {
	case trace.PhaseAcquire:
		if a.Reused {
			text = "reused"
		}
	case trace.PhaseDNS:
		text = s.Host
		if len(s.Addrs) > 0 {
			text = strings.Trim(fmt.Sprint(s.Addrs), "[]")
		}
	case trace.PhaseConnect, trace.PhaseProxy:
		if text = s.Host; s.Remote.IsValid() {
			text = s.Remote.String()
		}
	}
	if s.Err != nil {
		if text != "" {
			text += ": "
		}
		text += short(s.Err)
	}
	return text
}

// short is the text of err without the address that stands beside it.
func short(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return err.Error()
}

// row writes one bar, with its note to its right if it fits there, else below.
func (w *waterfall) row(r row) {
	bar, end := w.bar(r.start, r.end)
	color := w.paint.good
	if r.failed {
		bar, color = strings.Repeat("░", utf8.RuneCountInString(bar)), w.paint.bad
	}
	fmt.Fprintf(w.to, "%-*s%*s  %s%s", labelColumns, r.label, timeColumns, millis(r.end-r.start),
		strings.Repeat(" ", end-utf8.RuneCountInString(bar)), color(bar))
	switch note := oneLine(r.note); {
	case note == "":
		fmt.Fprintln(w.to)
	case utf8.RuneCountInString(note)+1 <= w.bars-end:
		fmt.Fprintln(w.to, " "+w.paint.dim(note))
	default:
		fmt.Fprintln(w.to)
		indent := strings.Repeat(" ", min(labelColumns, w.width/8))
		note = wrap(note, w.width-len(indent), "\x00")
		fmt.Fprintln(w.to, indent+w.paint.dim(strings.ReplaceAll(note, "\x00", indent)))
	}
}

const eighths = " ▏▎▍▌▋▊▉"

// bar is what is drawn from start to end, and the column after it. It is there
// however short it is.
func (w *waterfall) bar(start, end time.Duration) (string, int) {
	column := func(d time.Duration) float64 { return float64(d) / float64(w.total) * float64(w.bars) }
	from := min(int(column(start)), w.bars-1)
	length := max(min(column(end), float64(w.bars))-float64(from), 0.125)
	whole := int(length)
	bar := strings.Repeat("█", whole)
	if part := int((length - float64(whole)) * 8); part > 0 {
		bar += string([]rune(eighths)[part])
	}
	if bar == "" {
		bar = "▏"
	}
	return bar, from + utf8.RuneCountInString(bar)
}

// axis is the marks above the bars: round numbers, with a unit at the last.
func (w *waterfall) axis() string {
	total := float64(w.total) / 1e6
	step := math.Pow(10, math.Floor(math.Log10(total)))
	most := float64(w.bars) / 9 // marks that fit
	for step*most > total*2 || step > total/2 {
		step /= 10
	}
	for i := 0; total/step > most; i++ {
		step *= []float64{2, 2.5, 2}[i%3]
	}
	line, from, to := []rune(strings.Repeat(" ", w.bars)), 0, 0
	for mark := 0.0; ; mark += step {
		text := fmt.Sprintf("%.6g", mark)
		last := mark+step > total
		if last {
			text += " ms"
		}
		at := int(mark / total * float64(w.bars))
		if at+len(text) > w.bars {
			at = max(w.bars-len(text), 0)
		}
		if at <= to && mark > 0 { // the last one had to move
			copy(line[from:to], []rune(strings.Repeat(" ", to-from)))
		}
		from, to = at, copy(line[at:], []rune(text))+at
		if last {
			return string(line)
		}
	}
}

// line writes text, wrapped, behind a label.
func (w *waterfall) line(label, text string) {
	indent := ""
	if label != "" {
		label = fmt.Sprintf("%-*s ", labelColumns, label)
		indent = strings.Repeat(" ", len(label))
	}
	text = wrap(oneLine(text), w.width-len(indent), "\x00")
	fmt.Fprintln(w.to, w.paint.dim(label)+strings.ReplaceAll(text, "\x00", indent))
}

// millis is d in milliseconds, to the microsecond.
func millis(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return fmt.Sprintf("%.3f ms", float64(d)/1e6)
}

// oneLine is s with everything written as an escape that could steer a terminal or
// begin another line.
func oneLine(s string) string { return lineBreaks.Replace(printable(s)) }

// lineBreaks is made once: making it for each of 10,000 sockets was a quarter of the
// CPU time of listing them with their owners, and most of the garbage.
var lineBreaks = strings.NewReplacer("\n", `\n`, "\t", `\t`)

package measure

import (
	"fmt"
	"slices"
	"time"
)

// Load says how the clients of a row run.
type Load struct {
	Workers   int           // operations under way at once
	Warm      int           // operations of each worker before each slice
	Sparse    int           // one of so many operations has its time taken; 0: all
	Slice     time.Duration // of one client in one round
	Budget    time.Duration // of all clients together
	MinRounds int           // even where the budget is over
	MaxRounds int           // 0: as many as the budget allows
	Size      int64         // bytes of one operation, for a column of MB/s; 0: requests/s
	Ref       string        // the client that others are compared with
	Targets   map[string]Targets
}

// Targets are what one client must reach; nil is no target.
type Targets struct {
	Rate   *Bound // requests/s ÷ raw
	CPU    *Bound // ÷ raw
	User   *Bound // user ns ÷ raw
	Allocs *Bound // per operation
}

// Run runs the clients and returns a line for each of them.
func Run(l Load, clients []Client) []Line {
	var runners []*runner
	for _, c := range clients {
		runners = append(runners, newRunner(c, l.Workers))
	}
	defer func() {
		for _, r := range runners {
			if r.Close != nil {
				r.Close()
			}
		}
	}()
	var ref *runner
	rest := runners
	if i := slices.IndexFunc(runners, func(r *runner) bool { return r.Name == l.Ref }); i >= 0 {
		ref = runners[i]
		rest = slices.Delete(slices.Clone(runners), i, i+1)
	}
	start := time.Now()
	for round := 0; l.More(round, time.Since(start)); round++ {
		l.round(round, ref, rest)
	}
	return l.lines(ref, runners)
}

// round gives each client a slice, and the reference, if there is one, a slice
// between every two.
func (l *Load) round(round int, ref *runner, rest []*runner) {
	slice := func(r *runner) bool {
		if r != nil && r.err == nil {
			r.run(l)
			return r.err == nil
		}
		return false
	}
	referred := slice(ref)
	for i := range rest {
		r := rest[(i+round)%len(rest)]
		if r.err != nil {
			continue
		}
		var b beside
		if referred {
			b.before = ref.last()
		}
		done := slice(r)
		if referred = slice(ref); referred {
			b.after = ref.last()
		}
		if done {
			r.beside = append(r.beside, b)
		}
	}
}

// More reports whether another round fits, judged by those before it.
func (l *Load) More(rounds int, spent time.Duration) bool {
	switch {
	case rounds < max(l.MinRounds, 1):
		return true
	case l.MaxRounds > 0 && rounds >= l.MaxRounds:
		return false
	}
	return spent+spent/time.Duration(rounds) <= l.Budget
}

func (l *Load) lines(ref *runner, runners []*runner) []Line {
	var lines []Line
	for _, r := range runners {
		line := Line{Client: r.Name}
		if r.err != nil {
			line.Note = fmt.Sprintf("failed: %v", r.err)
		} else {
			line.Figures = l.figures(r, ref)
			line.Ops = int64(sum(r.each(Sample.ops)))
		}
		lines = append(lines, line)
	}
	return lines
}

// figures are the columns of a loaded row. Ratios of rate and CPU are medians over
// the slices; user time, which the kernel may only sample, is a ratio of sums.
func (l *Load) figures(r, ref *runner) []Figure {
	t := l.Targets[r.Name]
	rate := r.each(Sample.rate)
	ops := sum(r.each(Sample.ops))
	var fs []Figure
	add := func(name string, v, spread float64, b *Bound) { fs = append(fs, NewFigure(name, v, spread, b)) }

	perSecond, _ := Median(rate)
	if l.Size > 0 {
		add("MB/s", perSecond*float64(l.Size)/1e6, 0, nil)
	} else {
		add("req/s", perSecond, 0, nil)
	}
	user := sum(r.each(func(s Sample) float64 { return float64(s.User) })) / ops
	if ref != nil && ref.err == nil && r != ref {
		ratio, spread := Median(r.ratios(Sample.rate))
		add("÷ "+l.Ref, ratio, spread, t.Rate)
		ratio, spread = Median(r.ratios(Sample.cpuPerOp))
		add("CPU ÷ "+l.Ref, ratio, spread, t.CPU)
		refOps := sum(ref.each(Sample.ops))
		refUser := sum(ref.each(func(s Sample) float64 { return float64(s.User) })) / refOps
		if refUser > 0 {
			add("user ÷ "+l.Ref, user/refUser, 0, t.User)
		}
	} else if ref != nil {
		for _, name := range []string{"÷ ", "CPU ÷ ", "user ÷ "} {
			add(name+l.Ref, 1, 0, nil)
		}
	}
	add("CPU ns/op", sum(r.each(func(s Sample) float64 { return float64(s.User + s.System) }))/ops, 0, nil)
	add("user ns/op", user, 0, nil)
	allocs, _ := Median(r.each(func(s Sample) float64 { return float64(s.Allocs) / float64(s.Ops) }))
	bytes, _ := Median(r.each(func(s Sample) float64 { return float64(s.Bytes) / float64(s.Ops) }))
	add("allocs/op", allocs, 0, t.Allocs)
	add("B/op", bytes, 0, nil)
	add("p50 µs", r.latency.Quantile(.5)/1e3, 0, nil)
	add("p99 µs", r.latency.Quantile(.99)/1e3, 0, nil)
	return fs
}

func (r *runner) each(f func(Sample) float64) []float64 {
	var out []float64
	for _, s := range r.samples {
		out = append(out, f(s))
	}
	return out
}

func (s Sample) ops() float64      { return float64(s.Ops) }
func (s Sample) rate() float64     { return float64(s.Ops) / s.Wall.Seconds() }
func (s Sample) cpuPerOp() float64 { return float64(s.User+s.System) / float64(s.Ops) }

package main

import (
	"regexp"
	"slices"
	"time"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// row is one comparison: a table in the report.
type row struct {
	name, title string
	run         func(*env) ([]measure.Line, error)
}

// rows are all there are. Each group has a file of its own, rows_….go: rows of
// another package of sonde get another file and another line here.
func rows() []row {
	return slices.Concat(
		smallRows(),
		contextRows(),
		tlsRows(),
		bulkRows(),
		oneShotRows(),
		netHTTPRows(),
		traceRows(),
		idleRows(),
		buildRows(),
		startRows(),
		captureRows(),
		decodeRows(),
		filterRows(),
		socketRows(),
	)
}

// env is what rows run with.
type env struct {
	site  *serve.Site
	only  *regexp.Regexp
	alone bool // without raw

	unit      time.Duration // of measuring, for a row of weight 1
	budget    time.Duration // for any row instead; 0: none
	slice     time.Duration
	minRounds int
	maxRounds int
	size      int64         // of a large body
	idle      int           // connections in the row of idle ones, and sockets that are listed
	repeat    int           // of what is done in processes of its own
	flood     time.Duration // of packets, while one tool captures
}

// full takes some twenty minutes.
func full() *env {
	return &env{unit: 32 * time.Second, slice: 200 * time.Millisecond, minRounds: 5,
		size: 100 << 20, idle: 10000, repeat: 5, flood: 2 * time.Second}
}

// quick takes less than two minutes.
func quick() *env {
	return &env{unit: 3 * time.Second, slice: 100 * time.Millisecond, minRounds: 2,
		size: 100 << 20, idle: 10000, repeat: 1, flood: 500 * time.Millisecond}
}

// load is a Load with weight times the usual budget.
func (e *env) load(workers, weight int) measure.Load {
	budget := e.unit * time.Duration(weight)
	if e.budget > 0 {
		budget = e.budget
	}
	return measure.Load{Workers: workers, Warm: 20, Sparse: 8, Slice: e.slice, Budget: budget,
		MinRounds: e.minRounds, MaxRounds: e.maxRounds, Ref: "raw"}
}

// measure runs the clients that were asked for.
func (e *env) measure(l measure.Load, clients ...measure.Client) []measure.Line {
	return measure.Run(l, slices.DeleteFunc(clients, func(c measure.Client) bool {
		if e.wants(c.Name) || c.Name == l.Ref && !e.alone {
			return false
		}
		if c.Close != nil {
			c.Close()
		}
		return true
	}))
}

// rounds calls f as often as the budget of a row allows.
func (e *env) rounds(f func(round int) error) error {
	l := e.load(0, 1)
	start := time.Now()
	for round := 0; l.More(round, time.Since(start)); round++ {
		if err := f(round); err != nil {
			return err
		}
	}
	return nil
}

// loopBudget is for a row of Loops, whose figures settle within seconds.
func (e *env) loopBudget() time.Duration { return min(e.load(0, 1).Budget, 10*time.Second) }

func (e *env) wants(client string) bool { return e.only == nil || e.only.MatchString(client) }

// job is a GET of path from the plain server.
func (e *env) job(path string, workers int) (*peer.Job, error) {
	return peer.NewJob(peer.Job{Addr: e.site.Plain, Path: path, Workers: workers})
}

// skipped is a row that cannot run here.
func skipped(why string) []measure.Line {
	return []measure.Line{{Client: "–", Note: "skipped: " + why}}
}

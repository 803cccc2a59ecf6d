package sonde_test

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/internal/race"
)

// mallocs is how many allocations the process makes for n calls of f by each of some
// goroutines, for one call. testing.AllocsPerRun rounds down: an allocation in two
// of three calls is none to it. The collector, which empties pools, stays away.
func mallocs(goroutines, n int, f func(worker int)) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	all := func(n int) {
		var wait sync.WaitGroup
		for w := range goroutines {
			wait.Go(func() {
				for range n {
					f(w)
				}
			})
		}
		wait.Wait()
	}
	all(50)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all(n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(goroutines*n)
}

// TestAllocationsInAll: what TestAllocations claims holds to a fraction, and for many
// calls at once, too.
func TestAllocationsInAll(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	const crowd = 16
	c := newClient(t, sonde.Config{Pool: sonde.PoolConfig{MaxIdle: -1, MaxIdlePerOrigin: -1}})
	url := rawServer(t, smallAnswer)
	req := sonde.NewRequest(sonde.GET, url)
	silent := sonde.NewRequest(sonde.GET, url, sonde.WithSink(nil))
	shared, cancel := context.WithCancel(context.Background())
	defer cancel()
	var into [crowd]sonde.Response
	do := func(ctx context.Context, req *sonde.Request, w int) {
		if err := c.DoInto(ctx, req, &into[w]); err != nil || string(into[w].Body) != "hello world" {
			t.Errorf("%q, %v", into[w].Body, err)
		}
	}
	cancelled := func(f func(context.Context)) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		f(ctx)
	}
	timed := func(f func(context.Context)) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		f(ctx)
	}
	nothing := func(context.Context) {}
	// A call that lasts longer than a tick, as some do on a busy machine, registers
	// with its context, which allocates.
	const exact, busy = .1, .5
	for _, tt := range []struct {
		name  string
		most  float64
		slack float64
		f     func(w int)
	}{
		{"background", 0, exact, func(w int) { do(context.Background(), req, w) }},
		{"a sink that is nil", 0, exact, func(w int) { do(context.Background(), silent, w) }},
		{"cancellable context shared", 0, busy, func(w int) { do(shared, req, w) }},
		{"cancellable context made per call", mallocs(1, 1000, func(int) { cancelled(nothing) }), busy, func(w int) {
			cancelled(func(ctx context.Context) { do(ctx, req, w) })
		}},
		{"context with timeout made per call", mallocs(1, 1000, func(int) { timed(nothing) }), busy, func(w int) {
			timed(func(ctx context.Context) { do(ctx, req, w) })
		}},
		{"Do", 2, exact, func(int) {
			if _, err := c.Do(context.Background(), req); err != nil {
				t.Error(err)
			}
		}},
	} {
		for _, goroutines := range []int{1, crowd} {
			if n := mallocs(goroutines, 8000/(goroutines+3), tt.f); n > tt.most+tt.slack {
				t.Errorf("%s, %d goroutines: %.2f allocations a call, want %.2f", tt.name, goroutines, n, tt.most)
			} else {
				t.Logf("%s, %d goroutines: %.3f allocations a call, of %.2f", tt.name, goroutines, n, tt.most)
			}
		}
	}
}

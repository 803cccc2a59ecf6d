package lab

import (
	"context"
	"sync"
	"time"
)

// load is the requests of one experiment.
type load struct {
	experiment, client   string
	requests, goroutines int // requests of each goroutine
	interval             time.Duration
	tell                 func(Request)

	mu    sync.Mutex
	times []time.Duration // of the requests that were answered
}

func (l *Lab) load(e *Experiment, client string) *load {
	d := &load{
		experiment: e.Name, client: client, requests: l.cfg.Requests, goroutines: 1,
		interval: l.cfg.Interval, tell: l.cfg.OnRequest,
	}
	if e.Concurrent {
		d.goroutines = l.cfg.Goroutines
	}
	return d
}

// run sends all requests and waits. The first error ends it.
func (d *load) run(ctx context.Context, get func(context.Context) (Visit, error)) error {
	going, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	start := make(chan struct{})
	var begin time.Time
	for g := range d.goroutines {
		all.Go(func() {
			<-start
			if err := d.sequence(ctx, going, begin, g+1, get); err != nil {
				cancel(err)
			}
		})
	}
	begin = time.Now()
	close(start)
	all.Wait()
	return context.Cause(going)
}

// sequence is one goroutine's requests, one for each interval since begin, so that
// goroutines send together. It asks going whether to go on, but gives the requests
// ctx: what they leave behind is looked at after the experiment.
func (d *load) sequence(ctx, going context.Context, begin time.Time, goroutine int, get func(context.Context) (Visit, error)) error {
	for number := 1; number <= d.requests; number++ {
		if !sleep(going, time.Until(begin.Add(time.Duration(number-1)*d.interval))) {
			return nil
		}
		sent := time.Now()
		v, err := get(ctx)
		if d.note(number, goroutine, v, time.Since(sent), err); err != nil {
			return err
		}
	}
	return nil
}

// note tells of a request that is over.
func (d *load) note(number, goroutine int, v Visit, took time.Duration, err error) {
	if d.tell != nil {
		d.tell(Request{
			Experiment: d.experiment, Client: d.client, Number: number, Goroutine: goroutine,
			Connection: v.Connection, Reused: v.Reused, Time: took, Err: err,
		})
	}
	if err == nil {
		d.mu.Lock()
		d.times = append(d.times, took)
		d.mu.Unlock()
	}
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

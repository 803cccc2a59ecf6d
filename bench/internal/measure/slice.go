package measure

import (
	"context"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"
)

// Sample is what one slice found out.
type Sample struct {
	Ops          int64
	Wall         time.Duration
	User, System time.Duration // CPU of this process
	Allocs       uint64
	Bytes        uint64
}

// Client is one contender.
type Client struct {
	Name string
	// Op makes what one worker runs over and over; all workers of a client run at
	// once. An operation checks its answer: an error ends the client's part.
	Op func(worker int) (func() error, error)
	// Close ends it; may be nil.
	Close func()
}

// runner is a Client in a row, with all of its slices so far.
type runner struct {
	Client
	ops     []func() error
	hists   []Hist // one a worker
	latency Hist
	samples []Sample
	beside  []beside // of the reference, one for each sample
	err     error
}

// beside is what the reference did right before and right after a slice.
type beside struct{ before, after Sample }

// ratios divides a figure of each slice by that of its neighbours.
func (r *runner) ratios(figure func(Sample) float64) []float64 {
	var out []float64
	for i, b := range r.beside {
		if ref := (figure(b.before) + figure(b.after)) / 2; ref > 0 {
			out = append(out, figure(r.samples[i])/ref)
		}
	}
	return out
}

// last is the latest sample.
func (r *runner) last() Sample { return r.samples[len(r.samples)-1] }

func newRunner(c Client, workers int) *runner {
	r := &runner{Client: c, hists: make([]Hist, workers)}
	for i := range workers {
		op, err := c.Op(i)
		if err != nil {
			r.err = err
			break
		}
		r.ops = append(r.ops, op)
	}
	return r
}

// slice is the common state of the workers of one slice.
type slice struct {
	warm    int // operations of each worker before the clock starts
	sparse  int // one of so many operations has its time taken
	ready   sync.WaitGroup
	done    sync.WaitGroup
	gate    chan struct{}
	stop    atomic.Bool
	ops     atomic.Int64
	failure atomic.Pointer[error]
}

// run is one slice: workers warm up, wait for each other, and run until d is over
// and their last operation has ended. Starting and warming is not measured.
func (r *runner) run(l *Load) {
	runtime.GC() // the garbage of others is not this client's
	s := &slice{warm: l.Warm, sparse: max(l.Sparse, 1), gate: make(chan struct{})}
	pprof.Do(context.Background(), pprof.Labels("client", r.Name), func(context.Context) {
		for i, op := range r.ops {
			s.ready.Add(1)
			s.done.Add(1)
			go s.work(op, &r.hists[i])
		}
	})
	s.ready.Wait()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	user, system := processCPU()
	start := time.Now()
	close(s.gate)
	time.Sleep(l.Slice)
	s.stop.Store(true)
	s.done.Wait()
	out := Sample{Ops: s.ops.Load(), Wall: time.Since(start)}
	userEnd, systemEnd := processCPU()
	runtime.ReadMemStats(&after)
	out.User, out.System = userEnd-user, systemEnd-system
	out.Allocs, out.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	if err := s.failure.Load(); err != nil {
		r.err = *err
		return
	}
	r.samples = append(r.samples, out)
	for i := range r.hists {
		r.latency.Merge(&r.hists[i])
		r.hists[i] = Hist{}
	}
}

// work is one worker.
func (s *slice) work(op func() error, h *Hist) {
	defer s.done.Done()
	for range s.warm {
		if s.failed(op()) {
			break
		}
	}
	s.ready.Done()
	<-s.gate
	n := int64(0)
	for ; n == 0 || !s.stop.Load(); n++ {
		if n%int64(s.sparse) != 0 {
			if s.failed(op()) {
				return
			}
			continue
		}
		start := time.Now()
		if s.failed(op()) {
			return
		}
		h.Add(int64(time.Since(start)))
	}
	s.ops.Add(n)
}

// failed must not let err escape, which would cost every operation an allocation.
func (s *slice) failed(err error) bool {
	if err == nil {
		return false
	}
	failure := err
	s.failure.CompareAndSwap(nil, &failure)
	s.stop.Store(true)
	return true
}

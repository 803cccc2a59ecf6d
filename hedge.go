package sonde

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/socket"
	"sonde/trace"
)

// Hedge says when a request is sent once more, beside an attempt that has no answer
// yet: the first response that is no 5xx is taken. It buys the slowest calls time
// for a few more requests. The zero Hedge never does.
//
// Only requests whose method is idempotent (RFC 9110 §9.2.2), or that have an
// Idempotency-Key, are hedged, and only if their body can be opened more than once at
// a time: one in memory, a File or a Func. Those with trailers, or with progress of
// their upload, are not. Another attempt takes an idle connection or dials a new one,
// but waits for none, and counts towards Config.RetryBudget.
//
// The attempt that loses is cancelled: if its response has begun, its connection is
// kept where Limits.Drain allows, otherwise it is closed. With several attempts under
// way hooks and Informational are called by several goroutines at once.
type Hedge struct {
	// Delay is how long an attempt may be without a response's head before another
	// begins; the 95th percentile of the server's times is usual. 0 or less: never.
	Delay time.Duration

	// Max is how many more attempts there may be, each Delay after the one before.
	// 0: 1.
	Max int
}

// filled is h with its defaults.
func (h Hedge) filled() Hedge {
	fill(&h.Delay, 0)
	fill(&h.Max, 1)
	return h
}

// errHedgeLost is the cause of the cancel of an attempt that lost.
var errHedgeLost = errors.New("another attempt was answered first")

// hedge is what is said of hedges of k's request; nil: there are none.
func (k *call) hedge() *Hedge {
	h, r := &k.client.cfg.Hedge, k.req
	if r.set.hedge != nil {
		h = r.set.hedge
	}
	if h.Delay <= 0 || h.Max <= 0 || k.client.cfg.Bare || !r.replayable() || r.body.single ||
		r.set.upgrade || r.set.trailer != nil || r.set.uploaded != nil || r.method == CONNECT {
		return nil
	}
	return h
}

// race is an attempt that may have others beside it. Its attempts may outlive the call
// that asked for it, so that it has nothing of that call's.
type race struct {
	client  *Client
	ctx     context.Context
	req     *Request
	body    bool       // the request has one, which is the caller's until all have ended
	log     *event.Log // what the logs of all attempts have in common; nil if nobody listens
	legs    []*leg
	results chan *leg // room for all, so that none waits
	ended   sync.WaitGroup
}

// leg is one of the attempts. What it got is its goroutine's until the leg is in
// results, then the race's until there is a verdict.
type leg struct {
	round   round
	began   int64
	cancel  context.CancelCauseFunc
	ex      *Exchange
	err     error
	panic   any         // with what the program's own code has panicked, if it did
	got     atomic.Bool // one of them is there
	quiet   bool        // the call itself tells of its end
	verdict chan bool   // whether it has won; room for one
}

// race makes an attempt, and others beside it where it takes long.
func (k *call) race(h *Hedge, req *Request, retry bool) *fault.Fault {
	r := &race{client: k.client, ctx: k.ctx, req: req, body: !req.body.empty(), results: make(chan *leg, h.Max+1)}
	if k.log.On() {
		first := k.first
		r.log = &first
	}
	if !r.start(*k.newRound(retry)) {
		return fault.New(fault.Acquire, ErrClosed)
	}
	timer := time.NewTimer(h.Delay)
	defer timer.Stop()
	var best *leg // of those that have come, none of which is good
	for running := 1; ; {
		select {
		case l := <-r.results:
			running--
			if l.panic != nil { // whoever recovers is further up from here
				l.quiet = true
				r.verdicts(nil)
				panic(l.panic)
			}
			if l.err == nil && l.ex.Status.Class() != 5 {
				return r.end(k, l)
			}
			if best == nil || best.err != nil && (l.err == nil || l.round.number < best.round.number) {
				best = l
			}
			if running == 0 {
				return r.end(k, best)
			}
		case <-timer.C:
			if len(r.legs) <= h.Max && k.client.spend() && r.beside() {
				running++
				timer.Reset(h.Delay)
			}
		case <-k.ctx.Done():
			r.legs[0].quiet = true
			r.verdicts(nil)
			return &fault.Fault{Op: fault.FirstByte, Err: socket.ContextError(k.ctx), Sent: true}
		}
	}
}

// start begins an attempt. It reports false if the client is closed.
func (r *race) start(what round) bool {
	l := &leg{round: what, began: clock.Now(), verdict: make(chan bool, 1)}
	var ctx context.Context
	ctx, l.cancel = context.WithCancelCause(context.WithValue(r.ctx, roundKey{}, &l.round))
	r.ended.Add(1)
	if !r.client.pool.Go(func() { r.run(ctx, l) }) {
		r.ended.Done()
		l.cancel(nil)
		return false
	}
	r.legs = append(r.legs, l)
	return true
}

// beside begins another attempt, and says so.
func (r *race) beside() bool {
	last := r.legs[len(r.legs)-1]
	next := last.round
	next.number, next.retry, next.spare = next.number+1, false, true
	r.emit(last, &trace.Event{Kind: trace.Hedge, Detail: &trace.Detail{Wait: time.Duration(clock.Now() - last.began)}})
	r.emit(&leg{round: next}, &trace.Event{Kind: trace.AttemptStart, Detail: &trace.Detail{Method: string(r.req.method), URL: r.req.URL()}})
	return r.start(next)
}

// emit tells of what happened to an attempt.
func (r *race) emit(l *leg, e *trace.Event) {
	if r.log.On() {
		log := *r.log
		log.Attempt = l.round.number
		log.Emit(e)
	}
}

// run is an attempt, on its own goroutine.
func (r *race) run(ctx context.Context, l *leg) {
	defer r.ended.Done()
	defer r.conclude(l)
	l.err = r.req.error(fault.Request, errPanicked) // should answer not return
	l.ex, l.err = r.client.answer(ctx, r.req)
}

// conclude hands over what an attempt got, and cleans up if it has lost.
func (r *race) conclude(l *leg) {
	l.panic = recover()
	l.got.Store(true)
	r.results <- l
	if <-l.verdict {
		return
	}
	err := l.err
	if l.ex != nil {
		l.ex.Body.lose(!r.body)
	}
	if err == nil || errors.Is(err, errHedgeLost) {
		err = errHedgeLost
	}
	l.cancel(nil)
	if !l.quiet {
		r.emit(l, &trace.Event{Kind: trace.AttemptDone, Err: err})
	}
}

// verdicts tells all attempts whether they have won: best has, nil for none.
func (r *race) verdicts(best *leg) {
	for _, l := range r.legs {
		if l != best && !l.got.Load() {
			l.cancel(errHedgeLost)
		}
		l.verdict <- l == best
	}
	if best == nil {
		r.settle()
	}
}

// settle waits for all attempts where they have something of the caller's.
func (r *race) settle() {
	if r.body {
		r.ended.Wait()
	}
}

// end makes best the outcome of k's attempt.
func (r *race) end(k *call, best *leg) *fault.Fault {
	r.verdicts(best)
	k.attempt = best.round.number
	if last := r.legs[len(r.legs)-1].round.number; last > k.attempt {
		k.travel().beside = last - k.attempt
	}
	over := func() {
		best.cancel(nil)
		r.settle()
	}
	if best.err != nil {
		over()
		if k.log.On() {
			k.log = k.newLog(0)
		}
		return k.unwrap(best.err)
	}
	k.adopt(best.ex, over)
	return nil
}

// lose ends the exchange of an attempt that has lost, with its connection kept where
// little is left to read and drain allows to read it.
func (b *BodyReader) lose(drain bool) {
	b.mu.Lock()
	if k := b.k; k != nil {
		if drain && !k.stream.Done() {
			k.drain()
		}
		if k.stream.Done() {
			b.finish(trace.NoReason, errHedgeLost)
		}
	}
	b.mu.Unlock()
	b.cut(trace.HedgeLost)
}

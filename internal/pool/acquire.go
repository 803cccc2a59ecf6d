package pool

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"sonde/internal/clock"
	"sonde/internal/fault"
	"sonde/internal/socket"
	"sonde/trace"
)

// Acquire finds or makes a connection for one exchange; Release ends it. Its
// errors are faults of the phase fault.Acquire — the end of ctx or of w.Until in
// the queue, ErrBusy, ErrClosed — or those of w.Dialer, as they are.
//
// A hit does not look at ctx.
func (p *Pool) Acquire(ctx context.Context, w *Want) (Got, error) {
	now := w.Now
	if now == 0 {
		now = clock.Now()
	}
	pl, err := p.place(w)
	if err != nil {
		return Got{}, err
	}
	pl.mu.Lock()
	a := pl.take(w, nil, now)
	pl.mu.Unlock()
	if a.verdict == useIt {
		return Got{Conn: a.conn, Reused: true, Idle: a.idle, Now: now}, nil
	}
	return p.acquire(ctx, w, pl, a, now)
}

// Hit is Acquire of a connection that is idle, needs no check, and is of the place
// that at holds, which must be of p; nil if there is none, which changes nothing.
// What it does not need is a Want, of some 200 bytes.
func (p *Pool) Hit(at *atomic.Pointer[Place], now int64) (c *Conn, idle time.Duration) {
	pl := at.Load()
	if pl == nil {
		return nil, 0
	}
	pl.mu.Lock()
	c, idle = pl.handy(now)
	pl.mu.Unlock()
	return c, idle
}

// acquire goes on where the first look was not a plain hit.
func (p *Pool) acquire(ctx context.Context, w *Want, pl *Place, a answer, now int64) (Got, error) {
	var wt *waiter
	for {
		switch a.verdict {
		case useIt:
			p.putWaiter(wt)
			return Got{Conn: a.conn, Reused: true, Idle: a.idle, Now: now}, nil
		case checkIt:
			if p.check(pl, a.conn) {
				p.putWaiter(wt)
				return Got{Conn: a.conn, Reused: true, Idle: a.idle, Now: now}, nil
			}
		case endIt:
			p.ended(a.conn, 0, p.sink)
		case dialIt:
			p.putWaiter(wt)
			return p.dialHere(ctx, w, pl, a.dial)
		case prepare:
			wt = p.waiters.get(ctx, w)
		case waitForIt:
			if a.dial != nil {
				p.start(pl, a.dial)
			}
			got, err := p.wait(ctx, w, pl, wt, now)
			if got.Conn != nil || err != nil {
				return got, err
			}
			wt, now = nil, clock.Now()
		case beBusy:
			p.putWaiter(wt)
			return Got{}, fault.New(fault.Acquire, ErrBusy)
		case beClosed:
			p.putWaiter(wt)
			return Got{}, closedFault()
		case askAgain:
			var err error
			if pl, err = p.lookup(w, pl); err != nil {
				p.putWaiter(wt)
				return Got{}, err
			}
		}
		pl.mu.Lock()
		a = pl.take(w, wt, now)
		pl.mu.Unlock()
	}
}

func (p *Pool) putWaiter(wt *waiter) {
	if wt != nil {
		p.waiters.put(wt)
	}
}

// check asks c, which is taken for the caller, and was idle or is what it has waited
// for, whether it lives. If not it has ended.
func (p *Pool) check(pl *Place, c *Conn) bool {
	end := c.link.Check()
	var t todo
	pl.mu.Lock()
	if c.list == nowhere { // the pool was closed
		c.active--
		pl.mu.Unlock()
		return false
	}
	switch {
	case end != trace.NoReason:
		c.active, c.requests = c.active-1, c.requests-1
		pl.leave(c, end)
		t.end(c)
	case c.probing: // it was idle
		c.probing = false
		pl.counts.hits++
		if c.slots > 1 {
			pl.settle(c, c.since, &t)
		}
	}
	pl.pump(&t)
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
	return end == trace.NoReason
}

// wait stays in the queue until there is something for w. It may be nothing: a
// connection that ended as soon as it was free.
func (p *Pool) wait(ctx context.Context, w *Want, pl *Place, wt *waiter, now int64) (Got, error) {
	var late <-chan time.Time
	if w.Until != 0 {
		late = wt.expiry(time.Duration(w.Until - now))
	}
	var cause error
	select {
	case <-wt.ready:
	case <-ctx.Done():
		cause = socket.ContextError(ctx)
	case <-late:
		cause = os.ErrDeadlineExceeded
	}
	waited := time.Duration(clock.Now() - now)
	if cause != nil {
		return Got{}, p.giveUp(w, pl, wt, cause, now)
	}
	conn, reused, permit, err := wt.conn, wt.reused, wt.permit, wt.err
	pl.mu.Lock()
	pl.counts.waited += waited
	doubtful := reused && (w.Check || w.Retry) && conn.slots == 1
	pl.mu.Unlock()
	p.stopped(wt)
	switch {
	case err != nil:
		return Got{}, err
	case permit != nil:
		return p.dialHere(ctx, w, pl, permit)
	case doubtful && !p.check(pl, conn):
		return Got{}, nil
	case reused:
		return Got{Conn: conn, Reused: true}, nil
	}
	return Got{Conn: conn, Why: conn.why}, nil
}

// stopped takes back a waiter with its timer at rest.
func (p *Pool) stopped(wt *waiter) {
	if wt.timer != nil {
		wt.timer.Stop()
	}
	p.waiters.put(wt)
}

// giveUp leaves the queue because of cause, and gives back what has been
// delivered in the meantime.
func (p *Pool) giveUp(w *Want, pl *Place, wt *waiter, cause error, began int64) error {
	now := clock.Now()
	e := &queueError{cause: cause, origin: w.Route.Origin, waited: time.Duration(now - began)}
	var t todo
	pl.mu.Lock()
	if !pl.abandon(wt, &t) {
		pl.mu.Unlock()
		<-wt.ready
		pl.mu.Lock()
		pl.giveBack(wt, now, &t)
	}
	pl.counts.waited += e.waited
	pl.explain(e, now)
	pl.mu.Unlock()
	p.stopped(wt)
	p.do(pl, &t, nil, nil)
	return fault.New(fault.Acquire, e)
}

// giveBack returns what w was given and has no use for.
func (s *state) giveBack(w *waiter, now int64, t *todo) {
	switch {
	case w.permit != nil:
		s.remove(w.permit)
	case w.conn != nil:
		c := w.conn
		c.active--
		if c.list == nowhere { // the pool was closed
			return
		}
		c.requests--
		s.settle(c, now, t)
	}
	s.pump(t)
}

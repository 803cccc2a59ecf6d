package pool

import (
	"context"
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/trace"
)

// dial is one dial under way. What is not marked as fixed is guarded by the lock
// of its place.
type dial struct {
	why    trace.Reason    // fixed
	linger bool            // fixed; kept when its waiter leaves
	begun  int64           // fixed; reading of the clock when its first waiter came
	direct bool            // fixed; on the goroutine of a caller of Acquire
	ctx    context.Context // fixed; of the one who started it; nil if direct
	dialer Dialer          // fixed; nil if direct
	log    *event.Log      // fixed
	warm   chan<- error    // fixed; for Warm: told the outcome

	next    *dial // of those to be started
	at      int   // index in the state's dials
	starter *waiter
	orphan  bool // lost its waiter, others count on it
	spare   bool // its waiter was served by something else: the next one may have it
	dropped bool // nobody wants it: cancelled
	cancel  context.CancelFunc
	errand  errand // its context, if direct
}

// own reports whether its connection is for one request only.
func (d *dial) own() bool { return d.why == trace.OneShotAsked }

// arm makes the context of a dial on a goroutine of the pool, which drop cancels.
func (d *dial) arm(pl *Place, ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	var cancel context.CancelFunc
	if limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	pl.mu.Lock()
	d.cancel = cancel
	dropped := d.dropped
	pl.mu.Unlock()
	if dropped {
		cancel()
	}
	return ctx, cancel
}

// start runs d on a goroutine of the pool.
func (p *Pool) start(pl *Place, d *dial) {
	if !p.enter() {
		p.finish(pl, d, nil, closedFault())
		d.done(closedFault())
		return
	}
	go func() {
		defer p.running.Done()
		p.run(pl, d)
	}()
}

// run dials with a context that has the values of the starter's, but not its
// end: the connection may come to serve somebody else.
func (p *Pool) run(pl *Place, d *dial) {
	if d.warm == nil && p.skip(pl, d) {
		return
	}
	ctx := d.ctx
	if d.warm == nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := d.arm(pl, ctx, p.cfg.DialTimeout)
	defer cancel()
	link, err := d.dialer.Dial(ctx, pl.route, d.why, d.log)
	p.finish(pl, d, link, err)
	d.done(err)
}

// skip forgets d, which has not begun, if nobody wants it any more: what was freed
// while its goroutine came to run has often served its waiter.
func (p *Pool) skip(pl *Place, d *dial) bool {
	var t todo
	pl.mu.Lock()
	unwanted := d.dropped || d.spare
	if unwanted {
		pl.remove(d)
		pl.pump(&t)
	}
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
	return unwanted
}

// done tells Warm.
func (d *dial) done(err error) {
	if d.warm != nil {
		d.warm <- err
	}
}

// finish takes the outcome of a dial on the pool's goroutine to those who wait.
func (p *Pool) finish(pl *Place, d *dial, link Link, err error) {
	var t todo
	var c *Conn
	now := clock.Now()
	if err == nil {
		c = p.open(pl, link, d, now)
	}
	pl.mu.Lock()
	if err != nil {
		pl.failed(d, err, &t)
	} else {
		pl.arrive(d, c, now, &t)
	}
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
}

// arrive is the end of a dial with a connection that is nobody's yet.
func (s *state) arrive(d *dial, c *Conn, now int64, t *todo) {
	s.remove(d)
	s.per = max(1, int(c.slots))
	s.move(c, full)
	s.settle(c, now, t)
	s.pump(t)
}

// open makes a connection of a link, and says so before anybody can see it. It is idle
// since the time of that event: who takes it has a later one.
func (p *Pool) open(pl *Place, link Link, d *dial, now int64) *Conn {
	var c *Conn
	if s, ok := link.(Seater); ok {
		c = s.Seat()
	} else {
		c = new(Conn)
	}
	*c = Conn{
		link: link, place: pl, id: lastID.Add(1), created: now, since: now,
		slots: clampSlots(link.Slots()), why: d.why, own: d.own(),
	}
	p.reasons[d.why].Add(1)
	if d.log.On() {
		var e trace.Event
		p.describe(&e, c, trace.ConnOpened, d.why)
		e.Time = clock.At(now)
		d.log.Emit(&e)
	}
	return c
}

// dialHere dials on the caller's goroutine, with its context, within the room
// that was reserved by d.
func (p *Pool) dialHere(ctx context.Context, w *Want, pl *Place, d *dial) (Got, error) {
	d.log = w.Log
	d.errand.Context, d.errand.end = ctx, w.End
	defer d.errand.stop() // who still waits for it
	over := false
	defer func() {
		if !over { // the dialer panicked
			p.finish(pl, d, nil, closedFault())
		}
	}()
	link, err := w.Dialer.Dial(&d.errand, pl.route, d.why, w.Log)
	over = true
	if err != nil {
		p.finish(pl, d, nil, err)
		if p.closed() {
			err = closedFault()
		}
		return Got{}, err
	}
	now := clock.Now()
	c := p.open(pl, link, d, now)
	if !p.arriveHere(pl, d, c, now, w.Log) {
		return Got{}, closedFault()
	}
	return Got{Conn: c, Why: c.why, Now: now}, nil
}

// arriveHere gives the new connection's first slot to its dialer, and the others
// to those who wait. It reports false if the pool was closed in the meantime.
func (p *Pool) arriveHere(pl *Place, d *dial, c *Conn, now int64, log *event.Log) bool {
	var t todo
	pl.mu.Lock()
	closed := pl.closed
	if !closed {
		pl.begin(c, now)
		c.slots = max(c.slots, 1)
	}
	pl.arrive(d, c, now, &t)
	pl.mu.Unlock()
	p.do(pl, &t, c, log)
	return !closed
}

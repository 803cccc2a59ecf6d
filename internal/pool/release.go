package pool

import (
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/trace"
)

// Release ends one exchange on c. With NoReason its slot goes to the first who
// waits, or c is idle; otherwise c has ended or must, for that reason: it takes
// nothing new, and leaves when its last exchange ends. hint is how long the
// server says that it keeps c idle, 0 if it says nothing.
//
// The event ConnPut comes before anybody else can see c, its hooks after, since
// they may wait for somebody who uses it.
// ConnPut waits in log for more to tell, or a Flush, which its caller sees to.
//
// now is a fresh reading of the clock, if the caller has one, else 0.
func (p *Pool) Release(c *Conn, end trace.Reason, hint time.Duration, now int64, log *event.Log) {
	slots := clampSlots(c.link.Slots())
	if now == 0 {
		now = clock.Now()
	}
	if log != nil && end == trace.NoReason && !c.own {
		log.Tell(&event.Step{Kind: trace.ConnPut, Conn: c.id, At: now, Detail: c.detail()})
	}
	t := todo{now: now}
	pl := c.place
	pl.mu.Lock()
	ok := pl.release(c, slots, end, hint, now, &t)
	pl.mu.Unlock()
	if !ok {
		panic("pool: a connection was released more often than it was acquired")
	}
	kept := log != nil && end == trace.NoReason && !c.own && !t.ends(c)
	p.do(pl, &t, c, log)
	if kept {
		log.PutIdle()
	}
}

func (s *state) release(c *Conn, slots uint16, end trace.Reason, hint time.Duration, now int64, t *todo) bool {
	if c.active == 0 {
		return false
	}
	c.active--
	if c.list == nowhere { // it was aborted when the pool was closed
		return true
	}
	c.slots = slots
	if hint > 0 {
		c.hint = packHint(hint)
	}
	if c.end == trace.NoReason {
		c.end = end
	}
	s.settle(c, now, t)
	if s.queue.n > 0 {
		s.pump(t)
	}
	return true
}

// Changed reads c's Slots again. A protocol calls it when they have changed
// while exchanges are under way.
func (p *Pool) Changed(c *Conn) {
	slots := clampSlots(c.link.Slots())
	now := clock.Now()
	var t todo
	pl := c.place
	pl.mu.Lock()
	if c.list != nowhere {
		c.slots = slots
		if slots == 0 || c.active > 0 && !c.probing {
			pl.settle(c, now, &t)
			pl.pump(&t)
		}
	}
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
}

// Detach gives c to the caller, who has it in use, for good: the pool neither
// counts nor closes it any more. It reports false where that came too late:
// Close has aborted c.
func (p *Pool) Detach(c *Conn, why trace.Reason, log *event.Log) bool {
	var t todo
	pl := c.place
	pl.mu.Lock()
	known := c.list != nowhere
	if known {
		c.end = why
		pl.leave(c, why)
		pl.left(c, &t)
		pl.pump(&t)
	}
	pl.mu.Unlock()
	if known {
		p.reasons[why].Add(1)
		if log.On() {
			var e trace.Event
			p.describe(&e, c, trace.ConnClosed, why)
			log.Emit(&e)
		}
	}
	p.do(pl, &t, nil, nil)
	return known
}

// do carries out what a state asked for, without its lock. The end of own, if it
// is among them, is reported to log, other ends to the pool's sink.
func (p *Pool) do(pl *Place, t *todo, own *Conn, log *event.Log) {
	for _, cancel := range t.cancel {
		cancel()
	}
	for c := t.ended; c != nil; {
		next := c.next
		c.next = nil
		if c == own {
			p.ended(c, t.now, log)
		} else {
			p.ended(c, 0, p.sink)
		}
		c = next
	}
	for w := t.wake; w != nil; {
		next := w.next // it may be used again as soon as it is told
		w.next = nil
		w.ready <- struct{}{}
		w = next
	}
	for d := t.start; d != nil; {
		next := d.next
		d.next = nil
		p.start(pl, d)
		d = next
	}
	if t.evict {
		p.evict()
	}
	if t.parked {
		p.sweep()
	}
}

// ended closes a connection that has left its place, and says so. It ends with its
// exchange, which has been over since at (0: now): what follows in the call has that
// time, too.
func (p *Pool) ended(c *Conn, at int64, log *event.Log) {
	p.reasons[c.end].Add(1)
	var e trace.Event
	if log.On() {
		p.describe(&e, c, trace.ConnClosed, c.end)
		e.Time = clock.At(at)
		log.Flush()
	}
	c.link.Close(c.end)
	log.Emit(&e)
	if c.closing {
		var t todo
		pl := c.place
		pl.mu.Lock()
		pl.left(c, &t)
		pl.mu.Unlock()
		p.do(pl, &t, nil, nil)
	}
}

// describe makes e an event about c.
func (p *Pool) describe(e *trace.Event, c *Conn, kind trace.Kind, why trace.Reason) {
	e.Kind, e.Reason, e.Conn, e.Detail = kind, why, c.id, c.detail()
}

// detail says where c leads to.
func (c *Conn) detail() *trace.Detail {
	if d, ok := c.link.(Describer); ok {
		return d.Describe(c.place.route.Host)
	}
	return &trace.Detail{Host: c.place.route.Host}
}

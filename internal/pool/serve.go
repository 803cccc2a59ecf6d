package pool

import "sonde/trace"

// serve gives c's free slots to those who wait, first come first. The caller
// settles c.
func (s *state) serve(c *Conn, now int64, t *todo) {
	if c.own {
		return
	}
	for w := s.queue.first; w != nil && c.active < c.slots; {
		next := w.next
		switch {
		case !w.want.OneShot:
			w.conn, w.reused = c, c.requests > 0
			c.probing = false
			s.begin(c, now)
			s.deliver(w, t)
		case c.active == 0 && !s.room():
			// It waits for room, which c takes.
			c.end = trace.EvictedOrigin
			return
		}
		w = next
	}
}

// deliver makes w, which has been given something, leave the queue.
func (s *state) deliver(w *waiter, t *todo) {
	w.state = delivered
	s.unqueue(w, true, t)
	w.next, t.wake = t.wake, w
}

// abandon makes w leave the queue because its caller does not wait any more. It
// reports false where something has been delivered already.
func (s *state) abandon(w *waiter, t *todo) bool {
	if w.state != queued {
		return false
	}
	w.state = gone
	s.unqueue(w, false, t)
	return true
}

// unqueue makes w leave the queue, and decides about the dial that was there for it.
func (s *state) unqueue(w *waiter, served bool, t *todo) {
	s.queue.remove(w)
	d := w.dial
	w.dial = nil
	if d == nil && s.orphans > 0 && s.surplus() {
		d = s.orphan()
	}
	if d != nil {
		s.lose(d, served, t)
	}
}

// pump gives the room that there is to those who wait: permits to those who dial
// for themselves, dials to the others.
func (s *state) pump(t *todo) {
	for w := s.queue.first; w != nil && s.room() && (s.queue.owns > 0 || s.short()); {
		next := w.next
		switch {
		case w.want.OneShot:
			w.permit = &dial{why: s.why(w.want), direct: true}
			s.add(w.permit)
			s.deliver(w, t)
		case w.dial == nil && s.short():
			d := s.dialFor(w)
			d.next, t.start = t.start, d
		}
		w = next
	}
}

// failed is the end of a dial without a connection. The error goes to the waiter
// for whom it was started; if that has gone, to the first one that counted on it.
func (s *state) failed(d *dial, err error, t *todo) {
	s.counts.dialErrors++
	w := d.starter
	s.remove(d)
	switch {
	case d.direct || d.dropped:
		w = nil
	case w == nil && d.warm == nil && s.short():
		for w = s.queue.first; w != nil && (w.dial != nil || w.want.OneShot); {
			w = w.next
		}
	}
	if w != nil {
		w.err = err
		s.deliver(w, t)
	}
	s.pump(t)
}

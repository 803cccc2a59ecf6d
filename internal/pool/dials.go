package pool

import "time"

// short reports whether the dials under way are too few for those who wait, as
// far as the latest connection says how many one can serve.
func (s *state) short() bool {
	// A caller's own dial leaves the other slots.
	return s.coming*s.per+s.direct*(s.per-1) < s.queue.shared()
}

// surplus reports whether one dial fewer would do.
func (s *state) surplus() bool { return (s.coming-1)*s.per >= s.queue.shared() }

func (s *state) add(d *dial) {
	d.at = len(s.dials)
	s.dials = append(s.dials, d)
	s.count(d, 1)
}

// count adds n to the number of dials like d.
func (s *state) count(d *dial, n int) {
	switch {
	case !d.direct:
		s.coming += n
	case !d.own():
		s.direct += n
	}
}

// dialFor makes a dial for w. The caller starts it.
func (s *state) dialFor(w *waiter) *dial {
	d := &dial{why: s.why(w.want), starter: w, ctx: w.ctx, dialer: w.want.Dialer, log: w.want.Log, linger: w.want.Linger, begun: w.want.Now}
	s.add(d)
	w.dial = d
	return d
}

// remove forgets d, which is over.
func (s *state) remove(d *dial) {
	last := len(s.dials) - 1
	s.dials[d.at] = s.dials[last]
	s.dials[d.at].at = d.at
	s.dials[last] = nil
	s.dials = s.dials[:last]
	if !d.dropped {
		s.count(d, -1)
	}
	if d.orphan {
		s.orphans--
	}
	if d.spare {
		s.spares--
	}
	if d.starter != nil {
		d.starter.dial, d.starter = nil, nil
	}
}

// lose decides about d, whose waiter has left: others may count on it; if that
// one was served by something else it is kept while limits allow; otherwise
// nobody wants it.
func (s *state) lose(d *dial, served bool, t *todo) {
	d.starter = nil
	if d.orphan {
		d.orphan = false
		s.orphans--
	}
	switch {
	case !s.surplus():
		d.orphan = true
		s.orphans++
	case d.linger && served:
		// To end it now would be to dial again in a moment: where few connections may
		// be idle and many requests come, each of them comes to dial.
		d.spare = true
		s.spares++
	case d.linger && s.keepable(s.coming-s.queue.shared()):
	case served && s.per == 1 && s.keepable(s.coming-s.queue.shared()):
	default:
		s.drop(d, t)
	}
}

// freshDial is for how long after its start a spare dial is handed on: one that takes
// longer may be one whose packet was lost, and a new one the faster.
const freshDial = 50 * time.Millisecond

// adopt gives w a spare dial instead of one of its own, if there is a fresh one.
func (s *state) adopt(w *waiter) bool {
	if log := w.want.Log; s.spares == 0 || log != nil && (log.Hooks != nil || log.Client != nil) { // they are to see a dial
		return false
	}
	for _, d := range s.dials {
		if d.spare && w.want.Now-d.begun < int64(freshDial) {
			d.spare = false
			s.spares--
			d.starter, w.dial = w, d
			return true
		}
	}
	return false
}

// orphan finds one.
func (s *state) orphan() *dial {
	for _, d := range s.dials {
		if d.orphan {
			return d
		}
	}
	return nil
}

// drop cancels d. It counts in the limits until it is over.
func (s *state) drop(d *dial, t *todo) {
	if d.dropped {
		return
	}
	d.dropped = true
	s.count(d, -1)
	if d.spare {
		d.spare = false
		s.spares--
	}
	switch {
	case d.direct:
		t.cancel = append(t.cancel, d.errand.stop)
	case d.cancel != nil: // otherwise it sees that when it starts
		t.cancel = append(t.cancel, d.cancel)
	}
}

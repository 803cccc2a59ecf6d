package pool

import (
	"time"

	"sonde/trace"
)

// verdict says what a caller of Acquire has to do.
type verdict uint8

const (
	useIt     verdict = iota // conn carries the exchange
	checkIt                  // conn is taken; it must be checked first
	endIt                    // conn has left; end it and ask again
	dialIt                   // room is reserved for dial: on the caller's goroutine
	prepare                  // come again with a waiter
	waitForIt                // the waiter is queued; dial, if any, is to be started
	beBusy                   // nothing, and the caller does not wait
	beClosed                 // the pool is closed
	askAgain                 // the place is dead: look the route up again
)

// answer is what take says.
type answer struct {
	verdict verdict
	conn    *Conn
	dial    *dial
	idle    time.Duration
}

// take finds what serves w now. A caller that may have to wait comes with a
// waiter when it was told to.
func (s *state) take(w *Want, wt *waiter, now int64) answer {
	if s.dead || s.closed {
		return s.over()
	}
	s.used = true
	// Where one kept connection was dead, others may be about to die: a peer that
	// closes them without a word costs a call one attempt, not all it has.
	if fresh := w.OneShot || w.Retry && s.room(); !fresh {
		if c := s.lists[part].first; c != nil {
			return s.hit(c, useIt, now)
		}
		if c := s.lists[idle].first; c != nil {
			return s.reuse(c, w, now)
		}
	}
	return s.miss(w, wt)
}

// handy takes the connection that was used last, if take would give it to a Want
// that asks for nothing in particular.
func (s *state) handy(now int64) (*Conn, time.Duration) {
	c := s.lists[idle].first
	if c == nil || s.dead || s.closed || s.lists[part].first != nil || now-c.since >= int64(s.cfg.CheckAfter) || s.cfg.over(c, now) != trace.NoReason {
		return nil, 0
	}
	s.used = true
	a := s.hit(c, useIt, now)
	return c, a.idle
}

func (s *state) over() answer {
	if s.closed {
		return answer{verdict: beClosed}
	}
	return answer{verdict: askAgain}
}

// reuse takes the idle connection c, if its time is not over.
func (s *state) reuse(c *Conn, w *Want, now int64) answer {
	if end := s.cfg.over(c, now); end != trace.NoReason {
		s.leave(c, end)
		return answer{verdict: endIt, conn: c}
	}
	if w.Check || w.Retry || now-c.since >= int64(s.cfg.CheckAfter) {
		c.probing = true
		return s.hit(c, checkIt, now)
	}
	return s.hit(c, useIt, now)
}

func (s *state) hit(c *Conn, v verdict, now int64) answer {
	a := answer{verdict: v, conn: c}
	if c.active == 0 {
		a.idle = max(0, time.Duration(now-c.since))
	}
	s.begin(c, now)
	if c.active < c.slots && !c.probing {
		s.move(c, part)
	} else {
		s.move(c, full)
	}
	if v == useIt {
		s.counts.hits++
	}
	return a
}

// miss decides between a dial and the queue.
func (s *state) miss(w *Want, wt *waiter) answer {
	alone := w.OneShot || w.NoWait || w.Retry || !w.Linger && !s.hope()
	switch {
	case alone && s.room():
		s.counts.misses++
		d := &dial{why: s.why(w), direct: true}
		s.add(d)
		return answer{verdict: dialIt, dial: d}
	case w.OneShot && s.lists[idle].n > 0:
		c := s.lists[idle].last
		s.leave(c, trace.EvictedOrigin)
		return answer{verdict: endIt, conn: c}
	case w.NoWait:
		s.counts.misses++
		return answer{verdict: beBusy}
	case wt == nil:
		return answer{verdict: prepare}
	}
	s.counts.misses++
	s.counts.waits++
	a := answer{verdict: waitForIt}
	s.queue.push(wt)
	if !w.OneShot && s.room() && (s.short() || w.Linger && !s.adopt(wt)) {
		a.dial = s.dialFor(wt)
	}
	return a
}

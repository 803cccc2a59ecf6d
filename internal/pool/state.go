package pool

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"sonde/trace"
)

// state is what a place knows of its connections, dials and waiters, and every
// rule on who gets what. It does no I/O, reads no clock, starts nothing and calls
// nothing of others: it is told what happened, and says in a todo what is to be
// done once the lock is free.
//
// After every event holds: no waiter is queued while a connection has a free slot
// for it, and none is without a dial to count on while there is room for one.
type state struct {
	cfg   *Config
	total *atomic.Int64 // idle connections of all places

	lists   [nLists]connList // of full only the number: see conns
	conns   []*Conn          // all that are in one of lists
	queue   queue
	dials   []*dial // all that are under way
	coming  int     // those of them that may serve waiters: on the pool's goroutines and not dropped
	direct  int     // those on a caller's goroutine whose connection others may use later
	orphans int     // those of coming that lost their caller and are only there for waiters
	spares  int     // those of coming whose caller has a connection, and that go on for the next one
	leaving int     // connections that have left but may not be closed yet; counted where there is a limit
	asking  int     // idle ones that the sweeper has taken out to ask them: 0 or 1
	older   *Conn   // the neighbour of the one that the sweeper is putting back
	per     int     // slots of the latest connection, at least 1

	last   trace.Reason // what the last end of a connection says to the next one
	used   bool         // something was asked since the last look for empty places
	closed bool         // the pool is
	dead   bool         // not in the pool's map any more: look the route up again

	counts counts
}

// counts are summed over places when someone asks.
type counts struct {
	hits, misses, waits, dialErrors uint64
	waited                          time.Duration
}

// todo is what a state wants done after its lock was let go, in this order.
type todo struct {
	cancel []context.CancelFunc
	ended  *Conn // chained by next
	wake   *waiter
	start  *dial
	parked bool // something is idle: somebody must sweep
	evict  bool // too much is idle in total

	now int64 // when the exchange was over whose Release this is; 0: of no Release
}

func (t *todo) end(c *Conn) { c.next, t.ended = t.ended, c }

// ends reports whether c is among those to be ended.
func (t *todo) ends(c *Conn) bool {
	for e := t.ended; e != nil; e = e.next {
		if e == c {
			return true
		}
	}
	return false
}

// counted is how many connections a limit of connections sees.
func (s *state) counted() int {
	l := &s.lists
	return l[idle].n + l[part].n + l[full].n + l[owned].n + len(s.dials) + s.leaving
}

// room reports whether one more connection may be dialed.
func (s *state) room() bool {
	return s.cfg.MaxConnsPerOrigin <= 0 || s.counted() < s.cfg.MaxConnsPerOrigin
}

// hope reports whether anything could be freed to a waiter.
func (s *state) hope() bool {
	return s.lists[part].n+s.lists[full].n+s.coming+s.direct > 0
}

// idling is how many connections carry nothing.
func (s *state) idling() int { return s.lists[idle].n + s.asking }

// empty reports whether there is nothing to lose but the story of the last end.
func (s *state) empty() bool {
	n := s.queue.n + len(s.dials) + s.leaving
	for i := range s.lists {
		n += s.lists[i].n
	}
	return n == 0
}

// move puts c in another list.
func (s *state) move(c *Conn, to listName) {
	from := c.list
	if from == to {
		return
	}
	switch {
	case from == nowhere:
		c.at = uint32(len(s.conns))
		s.conns = append(s.conns, c)
	case from == full:
		s.lists[full].n--
	default:
		s.lists[from].remove(c)
	}
	c.list = to
	switch {
	case to == nowhere:
		s.forget(c)
	case to == full:
		// Not linked: with 64 calls under way a hit and its end would write to three
		// other connections, none of which is in the cache. 60 ns of a call.
		s.lists[full].n++
	case to == idle && s.older != nil && s.older.list == idle && s.older.since <= c.since:
		s.lists[to].link(c, s.older)
	case to == idle:
		s.lists[to].insert(c)
	default:
		s.lists[to].link(c, s.lists[to].first)
	}
	if from == idle {
		s.total.Add(-1)
	} else if to == idle {
		s.total.Add(1)
	}
}

// forget takes c out of conns.
func (s *state) forget(c *Conn) {
	last := len(s.conns) - 1
	s.conns[c.at] = s.conns[last]
	s.conns[c.at].at = c.at
	s.conns[last] = nil
	s.conns = s.conns[:last]
	if cap(s.conns) > 64 && last < cap(s.conns)/4 {
		s.conns = slices.Clip(slices.Clone(s.conns))
	}
}

// busy yields the connections that are not idle.
func (s *state) busy(yield func(*Conn) bool) {
	for _, c := range s.conns {
		if c.list != idle && !yield(c) {
			return
		}
	}
}

// begin gives c one exchange more.
func (s *state) begin(c *Conn, now int64) {
	if c.active == 0 {
		c.since = now
	}
	c.active++
	c.requests++
}

// leave makes the place forget c.
func (s *state) leave(c *Conn, why trace.Reason) {
	if c.end == trace.NoReason {
		c.end = why
	}
	if s.cfg.MaxConnsPerOrigin > 0 && c.list != nowhere && c.list != out {
		c.closing = true
		s.leaving++
	}
	s.tell(c)
	s.move(c, nowhere)
}

// left is told when a connection that has left was closed.
func (s *state) left(c *Conn, t *todo) {
	if c.closing {
		c.closing = false
		s.leaving--
		s.pump(t)
	}
}

// settle finds c's place after its exchanges, slots or end have changed.
func (s *state) settle(c *Conn, now int64, t *todo) {
	if c.active == 0 && c.end == trace.NoReason {
		c.end = s.spent(c, now)
	}
	if c.end == trace.NoReason && s.queue.n > 0 {
		s.serve(c, now, t)
	}
	switch {
	case c.end != trace.NoReason && c.active == 0:
		s.leave(c, c.end)
		t.end(c)
	case c.end != trace.NoReason || c.slots == 0:
		s.move(c, out)
	case c.own:
		s.move(c, owned)
	case c.active == 0:
		s.park(c, now, t)
	case c.active < c.slots:
		s.move(c, part)
	default:
		s.move(c, full)
	}
}

// spent says why a connection without exchanges cannot be kept.
func (s *state) spent(c *Conn, now int64) trace.Reason {
	switch {
	case s.closed:
		return trace.ClosedByUser
	case c.own:
		return trace.OneShot
	case c.slots == 0:
		return trace.GoAway
	case s.cfg.aged(c, now):
		return trace.MaxAge
	}
	return trace.NoReason
}

// park makes c idle, and something else leave if that is too much.
func (s *state) park(c *Conn, now int64, t *todo) {
	if c.requests == 0 && !s.keepable(1) {
		s.leave(c, trace.DialNotWanted)
		t.end(c)
		return
	}
	if most := s.cfg.MaxIdlePerOrigin; s.cfg.KeepOld && most > 0 && s.lists[idle].n >= most {
		c.probing = false
		s.leave(c, trace.EvictedOrigin)
		t.end(c)
		return
	}
	if c.probing {
		c.probing = false
	} else {
		c.since = now
	}
	s.move(c, idle)
	t.parked = true
	if most := s.cfg.MaxIdlePerOrigin; most > 0 && s.lists[idle].n > most {
		s.evict(trace.EvictedOrigin, t)
	} else if most := s.cfg.MaxIdle; most > 0 && s.total.Load() > int64(most) {
		t.evict = true
	}
}

// keepable reports whether n more idle connections would be within the limits.
func (s *state) keepable(n int) bool {
	c := s.cfg
	return (c.MaxIdlePerOrigin <= 0 || s.lists[idle].n+n <= c.MaxIdlePerOrigin) &&
		(c.MaxIdle <= 0 || s.total.Load()+int64(n) <= int64(c.MaxIdle))
}

// evict ends the connection that was idle for longest.
func (s *state) evict(why trace.Reason, t *todo) {
	if c := s.lists[idle].last; c != nil {
		s.leave(c, why)
		t.end(c)
	}
}

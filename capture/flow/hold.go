package flow

import (
	"bytes"
	"slices"
)

// maxHeld is how many segments of one direction are held, so that keeping them
// in order stays cheap.
const maxHeld = 2048

// hold keeps a segment that has to wait. Bytes that are held already stay as
// they came first.
func (t *Table) hold(c *Conn, d Dir, s *segment) (v Verdict) {
	h := &c.half[d]
	i, _ := slices.BinarySearchFunc(h.held, s.seq, func(g segment, seq uint32) int {
		if diff(g.end(), seq) > 0 {
			return 1
		}
		return -1
	})
	n, fresh := s.n, false
	for ; i < len(h.held) && s.n > 0; i++ {
		g := &h.held[i]
		if room := diff(g.seq, s.seq); room > 0 {
			if room >= s.n {
				break
			}
			part := *s
			part.n, part.data, part.fin = room, s.data[:min(room, len(s.data))], false
			t.insert(c, h, i, part)
			fresh = true
			s.cut(room)
			continue // g is the next one now
		}
		k := min(diff(g.end(), s.seq), s.n)
		v |= conflict(g, s, k)
		s.cut(k)
	}
	switch {
	case n > 0 && s.n == 0 && !fresh:
		v |= Retransmission
	case s.n < n:
		v |= Overlap
	}
	if s.n > 0 || s.fin && !h.hasFIN() {
		t.insert(c, h, i, *s)
	}
	if !c.waiting {
		c.waiting, c.waited = true, s.at
		t.wait.push(&c.wait)
	}
	return v
}

// hasFIN reports whether a FIN is among the held.
func (h *half) hasFIN() bool { return len(h.held) > 0 && h.held[len(h.held)-1].fin }

// conflict compares the first k bytes of s with those that g holds in their place.
func conflict(g, s *segment, k int) Verdict {
	off := diff(s.seq, g.seq)
	if off >= len(g.data) {
		return 0
	}
	k = min(k, len(g.data)-off, len(s.data))
	if !bytes.Equal(g.data[off:off+k], s.data[:k]) {
		return Conflict
	}
	return 0
}

// insert keeps a copy of s at place i.
func (t *Table) insert(c *Conn, h *half, i int, s segment) {
	if c.stream != nil {
		s.data = bytes.Clone(s.data)
	} else {
		s.data = nil
	}
	h.held = slices.Insert(h.held, i, s)
	h.bytes += s.cost()
	t.held += s.cost()
}

// pop takes the first held segment, without what was handed out before.
func (t *Table) pop(h *half) segment {
	s := h.held[0]
	h.bytes -= s.cost()
	t.held -= s.cost()
	h.held[0] = segment{}
	h.held = h.held[1:]
	if len(h.held) == 0 {
		h.held = nil
	}
	if k := diff(h.next, s.seq); k > 0 {
		s.cut(min(k, s.n))
	}
	return s
}

// drain hands out what need not wait any more. It reports whether there was any.
func (t *Table) drain(c *Conn, d Dir) (some bool) {
	h := &c.half[d]
	for len(h.held) > 0 {
		g := &h.held[0]
		if diff(g.seq, h.next) > 0 || c.blocked(d, g) {
			break
		}
		s := t.pop(h)
		t.deliver(c, d, &s)
		some = true
	}
	return some
}

// drainBoth hands out what need not wait, until both directions are stuck: what
// one of them hands out may be what the other one waits for.
func (t *Table) drainBoth(c *Conn) {
	for t.drain(c, FromClient) || t.drain(c, FromServer) {
	}
}

// skip gives up the missing bytes that hold up the segment that waits for
// longest, and hands out what they held up. It reports whether anything waited.
func (t *Table) skip(c *Conn, at int64) bool {
	d, found := FromClient, false
	for i := range c.half {
		h := &c.half[i]
		if len(h.held) > 0 && (!found || h.held[0].at < c.half[d].held[0].at) {
			d, found = Dir(i), true
		}
	}
	if !found {
		return false
	}
	t.skipBefore(c, d, at)
	t.drainBoth(c)
	return true
}

// skipBefore gives up what the first held segment of d waits for.
func (t *Table) skipBefore(c *Conn, d Dir, at int64) {
	h, o := &c.half[d], &c.half[d.Other()]
	g := &h.held[0]
	if diff(g.seq, h.next) > 0 {
		t.gap(c, d, at, g.seq)
		return
	}
	// It waits for bytes of the other direction, of which some may be held, and
	// waiting themselves: then neither can be right, and this one goes first.
	to := g.ack
	g.hasAck = false
	if len(o.held) > 0 && diff(o.held[0].seq, to) < 0 {
		to = o.held[0].seq
	}
	if diff(to, o.next) > 0 {
		t.gap(c, d.Other(), at, to)
	}
}

// gap gives up the bytes of d before seq.
func (t *Table) gap(c *Conn, d Dir, at int64, seq uint32) {
	h := &c.half[d]
	n := diff(seq, h.next)
	h.next = seq
	if diff(seq, h.top) > 0 {
		h.top = seq
	}
	if c.stream != nil && !h.ended {
		c.stream.Gap(d, at, int64(n))
	}
}

// settle keeps the bounds after something changed, and the list of those who wait.
func (t *Table) settle(c *Conn, at int64) {
	for c.half[0].bytes+c.half[1].bytes > t.limits.HeldPerConn ||
		len(c.half[0].held) > maxHeld || len(c.half[1].held) > maxHeld {
		t.skip(c, at)
	}
	t.leave(c)
	for t.held > t.limits.Held {
		w := t.wait.oldest()
		t.skip(w, at)
		t.leave(w)
	}
}

// leave takes a connection that holds nothing off the list of those who wait.
func (t *Table) leave(c *Conn) {
	if c.waiting && len(c.half[0].held)+len(c.half[1].held) == 0 {
		c.waiting = false
		c.wait.remove()
	}
}

// overdue gives up what a connection waits for, if it did so for long enough.
func (t *Table) overdue(c *Conn, now int64) {
	for d := range Dir(2) {
		for t.late(c, now, d) {
			t.skipBefore(c, d, now)
			t.drainBoth(c)
		}
	}
	if c.waiting {
		c.waited = now
		t.wait.toBack(&c.wait)
		t.leave(c)
	}
}

// late reports whether the first held segment of d waited long enough.
func (t *Table) late(c *Conn, now int64, d Dir) bool {
	h, o := &c.half[d], &c.half[d.Other()]
	if len(h.held) == 0 {
		return false
	}
	g := &h.held[0]
	age := now - g.at
	// Either the receiver has the missing bytes, or the other direction's receiver
	// has those that g acknowledges: they exist, but not here.
	arrived := diff(g.seq, h.next) <= 0 || o.hasAck && diff(o.ack, g.seq) >= 0
	return age > int64(t.limits.Hold) || arrived && age > int64(t.limits.AckedHold)
}

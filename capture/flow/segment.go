package flow

import (
	"sonde/capture/decode"
)

// segment follows one TCP header of a connection.
func (t *Table) segment(c *Conn, d Dir, p *decode.Packet, at int64) Segment {
	tcp := &p.TCP
	h, o := &c.half[d], &c.half[d.Other()]
	out := Segment{Conn: c, Dir: d, Window: c.window(d, tcp)}
	seq := tcp.Seq
	h.setBase(seq)
	out.Seq = seq - h.base
	if tcp.Flags&decode.ACK != 0 {
		o.setBase(tcp.Ack - 1)
		out.Ack = tcp.Ack - o.base
	}
	if tcp.Flags&decode.RST != 0 {
		t.reset(c, h, seq, at, &out)
		return out
	}
	if tcp.Flags&decode.SYN != 0 {
		seq++
		if h.known && diff(seq, h.next) <= 0 {
			out.Verdict |= Retransmission
		}
	}
	if !h.known {
		h.start(seq)
	}
	s := segment{
		seq: seq, n: p.Length, data: p.Payload, at: at, fin: tcp.Flags&decode.FIN != 0,
		ack: tcp.Ack, hasAck: tcp.Flags&decode.ACK != 0,
	}
	if s.n > len(s.data) {
		out.Verdict |= Cut
	}
	out.Verdict |= c.acknowledge(d, &s, uint32(out.Window), tcp.Flags)
	if s.n == 0 && !s.fin {
		if tcp.Flags&(decode.SYN|decode.ACK) == decode.ACK && seq == h.next-1 && seq != h.base {
			out.Verdict = out.Verdict&^DupAck | KeepAlive
		}
		return out
	}
	out.Verdict |= t.take(c, d, &s)
	return out
}

// reset ends a connection, if the number is anywhere near.
func (t *Table) reset(c *Conn, h *half, seq uint32, at int64, out *Segment) {
	if h.known && tooFar(diff(seq, h.next)) && seq != 0 {
		out.Verdict |= OutOfWindow
		return
	}
	if !c.closed {
		t.finish(c, at, EndReset)
		t.retire(c)
	}
}

// tooFar reports whether a distance is beyond the largest window there is
// (RFC 7323, section 2.3).
func tooFar(d int) bool { return d > 1<<30 || d < -1<<30 }

// acknowledge notes the acknowledgement and window of s, and names what is odd.
func (c *Conn) acknowledge(d Dir, s *segment, window uint32, flags decode.TCPFlags) (v Verdict) {
	h, o := &c.half[d], &c.half[d.Other()]
	plain := s.n == 0 && flags&(decode.SYN|decode.FIN) == 0
	if window == 0 && flags&decode.SYN == 0 {
		v |= ZeroWindow
	}
	if !s.hasAck {
		h.win = window
		return v
	}
	if o.known && diff(s.ack, o.top) > 0 && !tooFar(diff(s.ack, o.top)) {
		v |= UnseenAck
	}
	switch {
	case !h.hasAck || diff(s.ack, h.ack) > 0:
		h.hasAck, h.ack = true, s.ack
	// RFC 5681, section 2: no data, the same number and window, and something
	// outstanding.
	case plain && s.ack == h.ack && window == h.win && o.known && diff(o.top, s.ack) > 0:
		v |= DupAck
	}
	h.win = window
	return v
}

// take brings bytes, or a FIN, into their place, and says what they are.
func (t *Table) take(c *Conn, d Dir, s *segment) (v Verdict) {
	h := &c.half[d]
	size := s.n
	if s.fin {
		size++ // RFC 9293, section 3.4: a FIN has a number of its own
	}
	switch ahead := diff(s.seq, h.next); {
	case tooFar(ahead):
		return OutOfWindow
	case ahead+size <= 0 && s.n <= 1 && ahead == -1 && !s.fin:
		return KeepAlive
	case ahead+size <= 0:
		return Retransmission
	case c.closed:
		return OutOfWindow
	case ahead < 0:
		s.cut(-ahead)
		v |= Overlap
	}
	switch ahead := diff(s.seq, h.top); {
	case ahead > 0:
		v |= Gap
	case ahead < 0:
		v |= OutOfOrder
	}
	h.extend(s)
	overlaps := len(h.held) > 0 && diff(s.end(), h.held[0].seq) > 0
	if s.seq != h.next || overlaps || c.blocked(d, s) {
		v |= t.hold(c, d, s)
		if v&Retransmission != 0 {
			v &^= OutOfOrder
		}
	} else {
		t.deliver(c, d, s)
	}
	if len(c.half[0].held)+len(c.half[1].held) > 0 {
		t.drainBoth(c)
		t.settle(c, s.at)
	}
	return v
}

// extend moves the end of what was seen.
func (h *half) extend(s *segment) {
	end := s.end()
	if diff(end, h.top) > 0 {
		h.top = end
	}
	if s.fin && end == h.top && !h.fin {
		h.fin, h.top = true, end+1
	}
}

// blocked reports whether s acknowledges bytes of the other direction that were
// not handed out yet: it must wait for them.
func (c *Conn) blocked(d Dir, s *segment) bool {
	o := &c.half[d.Other()]
	return c.stream != nil && s.hasAck && o.known && !o.ended && diff(s.ack, o.next) > 0 &&
		!tooFar(diff(s.ack, o.next))
}

// deliver hands out s, whose turn it is.
func (t *Table) deliver(c *Conn, d Dir, s *segment) {
	h := &c.half[d]
	h.next = s.end()
	if c.stream != nil && !h.ended {
		if len(s.data) > 0 {
			c.stream.Data(d, s.at, s.data)
		}
		if missing := s.n - len(s.data); missing > 0 {
			c.stream.Gap(d, s.at, int64(missing))
		}
	}
	if !s.fin {
		return
	}
	h.next++
	t.end(c, d, s.at, EndFIN)
	if c.half[d.Other()].ended {
		t.finish(c, s.at, EndFIN)
		t.retire(c)
	}
}

// end tells the stream, once, that a direction is over.
func (t *Table) end(c *Conn, d Dir, at int64, why End) {
	h := &c.half[d]
	if h.ended {
		return
	}
	h.ended = true
	if c.stream != nil {
		c.stream.End(d, at, why)
	}
}

// finish hands out what is held, ends both directions and frees what they held.
func (t *Table) finish(c *Conn, at int64, why End) {
	if c.closed {
		return
	}
	c.closed = true
	for t.skip(c, at) {
	}
	for d := range c.half {
		h, o := &c.half[d], &c.half[d^1]
		if n := diff(o.ack, h.next); c.stream != nil && !h.ended && h.known && o.hasAck && n > 0 && !tooFar(n) {
			c.stream.Gap(Dir(d), at, int64(n))
		}
		t.end(c, Dir(d), at, why)
	}
	c.stream = nil
	t.settle(c, at)
}

// retire moves a connection that ended to where it lingers.
func (t *Table) retire(c *Conn) {
	c.live.remove()
	t.closed.push(&c.live)
}

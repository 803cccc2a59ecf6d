package flow

import (
	"bytes"
	"encoding/binary"

	"sonde/capture/decode"
)

// Table knows the connections of a capture. It is not safe for concurrent use.
type Table struct {
	// Open says who reads a connection that was just found, nil for nobody. The
	// streams of a table are called from within Packet, TCP, Advance and Close.
	Open func(*Conn) Stream

	limits Limits
	v4     map[key4]*Conn
	v6     map[key6]*Conn
	last   *Conn // that was found
	n      int   // the next connection's number
	live   ring
	closed ring
	wait   ring
	held   int // bytes, over all connections
	frags  Defrag
	inner  [2]decode.Packet
}

// NewTable makes an empty table.
func NewTable(l Limits) *Table {
	l = l.withDefaults()
	t := &Table{
		limits: l,
		v4:     map[key4]*Conn{},
		v6:     map[key6]*Conn{},
		frags:  Defrag{limits: l},
	}
	t.live.init()
	t.closed.init()
	t.wait.init()
	return t
}

// Len is how many connections are known just now, those that ended and linger
// included.
func (t *Table) Len() int { return len(t.v4) + len(t.v6) }

// Held is how many bytes are kept because others before them are missing.
func (t *Table) Held() int { return t.held }

// maxTunnels is how deep packets inside of packets are looked into.
const maxTunnels = 4

// Packet takes a decoded packet of any kind: fragments are put together, tunnels
// are looked into, and TCP is followed. When a fragment completes a datagram, p
// then holds the whole one. The Segment is about the TCP header that was found,
// which may be deeper than p's.
func (t *Table) Packet(p *decode.Packet, at int64) Segment {
	for depth := 0; ; depth++ {
		if p.Has&decode.LayerFragment != 0 && !t.frags.Complete(p, at) {
			return Segment{}
		}
		if p.Has&decode.LayerTCP != 0 {
			return t.TCP(p, at)
		}
		q := &t.inner[depth&1]
		if p.Proto == decode.ProtoUDP || depth == maxTunnels || !p.Inner(q) {
			return Segment{}
		}
		p = q
	}
}

// TCP takes a packet that has a TCP header, and returns what is to say about it.
func (t *Table) TCP(p *decode.Packet, at int64) Segment {
	if p.Has&decode.LayerTCP == 0 || p.Has&(decode.LayerIPv4|decode.LayerIPv6) == 0 {
		return Segment{}
	}
	t.Advance(at)
	c, forward := t.find(p)
	var v Verdict
	if c != nil && opens(p) && c.reusedBy(p) {
		t.drop(c, at, EndReused)
		c, v = nil, PortReuse
	}
	first := c == nil
	if first {
		c = t.open(p, at)
		forward = c.Client == p.Source()
	}
	c.Last = max(c.Last, at)
	if c.closed {
		t.closed.toBack(&c.live)
	} else {
		t.live.toBack(&c.live)
	}
	d := FromServer
	if forward {
		d = FromClient
	}
	s := t.segment(c, d, p, at)
	s.First = first
	s.Verdict |= v
	return s
}

// opens reports whether p is the first packet of a handshake.
func opens(p *decode.Packet) bool {
	return p.TCP.Flags&(decode.SYN|decode.ACK|decode.RST) == decode.SYN
}

// reusedBy reports whether the SYN p starts another connection than c: its
// number is not the one that c's client began with.
func (c *Conn) reusedBy(p *decode.Packet) bool {
	if c.Client != p.Source() {
		return c.closed || c.Guessed
	}
	h := &c.half[FromClient]
	return h.known && h.base != p.TCP.Seq
}

// find looks a packet's connection up. It reports whether the client sent it. Most
// packets belong to the connection of the one before them.
func (t *Table) find(p *decode.Packet) (c *Conn, fromClient bool) {
	var swapped bool
	if p.Has&decode.LayerIPv4 != 0 {
		var k key4
		k, swapped = keyOf4(p)
		if c = t.last; c == nil || c.v6 || c.key4 != k {
			c = t.v4[k]
		}
	} else {
		var k key6
		k, swapped = keyOf6(p)
		if c = t.last; c == nil || !c.v6 || c.key6 != k {
			c = t.v6[k]
		}
	}
	if c == nil {
		return nil, false
	}
	t.last = c
	return c, swapped == c.swapped
}

// key4 and key6 name both directions of a connection: the lower end comes first.
// Addresses and ports are as they are sent.
type (
	key4 struct {
		addrs uint64
		ports uint32
	}
	key6 struct {
		low, high [16]byte
		ports     uint32
	}
)

// keyOf4 makes the key of a packet; swapped tells if its lower end is the receiver.
func keyOf4(p *decode.Packet) (k key4, swapped bool) {
	sport, dport := p.Ports()
	src, dst := binary.BigEndian.Uint32(p.IPv4.Src[:]), binary.BigEndian.Uint32(p.IPv4.Dst[:])
	if src > dst || src == dst && sport > dport {
		src, dst, sport, dport, swapped = dst, src, dport, sport, true
	}
	return key4{uint64(src)<<32 | uint64(dst), uint32(sport)<<16 | uint32(dport)}, swapped
}

func keyOf6(p *decode.Packet) (k key6, swapped bool) {
	sport, dport := p.Ports()
	src, dst := &p.IPv6.Src, &p.IPv6.Dst
	if c := bytes.Compare(src[:], dst[:]); c > 0 || c == 0 && sport > dport {
		src, dst, sport, dport, swapped = dst, src, dport, sport, true
	}
	return key6{*src, *dst, uint32(sport)<<16 | uint32(dport)}, swapped
}

// open makes the connection of a packet.
func (t *Table) open(p *decode.Packet, at int64) *Conn {
	if t.Len() >= t.limits.Conns {
		t.evict(at)
	}
	c := &Conn{N: t.n, First: at, Last: at, v6: p.Has&decode.LayerIPv4 == 0}
	t.n++
	var swapped bool
	if c.v6 {
		c.key6, swapped = keyOf6(p)
		t.v6[c.key6] = c
	} else {
		c.key4, swapped = keyOf4(p)
		t.v4[c.key4] = c
	}
	c.live.conn, c.wait.conn = c, c
	client := sentByClient(p)
	c.Client, c.Server = p.Source(), p.Destination()
	if !client {
		c.Client, c.Server = c.Server, c.Client
	}
	c.Guessed = p.TCP.Flags&decode.SYN == 0
	c.swapped = swapped == client
	t.live.push(&c.live)
	if t.Open != nil {
		c.stream = t.Open(c)
	}
	return c
}

// sentByClient says which end opened the connection of the first packet seen: by
// its SYN, or else the one with the higher port.
func sentByClient(p *decode.Packet) bool {
	switch f := p.TCP.Flags & (decode.SYN | decode.ACK); f {
	case decode.SYN:
		return true
	case decode.SYN | decode.ACK:
		return false
	}
	return p.TCP.SrcPort >= p.TCP.DstPort
}

// evict makes room for one more: connections that ended go first.
func (t *Table) evict(at int64) {
	if c := t.closed.oldest(); c != nil {
		t.drop(c, at, EndEvicted)
	} else if c := t.live.oldest(); c != nil {
		t.drop(c, at, EndEvicted)
	}
}

// Advance tells the table what time it is: connections that were silent for too
// long go, and bytes that are missing for too long are given up. Every packet
// does so too; a live capture calls it when none comes.
func (t *Table) Advance(now int64) {
	for c := t.closed.oldest(); c != nil && now-c.Last > int64(t.limits.Linger); c = t.closed.oldest() {
		t.drop(c, now, EndIdle)
	}
	for c := t.live.oldest(); c != nil && now-c.Last > int64(t.limits.Idle); c = t.live.oldest() {
		t.drop(c, now, EndIdle)
	}
	for c := t.wait.oldest(); c != nil && now-c.waited > int64(t.limits.AckedHold); c = t.wait.oldest() {
		t.overdue(c, now)
	}
}

// drop forgets a connection; what it holds is handed out first.
func (t *Table) drop(c *Conn, at int64, why End) {
	t.finish(c, at, why)
	c.live.remove()
	if t.last == c {
		t.last = nil
	}
	if c.v6 {
		delete(t.v6, c.key6)
	} else {
		delete(t.v4, c.key4)
	}
}

// Close ends all connections, in the order of their latest packets: the capture
// is over. The table is empty then, and counts on.
func (t *Table) Close() {
	for _, r := range []*ring{&t.closed, &t.live} {
		for c := r.oldest(); c != nil; c = r.oldest() {
			t.drop(c, c.Last, EndCapture)
		}
	}
	t.frags.Reset()
}

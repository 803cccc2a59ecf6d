package flow

import (
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
	v6     map[key]*Conn
	n      int // the next connection's number
	live   ring
	closed ring
	wait   ring
	held   int // bytes, over all connections
	frags  Defrag
	inner  [2]decode.Packet
}

type (
	key4 [12]byte
	key  [36]byte // of IPv4, the first 12 bytes
)

// NewTable makes an empty table.
func NewTable(l Limits) *Table {
	l = l.withDefaults()
	t := &Table{
		limits: l,
		v4:     map[key4]*Conn{},
		v6:     map[key]*Conn{},
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

// find looks a packet's connection up. It reports whether the client sent it.
func (t *Table) find(p *decode.Packet) (c *Conn, fromClient bool) {
	k, swapped, v6 := keyOf(p)
	if v6 {
		c = t.v6[k]
	} else {
		c = t.v4[key4(k[:12])]
	}
	if c == nil {
		return nil, false
	}
	return c, swapped == c.swapped
}

// keyOf makes one key of both directions: the lower end comes first, and swapped
// tells if that is the receiver.
func keyOf(p *decode.Packet) (k key, swapped, v6 bool) {
	sport, dport := p.Ports()
	if p.Has&decode.LayerIPv4 != 0 {
		src, dst := binary.BigEndian.Uint32(p.IPv4.Src[:]), binary.BigEndian.Uint32(p.IPv4.Dst[:])
		if src > dst || src == dst && sport > dport {
			src, dst, sport, dport, swapped = dst, src, dport, sport, true
		}
		binary.BigEndian.PutUint32(k[0:], src)
		binary.BigEndian.PutUint32(k[4:], dst)
		binary.BigEndian.PutUint16(k[8:], sport)
		binary.BigEndian.PutUint16(k[10:], dport)
		return k, swapped, false
	}
	src, dst := &p.IPv6.Src, &p.IPv6.Dst
	c := compare16(src, dst)
	if c > 0 || c == 0 && sport > dport {
		src, dst, sport, dport, swapped = dst, src, dport, sport, true
	}
	copy(k[0:], src[:])
	copy(k[16:], dst[:])
	binary.BigEndian.PutUint16(k[32:], sport)
	binary.BigEndian.PutUint16(k[34:], dport)
	return k, swapped, true
}

func compare16(a, b *[16]byte) int {
	for i := range a {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}

// open makes the connection of a packet.
func (t *Table) open(p *decode.Packet, at int64) *Conn {
	if t.Len() >= t.limits.Conns {
		t.evict(at)
	}
	k, swapped, v6 := keyOf(p)
	c := &Conn{N: t.n, First: at, Last: at, key: k}
	t.n++
	c.live.conn, c.wait.conn = c, c
	client := sentByClient(p)
	c.Client, c.Server = p.Source(), p.Destination()
	if !client {
		c.Client, c.Server = c.Server, c.Client
	}
	c.Guessed = p.TCP.Flags&decode.SYN == 0
	c.swapped = swapped == client
	if v6 {
		t.v6[k] = c
	} else {
		t.v4[key4(k[:12])] = c
	}
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
	if k4 := key4(c.key[:12]); t.v4[k4] == c {
		delete(t.v4, k4)
	} else {
		delete(t.v6, c.key)
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

package flow

import (
	"slices"

	"sonde/capture/decode"
)

// Defrag puts IP fragments together. Table does so by itself; this is for those
// who want the datagrams without TCP. The zero value is ready, with the default
// limits. It is not safe for concurrent use.
type Defrag struct {
	// Overlaps counts datagrams of which fragments overlap. Those of IPv6 are
	// dropped (RFC 5722); of IPv4's, the bytes that came first stay.
	Overlaps int
	// Expired counts datagrams that were given up, by age or for want of room.
	Expired int

	limits Limits
	parts  map[fragmentKey]*datagram
	queue  []*datagram // oldest first; those that were completed are marked done
	bytes  int
}

type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	proto    decode.IPProto // IPv4 only: it is part of the identity there
	v6       bool
}

type datagram struct {
	key   fragmentKey
	first int64
	parts []part // by offset, without overlap
	size  int    // what all of it has, -1 until the last fragment is here
	have  int
	proto decode.IPProto
	done  bool
	bad   bool
}

type part struct {
	off  int
	data []byte
}

// maxDatagram is how long an IP packet's payload can be; maxParts how many
// fragments one is put together from.
const (
	maxDatagram = 65535
	maxParts    = 1024
)

// Complete takes a fragment. When it was the last one that was missing, p holds
// the whole datagram then, and Complete reports true. The bytes are the
// caller's. A packet that is no fragment is complete.
func (f *Defrag) Complete(p *decode.Packet, at int64) bool {
	if p.Has&decode.LayerFragment == 0 {
		return true
	}
	if f.parts == nil {
		f.parts = map[fragmentKey]*datagram{}
		f.limits = f.limits.withDefaults()
	}
	f.expire(at)
	k := keyOfFragment(p)
	g := f.parts[k]
	if g == nil {
		g = &datagram{key: k, first: at, size: -1}
		f.parts[k] = g
		f.queue = append(f.queue, g)
	}
	f.add(g, &p.Fragment)
	for len(f.parts) > f.limits.Datagrams || f.bytes > f.limits.FragmentBytes {
		f.Expired++
		f.dropOldest()
	}
	if g.done || g.bad || g.size < 0 || g.have < g.size {
		return false
	}
	whole := make([]byte, 0, g.size)
	for _, s := range g.parts {
		whole = append(whole, s.data...)
	}
	proto := g.proto
	f.drop(g)
	p.DecodeReassembled(proto, whole)
	return true
}

// Len is how many datagrams are incomplete.
func (f *Defrag) Len() int { return len(f.parts) }

// Reset forgets all fragments.
func (f *Defrag) Reset() {
	f.parts, f.queue, f.bytes = nil, nil, 0
}

func keyOfFragment(p *decode.Packet) fragmentKey {
	k := fragmentKey{id: p.Fragment.ID}
	if p.Has&decode.LayerIPv6 != 0 {
		k.v6, k.src, k.dst = true, p.IPv6.Src, p.IPv6.Dst
		return k
	}
	k.proto = p.Fragment.Proto
	copy(k.src[:], p.IPv4.Src[:])
	copy(k.dst[:], p.IPv4.Dst[:])
	return k
}

// add puts one fragment into its place.
func (f *Defrag) add(g *datagram, s *decode.Fragment) {
	end := s.Offset + s.Length
	switch {
	case g.bad:
		return
	// A fragment that was cut by the snap length cannot be part of anything, and
	// all but the last must be of whole units of eight.
	case s.Length != len(s.Body), s.Length == 0, end > maxDatagram,
		s.More && s.Length%8 != 0, g.size >= 0 && end > g.size, len(g.parts) >= maxParts:
		f.spoil(g)
		return
	case !s.More && g.size >= 0 && g.size != end, !s.More && len(g.parts) > 0 && g.end() > end:
		f.spoil(g)
		return
	}
	if s.Offset == 0 {
		g.proto = s.Proto
	}
	if !s.More {
		g.size = end
	}
	f.merge(g, s.Offset, s.Body)
}

func (g *datagram) end() int {
	last := g.parts[len(g.parts)-1]
	return last.off + len(last.data)
}

// merge keeps what is new of the bytes at off.
func (f *Defrag) merge(g *datagram, off int, b []byte) {
	i := 0
	for ; i < len(g.parts) && len(b) > 0; i++ {
		q := g.parts[i]
		if q.off+len(q.data) <= off {
			continue
		}
		if q.off >= off+len(b) {
			break
		}
		if q.off == off && len(q.data) == len(b) {
			return // the same fragment again
		}
		f.Overlaps++
		if g.key.v6 {
			f.spoil(g)
			return
		}
		if q.off > off {
			f.insert(g, i, off, b[:q.off-off])
			i++
		}
		k := min(q.off+len(q.data)-off, len(b))
		off, b = off+k, b[k:]
	}
	if len(b) > 0 {
		f.insert(g, i, off, b)
	}
}

func (f *Defrag) insert(g *datagram, i, off int, b []byte) {
	g.parts = slices.Insert(g.parts, i, part{off, slices.Clone(b)})
	g.have += len(b)
	f.bytes += len(b) + overhead
}

// spoil keeps a datagram as one that can never be whole, so that its other
// fragments start no new one.
func (f *Defrag) spoil(g *datagram) {
	f.free(g)
	g.bad = true
}

func (f *Defrag) free(g *datagram) {
	for _, s := range g.parts {
		f.bytes -= len(s.data) + overhead
	}
	g.parts, g.have = nil, 0
}

// drop forgets a datagram; its place in the queue goes when its turn comes.
func (f *Defrag) drop(g *datagram) {
	f.free(g)
	g.done = true
	delete(f.parts, g.key)
	f.trim()
}

// trim takes datagrams that are done off the front of the queue, and out of it
// when they are most of it.
func (f *Defrag) trim() {
	for len(f.queue) > 0 && f.queue[0].done {
		f.queue[0] = nil
		f.queue = f.queue[1:]
	}
	if len(f.queue) > 2*len(f.parts)+64 {
		f.queue = slices.DeleteFunc(f.queue, func(g *datagram) bool { return g.done })
	}
}

func (f *Defrag) dropOldest() {
	f.trim()
	if len(f.queue) > 0 {
		f.drop(f.queue[0])
	}
}

// expire gives up datagrams that are too old.
func (f *Defrag) expire(now int64) {
	for f.trim(); len(f.queue) > 0 && now-f.queue[0].first > int64(f.limits.FragmentTime); {
		f.Expired++
		f.dropOldest()
	}
}

package sniff

import (
	"bytes"

	"sonde/capture/decode"
)

// origin is where the numbers of a connection begin, as seen from the sender of
// a segment.
type origin struct{ seq, ack uint32 }

// sequences knows the origins of connections. There are two maps, and the
// older one goes when the newer is full: what is in use is found in the older
// and moved, so memory is bounded and no connection in use is forgotten.
type sequences struct {
	young, old map[connection]origin
	last       connection // that was looked up, and found
	lastAt     origin
	hasLast    bool
}

const generation = 16384

// connection is a pair of ends, the lower one first.
type connection struct {
	addrs [32]byte
	ports [2]uint16
}

// relative returns what to subtract. A SYN, and the first segment of a connection
// that is met later, are printed as they are.
func (s *sequences) relative(d *decode.Packet) origin {
	key, swapped := connectionOf(d)
	at, known := s.lastAt, s.hasLast && s.last == key
	if !known {
		at, known = s.find(key)
	}
	if !known || d.TCP.Flags&decode.SYN != 0 {
		at = origin{d.TCP.Seq, d.TCP.Ack - 1}
		if swapped {
			at = origin{d.TCP.Ack - 1, d.TCP.Seq}
		}
		s.put(key, at)
		return origin{}
	}
	s.last, s.lastAt, s.hasLast = key, at, true
	if swapped {
		return origin{at.ack, at.seq}
	}
	return at
}

func (s *sequences) find(key connection) (at origin, known bool) {
	if at, known = s.young[key]; known {
		return at, true
	}
	if at, known = s.old[key]; known {
		s.put(key, at)
	}
	return at, known
}

func (s *sequences) put(key connection, at origin) {
	if s.young == nil || len(s.young) >= generation {
		s.old, s.young = s.young, map[connection]origin{}
	}
	s.young[key] = at
	s.last, s.lastAt, s.hasLast = key, at, true
}

// connectionOf makes one key of both directions.
func connectionOf(d *decode.Packet) (key connection, swapped bool) {
	src, dst := d.IPv4.Src[:], d.IPv4.Dst[:]
	if d.Has&decode.LayerIPv6 != 0 {
		src, dst = d.IPv6.Src[:], d.IPv6.Dst[:]
	}
	from, to := d.TCP.SrcPort, d.TCP.DstPort
	if from > to || from == to && bytes.Compare(src, dst) > 0 {
		src, dst, from, to, swapped = dst, src, to, from, true
	}
	copy(key.addrs[:16], src)
	copy(key.addrs[16:], dst)
	key.ports = [2]uint16{from, to}
	return key, swapped
}

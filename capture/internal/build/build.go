// Package build makes frames byte by byte, for the tests of the packages that
// read them. It knows nothing of those packages, so that a mistake in one does
// not hide the same mistake in the other.
package build

import (
	"encoding/binary"
	"net/netip"
)

// Ethernet puts an Ethernet II header before a payload.
func Ethernet(etherType uint16, payload []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}
	b = binary.BigEndian.AppendUint16(b, etherType)
	return append(b, payload...)
}

// IP4 is an IPv4 header to be.
type IP4 struct {
	Src, Dst string
	ID       uint16
	Frag     uint16 // flags and offset as they are sent
	Proto    uint8
	Options  []byte // a multiple of four
}

// Packet appends the payload.
func (h IP4) Packet(payload []byte) []byte {
	src, dst := netip.MustParseAddr(h.Src).As4(), netip.MustParseAddr(h.Dst).As4()
	n := 20 + len(h.Options)
	b := []byte{0x40 | byte(n/4), 0}
	b = binary.BigEndian.AppendUint16(b, uint16(n+len(payload)))
	b = binary.BigEndian.AppendUint16(b, h.ID)
	b = binary.BigEndian.AppendUint16(b, h.Frag)
	b = append(b, 64, h.Proto, 0, 0)
	b = append(append(append(b, src[:]...), dst[:]...), h.Options...)
	binary.BigEndian.PutUint16(b[10:], ^Sum(b))
	return append(b, payload...)
}

// IP6 is an IPv6 packet whose first header behind the fixed one is next.
func IP6(src, dst string, next uint8, payload []byte) []byte {
	s, d := netip.MustParseAddr(src).As16(), netip.MustParseAddr(dst).As16()
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	b = append(b, next, 64)
	b = append(append(b, s[:]...), d[:]...)
	return append(b, payload...)
}

// TCP is a segment to be; its addresses are for the checksum only.
type TCP struct {
	Src, Dst         string
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            uint8
	Options          []byte // a multiple of four
}

// Segment appends the payload.
func (h TCP) Segment(payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, h.SrcPort)
	b = binary.BigEndian.AppendUint16(b, h.DstPort)
	b = binary.BigEndian.AppendUint32(b, h.Seq)
	b = binary.BigEndian.AppendUint32(b, h.Ack)
	b = append(b, byte(20+len(h.Options))/4<<4, h.Flags, 0x20, 0, 0, 0, 0, 0)
	b = append(append(b, h.Options...), payload...)
	binary.BigEndian.PutUint16(b[16:], ^Sum(append(pseudo(h.Src, h.Dst, 6, len(b)), b...)))
	return b
}

// Frame is the segment inside of IPv4 inside of Ethernet.
func (h TCP) Frame(payload []byte) []byte {
	return Ethernet(0x0800, IP4{Src: h.Src, Dst: h.Dst, Proto: 6}.Packet(h.Segment(payload)))
}

// UDP makes a datagram.
func UDP(src, dst string, sport, dport uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(append(b, 0, 0), payload...)
	binary.BigEndian.PutUint16(b[6:], ^Sum(append(pseudo(src, dst, 17, len(b)), b...)))
	return b
}

// ICMP makes an ICMP message.
func ICMP(kind, code uint8, rest uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind, code, 0, 0}, rest)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[2:], ^Sum(b))
	return b
}

func pseudo(src, dst string, proto uint8, n int) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	b := append(s.AsSlice(), d.AsSlice()...)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return append(b, 0, 0, 0, proto)
}

// Sum is the ones' complement sum that Internet checksums are made of, two bytes
// at a time.
func Sum(b []byte) uint16 {
	var s uint32
	for i, c := range b {
		if i%2 == 0 {
			s += uint32(c) << 8
		} else {
			s += uint32(c)
		}
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

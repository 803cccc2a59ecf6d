package decode

import (
	"encoding/binary"
	"math/bits"
)

// Sum is what a checksum says about a packet.
type Sum uint8

// The verdicts. SumPartial is what a packet looks like that this host sends when
// the network card computes the checksum: the field holds the sum of the
// pseudo-header and no more. It says nothing, good or bad, about the packet.
const (
	SumUnknown Sum = iota // the packet has no such checksum, or not all of it is here
	SumGood
	SumBad
	SumPartial
	SumAbsent // UDP over IPv4 may go without
)

// String names the verdict in one word.
func (s Sum) String() string {
	return [...]string{"unknown", "good", "bad", "partial", "absent"}[min(s, SumAbsent)]
}

// VerifyIPv4 checks the header's own checksum, which is never left to the card.
func (p *Packet) VerifyIPv4() Sum {
	if p.Has&LayerIPv4 == 0 || p.network < 0 {
		return SumUnknown
	}
	if fold(sum(0, p.frame[p.network:p.network+int(p.IPv4.HeaderLen)])) != 0xffff {
		return SumBad
	}
	return SumGood
}

// VerifyTransport checks the checksum of TCP, UDP, ICMP, ICMPv6 or IGMP. A
// packet that is cut, or a fragment, cannot be checked.
func (p *Packet) VerifyTransport() Sum {
	if p.Has&LayerUDP != 0 && p.Has&LayerFragment == 0 && p.UDP.Checksum == 0 {
		return p.absent()
	}
	s, b, ok := p.summed()
	switch {
	case !ok:
		return SumUnknown
	case p.Has&LayerTCP != 0 && p.TCP.Checksum == fold(s),
		p.Has&LayerUDP != 0 && p.UDP.Checksum == fold(s):
		return SumPartial
	case fold(sum(s, b)) != 0xffff:
		return SumBad
	}
	return SumGood
}

// TransportChecksum returns what the checksum that VerifyTransport looks at should
// be. It is false where that cannot be told.
func (p *Packet) TransportChecksum() (uint16, bool) {
	s, b, ok := p.summed()
	if !ok {
		return 0, false
	}
	has := p.ICMP.Checksum
	switch {
	case p.Has&LayerTCP != 0:
		has = p.TCP.Checksum
	case p.Has&LayerUDP != 0:
		has = p.UDP.Checksum
	case p.Has&LayerIGMP != 0:
		has = p.IGMP.Checksum
	}
	// RFC 1624: a field is taken out of a sum by adding its complement.
	want := ^fold(uint64(fold(sum(s, b))) + uint64(^has))
	if want == 0 && p.Has&LayerUDP != 0 { // RFC 768: zero is none
		want = 0xffff
	}
	return want, true
}

// summed returns what a transport's checksum is made over: the sum of the
// pseudo-header, where it has one, and the bytes.
func (p *Packet) summed() (pseudo uint64, b []byte, ok bool) {
	if p.Has&LayerFragment != 0 || p.Has&(LayerTCP|LayerUDP|LayerICMP|LayerICMPv6|LayerIGMP) == 0 {
		return 0, nil, false
	}
	n := p.carried
	if p.Has&LayerUDP != 0 {
		n = 8 + p.Length
	}
	if b = p.frame[p.trans:]; n > len(b) {
		return 0, nil, false
	}
	if p.Has&(LayerICMP|LayerIGMP) == 0 {
		pseudo = p.pseudo(n)
	}
	return pseudo, b[:n], true
}

// absent judges a UDP packet without checksum: RFC 8200, section 8.1, wants one.
func (p *Packet) absent() Sum {
	if p.Has&LayerIPv6 != 0 {
		return SumBad
	}
	return SumAbsent
}

// pseudo is the sum of the pseudo-header for n bytes above IP (RFC 9293,
// section 3.1, and RFC 8200, section 8.1).
func (p *Packet) pseudo(n int) uint64 {
	s := uint64(n) + uint64(p.Proto)
	if p.Has&LayerIPv6 != 0 {
		return sum(sum(s, p.IPv6.Src[:]), p.finalDestination())
	}
	return sum(sum(s, p.IPv4.Src[:]), p.IPv4.Dst[:])
}

// finalDestination is where an IPv6 packet goes in the end: with a routing header
// that still has segments left, not to the destination address (RFC 8200,
// section 8.1).
func (p *Packet) finalDestination() []byte {
	if p.Has&LayerExtensions != 0 {
		for _, e := range p.IPv6.Extensions() {
			kind, left, ok := e.SegmentsLeft()
			if !ok || left == 0 || len(e.Body) < 7+16 {
				continue
			}
			if kind == 4 { // RFC 8754, section 2: the last segment comes first
				return e.Body[7:23]
			}
			return e.Body[len(e.Body)-16:]
		}
	}
	return p.IPv6.Dst[:]
}

// sum adds b to a ones' complement sum s, four bytes at a time: in that
// arithmetic the width does not matter, as long as carries come around again.
func sum(s uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 8 {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), 0)
		s += carry
		b = b[8:]
	}
	if len(b) > 0 {
		var tail [8]byte
		copy(tail[:], b)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(tail[:]), 0)
		s += carry
	}
	return s
}

// fold brings a sum to 16 bits.
func fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}

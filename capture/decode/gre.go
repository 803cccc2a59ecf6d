package decode

import "encoding/binary"

// The flags of a GRE header.
const (
	GREChecksum = 0x8000
	GRERouting  = 0x4000
	GREKey      = 0x2000
	GRESeq      = 0x1000
	GREAck      = 0x0080 // version 1 only
)

// GRE is a GRE header (RFC 2784, RFC 2890), or PPTP's variant of it, version 1
// (RFC 2637). Packet.Inner reads what it carries.
type GRE struct {
	Flags     uint16 // with the version in the low three bits
	Protocol  EtherType
	HeaderLen uint8
	Checksum  uint16 // with GREChecksum
	Key       uint32 // with GREKey
	Seq       uint32 // with GRESeq
	Ack       uint32 // with GREAck
}

// Version is 0, or 1 for PPTP's.
func (h *GRE) Version() int { return int(h.Flags & 7) }

func (p *Packet) gre(b []byte, n int) {
	if len(b) < 4 {
		p.fail(LayerGRE, FaultTruncated, b, n)
		return
	}
	h := &p.GRE
	*h = GRE{Flags: binary.BigEndian.Uint16(b), Protocol: EtherType(binary.BigEndian.Uint16(b[2:]))}
	// RFC 1701's source routes are long gone; RFC 2784, section 2.1, drops them.
	if h.Version() > 1 || h.Flags&GRERouting != 0 {
		p.fail(LayerGRE, FaultVersion, b, n)
		return
	}
	k := 4
	word := func(flag uint16) (v uint32) {
		if h.Flags&flag == 0 {
			return 0
		}
		if len(b) >= k+4 {
			v = binary.BigEndian.Uint32(b[k:])
		}
		k += 4
		return v
	}
	h.Checksum = uint16(word(GREChecksum) >> 16)
	h.Key = word(GREKey)
	h.Seq = word(GRESeq)
	if h.Version() == 1 {
		h.Ack = word(GREAck)
	}
	if k > len(b) || k > n {
		p.fail(LayerGRE, FaultTruncated, b, n)
		return
	}
	h.HeaderLen = uint8(k)
	p.Has |= LayerGRE
	p.end(b[k:], n-k)
}

package decode

import "encoding/binary"

// UDP is a UDP header (RFC 768).
type UDP struct {
	SrcPort, DstPort uint16
	Length           uint16 // with the header; zero when the packet is a jumbogram or still to be cut
	Checksum         uint16 // zero is none
}

func (p *Packet) udp(b []byte, n int) {
	if len(b) < 8 {
		p.fail(LayerUDP, FaultTruncated, b, n)
		return
	}
	h := &p.UDP
	h.SrcPort = binary.BigEndian.Uint16(b)
	h.DstPort = binary.BigEndian.Uint16(b[2:])
	h.Length = binary.BigEndian.Uint16(b[4:])
	h.Checksum = binary.BigEndian.Uint16(b[6:])
	size := int(h.Length)
	if size == 0 {
		size = n
	}
	if size < 8 {
		p.fail(LayerUDP, FaultLength, b, n)
		return
	}
	p.Has |= LayerUDP
	// A length beyond the IP packet's is a lie, but in a first fragment it is the
	// whole datagram's.
	if size > n && p.Has&LayerFragment == 0 {
		size = n
	}
	p.end(b[8:min(size, len(b))], size-8)
}

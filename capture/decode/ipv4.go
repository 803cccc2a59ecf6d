package decode

import "encoding/binary"

// IPv4 is an IPv4 header (RFC 791).
type IPv4 struct {
	HeaderLen uint8 // in bytes: 20 to 60
	TOS       uint8
	TTL       uint8
	Proto     IPProto
	// TotalLen is the field as it was sent. Zero is what a segment that the network
	// card will cut may have, when it is 64 KiB or more.
	TotalLen uint16
	ID       uint16
	Flags    uint8  // the three bits: 4 reserved, 2 don't fragment, 1 more fragments
	FragOff  uint16 // in bytes
	Checksum uint16
	Src, Dst [4]byte
	Options  []byte // raw; nil without
}

// DontFragment is the DF bit.
func (h *IPv4) DontFragment() bool { return h.Flags&2 != 0 }

// MoreFragments is the MF bit.
func (h *IPv4) MoreFragments() bool { return h.Flags&1 != 0 }

// ipv4 reads a header at the start of b, which is at offset at of the frame.
func (p *Packet) ipv4(b []byte, at int) {
	if len(b) < 20 {
		p.fail(LayerIPv4, FaultTruncated, b, len(b))
		return
	}
	_ = b[19]
	first := b[0]
	if first>>4 != 4 {
		p.fail(LayerIPv4, FaultVersion, b, len(b))
		return
	}
	header := int(first&15) * 4
	h := &p.IPv4
	h.HeaderLen, h.TOS, h.TTL, h.Proto = uint8(header), b[1], b[8], IPProto(b[9])
	h.TotalLen = binary.BigEndian.Uint16(b[2:4])
	h.ID = binary.BigEndian.Uint16(b[4:6])
	frag := binary.BigEndian.Uint16(b[6:8])
	h.Flags, h.FragOff = uint8(frag>>13), frag<<3
	h.Checksum = binary.BigEndian.Uint16(b[10:12])
	h.Src, h.Dst = [4]byte(b[12:16]), [4]byte(b[16:20])
	h.Options = nil
	p.Proto = h.Proto
	p.network = at

	total := int(h.TotalLen)
	if total == 0 {
		total = len(b)
	}
	switch {
	case header < 20:
		p.fail(LayerIPv4, FaultHeader, b, len(b))
		return
	case len(b) < header:
		p.fail(LayerIPv4, FaultTruncated, b, len(b))
		return
	case total < header:
		p.fail(LayerIPv4, FaultLength, b, len(b))
		return
	}
	if header > 20 {
		h.Options = b[20:header]
	}
	p.Has |= LayerIPv4
	body := b[header:min(total, len(b))]
	if frag&0x3fff != 0 {
		p.fragment(h, body, total-header)
		if h.FragOff != 0 {
			return
		}
	}
	if h.Proto == ProtoTCP {
		p.trans, p.carried = at+header, total-header
		p.tcp(body, total-header)
		return
	}
	p.transport(body, at+header, total-header, false)
}

// fragment notes that the packet is one, and stops there: the first fragment
// alone is read on by the caller.
func (p *Packet) fragment(h *IPv4, body []byte, n int) {
	p.Has |= LayerFragment
	p.Fragment = Fragment{
		ID:     uint32(h.ID),
		Offset: int(h.FragOff),
		More:   h.MoreFragments(),
		Proto:  h.Proto,
		Body:   body,
		Length: n,
	}
	p.end(body, n)
}

// IPOption is one option of an IPv4 header.
type IPOption struct {
	Kind uint8
	Data []byte // what follows kind and length
}

var ipOptionNames = map[uint8]string{
	0: "EOL", 1: "NOP", 7: "RR", 68: "timestamp", 130: "security", 131: "LSRR",
	136: "streamid", 137: "SSRR", 148: "RA",
}

// String returns the name of the option, "unknown" without one.
func (o IPOption) String() string {
	if s, ok := ipOptionNames[o.Kind]; ok {
		return s
	}
	return "unknown"
}

// All calls yield for each option up to the end of the list, until yield says
// false. It returns false if the list is malformed where it stopped.
func (h *IPv4) All(yield func(IPOption) bool) bool {
	for b := h.Options; len(b) > 0; {
		switch {
		case b[0] == 0:
			yield(IPOption{})
			return true
		case b[0] == 1:
			if !yield(IPOption{Kind: 1}) {
				return true
			}
			b = b[1:]
			continue
		case len(b) < 2 || b[1] < 2 || int(b[1]) > len(b):
			return false
		}
		if !yield(IPOption{Kind: b[0], Data: b[2:b[1]]}) {
			return true
		}
		b = b[b[1]:]
	}
	return true
}

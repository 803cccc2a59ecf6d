package decode

import "encoding/binary"

// IGMPType is the kind of an IGMP message.
type IGMPType uint8

// The types (RFC 1112, RFC 2236, RFC 3376).
const (
	IGMPQuery    IGMPType = 0x11
	IGMPv1Report IGMPType = 0x12
	IGMPv2Report IGMPType = 0x16
	IGMPv2Leave  IGMPType = 0x17
	IGMPv3Report IGMPType = 0x22
)

// IGMP is an IGMP message.
type IGMP struct {
	Type     IGMPType
	Code     uint8 // longest time to respond, coded; not in reports
	Checksum uint16
	Group    [4]byte // zero in a general query and in a version 3 report
	Version  uint8   // 1 to 3; zero if the type is unknown
	// Records is how many group records a version 3 report announces, or how many
	// sources a version 3 query. They are in the payload.
	Records uint16
}

// IGMPRecord is one group record of a version 3 report.
type IGMPRecord struct {
	Type    uint8 // 1 is in, 2 is ex, 3 to in, 4 to ex, 5 allow, 6 block
	Group   [4]byte
	Sources []byte // four bytes each
}

// Records calls yield for each group record of a version 3 report that was
// captured whole, until it says false.
func (p *Packet) Records(yield func(IGMPRecord) bool) {
	if p.Has&LayerIGMP == 0 || p.IGMP.Type != IGMPv3Report {
		return
	}
	b := p.Payload
	for range p.IGMP.Records {
		if len(b) < 8 {
			return
		}
		sources := 4 * int(binary.BigEndian.Uint16(b[2:]))
		end := 8 + sources + 4*int(b[1])
		if len(b) < end || !yield(IGMPRecord{b[0], [4]byte(b[4:8]), b[8 : 8+sources]}) {
			return
		}
		b = b[end:]
	}
}

func (p *Packet) igmp(b []byte, n int) {
	if len(b) < 8 {
		p.fail(LayerIGMP, FaultTruncated, b, n)
		return
	}
	h := &p.IGMP
	*h = IGMP{Type: IGMPType(b[0]), Code: b[1], Checksum: binary.BigEndian.Uint16(b[2:])}
	k := 8
	switch h.Type {
	case IGMPv3Report:
		h.Version, h.Records = 3, binary.BigEndian.Uint16(b[6:])
	case IGMPQuery:
		h.Version, h.Group = 2, [4]byte(b[4:8])
		// RFC 3376, section 7.1: the length tells a query's version.
		switch {
		case n >= 12 && len(b) >= 12:
			h.Version, h.Records, k = 3, binary.BigEndian.Uint16(b[10:]), 12
		case h.Code == 0:
			h.Version = 1
		}
	case IGMPv1Report:
		h.Version, h.Group = 1, [4]byte(b[4:8])
	case IGMPv2Report, IGMPv2Leave:
		h.Version, h.Group = 2, [4]byte(b[4:8])
	}
	p.Has |= LayerIGMP
	p.end(b[k:], max(n-k, 0))
}

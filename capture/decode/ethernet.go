package decode

import (
	"encoding/binary"
	"strconv"
)

// MAC is a 48-bit hardware address.
type MAC [6]byte

// AppendText appends the address as tcpdump prints it: 02:00:00:00:00:01.
func (m MAC) AppendText(dst []byte) ([]byte, error) {
	for i, c := range m {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexdigits[c>>4], hexdigits[c&15])
	}
	return dst, nil
}

// String returns what AppendText appends.
func (m MAC) String() string {
	b, _ := m.AppendText(make([]byte, 0, 17))
	return string(b)
}

// Broadcast reports whether all bits are set.
func (m MAC) Broadcast() bool { return m == MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

// Multicast reports whether the address names a group; broadcast is one.
func (m MAC) Multicast() bool { return m[0]&1 != 0 }

// EtherType says what a link layer carries.
type EtherType uint16

// The EtherTypes that are decoded, or known by name.
const (
	EtherTypeIPv4     EtherType = 0x0800
	EtherTypeARP      EtherType = 0x0806
	EtherTypeBridge   EtherType = 0x6558 // Ethernet inside of GRE
	EtherTypeRARP     EtherType = 0x8035
	EtherTypeVLAN     EtherType = 0x8100
	EtherTypeIPv6     EtherType = 0x86dd
	EtherTypeMPLS     EtherType = 0x8847
	EtherTypePPPoED   EtherType = 0x8863
	EtherTypePPPoES   EtherType = 0x8864
	EtherTypeEAPOL    EtherType = 0x888e
	EtherTypeQinQ     EtherType = 0x88a8
	EtherTypeLLDP     EtherType = 0x88cc
	EtherTypeMACsec   EtherType = 0x88e5
	EtherTypePTP      EtherType = 0x88f7
	EtherTypeOldQinQ  EtherType = 0x9100
	EtherTypeLoopTest EtherType = 0x9000
	EtherTypePPP      EtherType = 0x880b // inside of GRE
)

var etherNames = map[EtherType]string{
	EtherTypeIPv4: "IPv4", EtherTypeARP: "ARP", EtherTypeBridge: "Trans Ether Bridging",
	EtherTypeRARP: "Reverse ARP", EtherTypeVLAN: "802.1Q", EtherTypeIPv6: "IPv6",
	EtherTypeMPLS: "MPLS unicast", EtherTypePPPoED: "PPPoE D", EtherTypePPPoES: "PPPoE S",
	EtherTypeEAPOL: "EAPOL", EtherTypeQinQ: "802.1Q-QinQ", EtherTypeLLDP: "LLDP",
	EtherTypeMACsec: "802.1AE MACsec", EtherTypePTP: "PTP", EtherTypeOldQinQ: "802.1Q-9100",
	EtherTypeLoopTest: "Loopback", EtherTypePPP: "PPP",
}

// String returns the name that tcpdump prints after "ethertype", or "Unknown".
func (t EtherType) String() string {
	if s, ok := etherNames[t]; ok {
		return s
	}
	return "Unknown"
}

// Ethernet is an Ethernet II or 802.3 header.
type Ethernet struct {
	Dst, Src MAC
	// Type is what follows the addresses: an EtherType, or, when below 0x600, the
	// length of an 802.3 frame that goes on with LLC.
	Type EtherType
}

// VLAN is one tag.
type VLAN struct {
	TPID EtherType // 0x8100, 0x88a8 or 0x9100
	TCI  uint16
}

// ID is the 12-bit identifier.
func (v VLAN) ID() int { return int(v.TCI & 0x0fff) }

// Priority is the priority code point, 0 to 7.
func (v VLAN) Priority() int { return int(v.TCI >> 13) }

// DropEligible is the DEI bit, CFI in older texts.
func (v VLAN) DropEligible() bool { return v.TCI&0x1000 != 0 }

// maxTags is how many tags are kept and read: two are QinQ, more are a mistake.
const maxTags = 4

// VLANs are the tags of a frame, the outermost first.
type VLANs struct {
	tags [maxTags]VLAN
	n    uint8
}

// Tags returns the tags, in memory of v.
func (v *VLANs) Tags() []VLAN { return v.tags[:v.n] }

// LLC is an 802.2 header, with SNAP where there is one.
type LLC struct {
	DSAP, SSAP uint8
	Control    uint8 // its first byte
	SNAP       bool
	OUI        [3]byte // SNAP only
}

// Name says what the header carries, for the service access points that are
// still met.
func (l *LLC) Name() string {
	switch {
	case l.DSAP == 0x42:
		return "STP"
	case l.DSAP == 0xfe:
		return "IS-IS"
	case l.DSAP == 0xe0 || l.DSAP == 0xff:
		return "IPX"
	case l.DSAP == 0xf0:
		return "NetBEUI"
	case l.SNAP:
		return "SNAP"
	}
	return "LLC 0x" + strconv.FormatUint(uint64(l.DSAP), 16)
}

func (p *Packet) ethernet(b []byte) {
	if len(b) < 14 {
		p.fail(LayerEthernet, FaultTruncated, b, len(b))
		return
	}
	e := &p.Ethernet
	copy(e.Dst[:], b[0:6])
	copy(e.Src[:], b[6:12])
	e.Type = EtherType(binary.BigEndian.Uint16(b[12:14]))
	p.Has = LayerEthernet
	if e.Type == EtherTypeIPv4 {
		p.EtherType = EtherTypeIPv4
		p.ipv4(b[14:], 14)
		return
	}
	p.tagged(e.Type, b, 14)
}

// tagged reads tags, if t announces one, and goes on. The header below ends at n.
func (p *Packet) tagged(t EtherType, b []byte, n int) {
	p.VLANs.n = 0
	for t == EtherTypeVLAN || t == EtherTypeQinQ || t == EtherTypeOldQinQ {
		switch {
		case len(b) < n+4:
			p.fail(LayerVLAN, FaultTruncated, b[n:], len(b)-n)
			return
		case p.VLANs.n == maxTags:
			p.fail(LayerVLAN, FaultTooMany, b[n:], len(b)-n)
			return
		}
		p.VLANs.tags[p.VLANs.n] = VLAN{TPID: t, TCI: binary.BigEndian.Uint16(b[n:])}
		p.VLANs.n++
		p.Has |= LayerVLAN
		t = EtherType(binary.BigEndian.Uint16(b[n+2:]))
		n += 4
	}
	// RFC 894 and IEEE 802.3, clause 3.2.6: up to 1500 it is a length. Linux's
	// cooked header says 4 for frames with an LLC header and 1 for those without.
	if t < 0x600 {
		p.llc(t, b, n)
		return
	}
	p.EtherType = t
	p.above(t, b[n:], n)
}

// llc reads what follows a length of size bytes.
func (p *Packet) llc(size EtherType, b []byte, n int) {
	b = b[n:]
	if p.Has&LayerEthernet != 0 && int(size) < len(b) {
		b = b[:size]
	}
	if len(b) < 3 {
		p.fail(LayerLLC, FaultTruncated, b, len(b))
		return
	}
	p.Has |= LayerLLC
	p.LLC = LLC{DSAP: b[0], SSAP: b[1], Control: b[2]}
	if b[0] != 0xaa || b[1] != 0xaa || len(b) < 8 {
		p.end(b[3:], len(b)-3)
		return
	}
	p.LLC.SNAP, p.LLC.OUI = true, [3]byte(b[3:6])
	t := EtherType(binary.BigEndian.Uint16(b[6:]))
	// RFC 1042: with the zero OUI the type is an EtherType.
	if p.LLC.OUI != [3]byte{} {
		p.end(b[8:], len(b)-8)
		return
	}
	p.EtherType = t
	p.above(t, b[8:], n+8)
}

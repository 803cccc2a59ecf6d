package decode

import (
	"encoding/binary"
	"net/netip"
)

// ICMPType is the first byte of an ICMP or ICMPv6 message. The numbers of the
// two differ; Packet.Has tells which it is.
type ICMPType uint8

// The types of ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861) that a reader
// meets.
const (
	ICMPEchoReply      ICMPType = 0
	ICMPUnreachable    ICMPType = 3
	ICMPSourceQuench   ICMPType = 4
	ICMPRedirect       ICMPType = 5
	ICMPEcho           ICMPType = 8
	ICMPRouterAdvert   ICMPType = 9
	ICMPRouterSolicit  ICMPType = 10
	ICMPTimeExceeded   ICMPType = 11
	ICMPParameter      ICMPType = 12
	ICMPTimestamp      ICMPType = 13
	ICMPTimestampReply ICMPType = 14

	ICMPv6Unreachable     ICMPType = 1
	ICMPv6TooBig          ICMPType = 2
	ICMPv6TimeExceeded    ICMPType = 3
	ICMPv6Parameter       ICMPType = 4
	ICMPv6Echo            ICMPType = 128
	ICMPv6EchoReply       ICMPType = 129
	ICMPv6MLDQuery        ICMPType = 130
	ICMPv6MLDReport       ICMPType = 131
	ICMPv6MLDDone         ICMPType = 132
	ICMPv6RouterSolicit   ICMPType = 133
	ICMPv6RouterAdvert    ICMPType = 134
	ICMPv6NeighborSolicit ICMPType = 135
	ICMPv6NeighborAdvert  ICMPType = 136
	ICMPv6Redirect        ICMPType = 137
	ICMPv6MLDv2Report     ICMPType = 143
)

// quotes reports whether an ICMP message of this type carries the packet that
// it is about.
func (t ICMPType) quotes() bool {
	switch t {
	case ICMPUnreachable, ICMPSourceQuench, ICMPRedirect, ICMPTimeExceeded, ICMPParameter:
		return true
	}
	return false
}

// ICMP is an ICMP or ICMPv6 header: what all types share, and the four bytes
// whose meaning depends on the type.
type ICMP struct {
	Type     ICMPType
	Code     uint8
	Checksum uint16
	Rest     [4]byte
}

// ID is the identifier of echo and timestamp messages.
func (h *ICMP) ID() uint16 { return binary.BigEndian.Uint16(h.Rest[:]) }

// Seq is the sequence number of echo and timestamp messages.
func (h *ICMP) Seq() uint16 { return binary.BigEndian.Uint16(h.Rest[2:]) }

// MTU is the next hop's, in an ICMP "fragmentation needed" (RFC 1191).
func (h *ICMP) MTU() uint16 { return binary.BigEndian.Uint16(h.Rest[2:]) }

// MTU6 is the next hop's, in an ICMPv6 "packet too big".
func (h *ICMP) MTU6() uint32 { return binary.BigEndian.Uint32(h.Rest[:]) }

// Gateway is the better router of an ICMP redirect.
func (h *ICMP) Gateway() netip.Addr { return netip.AddrFrom4(h.Rest) }

// Target returns the address that a neighbour solicitation or advertisement, or
// a redirect, is about.
func (p *Packet) Target() (netip.Addr, bool) {
	if p.Has&LayerICMPv6 == 0 || len(p.Payload) < 16 {
		return netip.Addr{}, false
	}
	switch p.ICMP.Type {
	case ICMPv6NeighborSolicit, ICMPv6NeighborAdvert, ICMPv6Redirect:
		return netip.AddrFrom16([16]byte(p.Payload[:16])), true
	}
	return netip.Addr{}, false
}

func (p *Packet) icmp(b []byte, n int, layer Layers) {
	// A few messages of old are no longer than type, code and checksum.
	if len(b) < 4 {
		p.fail(layer, FaultTruncated, b, n)
		return
	}
	h := &p.ICMP
	h.Type, h.Code = ICMPType(b[0]), b[1]
	h.Checksum = binary.BigEndian.Uint16(b[2:])
	h.Rest = [4]byte{}
	k := 4 + copy(h.Rest[:], b[4:])
	p.Has |= layer
	p.end(b[k:], max(n-k, 0))
}

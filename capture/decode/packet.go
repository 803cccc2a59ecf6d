package decode

import (
	"net/netip"

	"sonde/capture"
)

// Packet is what the headers of one frame say. The zero Packet is ready to use;
// Decode overwrites it. It is not safe for concurrent use, and the slices in it
// borrow the frame that Decode was given.
type Packet struct {
	// Has names the layers that were read. Every other layer's field is stale.
	Has Layers

	// Fault says why decoding ended before a payload was reached, FaultNone when
	// it did not. FaultAt is the layer that could not be read.
	Fault   Fault
	FaultAt Layers

	// Link is what Decode was told that the frame starts with.
	Link capture.LinkType

	// EtherType is the last one, behind all tags: what the link layer carries.
	// Zero when the link layer says nothing of the kind.
	EtherType EtherType

	// Proto is what the last IP header or extension header announces. It is valid
	// with LayerIPv4 and LayerIPv6.
	Proto IPProto

	Ethernet Ethernet
	VLANs    VLANs
	SLL      SLL
	LLC      LLC
	ARP      ARP
	IPv4     IPv4
	IPv6     IPv6
	Fragment Fragment
	TCP      TCP
	UDP      UDP
	ICMP     ICMP
	IGMP     IGMP
	GRE      GRE

	// Payload is what was captured above the last layer read, without the padding
	// that Ethernet adds to short frames.
	Payload []byte

	// Length is how long the payload was on the wire, as the headers tell it. It is
	// more than len(Payload) when the snap length cut the frame.
	Length int

	// For the checksums: where in frame the network header starts, -1 if it is not
	// there, where the transport header does, and how many bytes IP carries.
	frame          []byte
	network, trans int
	carried        int
}

// Decode reads the frame b, which starts with what link says, and returns p.Fault.
// The work grows with the number of headers, of which there may be few.
func (p *Packet) Decode(link capture.LinkType, b []byte) Fault {
	p.Link, p.Has, p.Fault, p.FaultAt, p.EtherType = link, 0, FaultNone, 0, 0
	p.frame = b
	switch link {
	case capture.LinkEthernet:
		p.ethernet(b)
	case capture.LinkLinuxSLL:
		p.sll(b)
	case capture.LinkLinuxSLL2:
		p.sll2(b)
	case capture.LinkNull, capture.LinkLoop:
		p.loopback(b)
	case capture.LinkRaw, capture.LinkIPv4, capture.LinkIPv6, bsdRaw, openRaw:
		p.raw(b)
	default:
		p.end(b, len(b))
		p.Fault = FaultUnsupported
	}
	return p.Fault
}

// DecodeNetwork reads b as what an EtherType announces. It serves packets inside
// of others: tunnels, and the start of the lost packet that an ICMP error quotes.
func (p *Packet) DecodeNetwork(t EtherType, b []byte) Fault {
	p.Link, p.Has, p.Fault, p.FaultAt = capture.LinkRaw, 0, FaultNone, 0
	p.frame, p.EtherType = b, t
	p.above(t, b, 0)
	return p.Fault
}

// DecodeReassembled goes on above the IP header with b, the payload of all
// fragments put together: the headers below stay as they are, and LayerFragment
// is gone from Has. Checksums of the layers above are computed over b.
func (p *Packet) DecodeReassembled(proto IPProto, b []byte) Fault {
	p.Has &= LayersLink | LayerIPv4 | LayerIPv6 | LayerExtensions
	p.Fault, p.FaultAt, p.Proto = FaultNone, 0, proto
	p.frame, p.network = b, -1
	if p.Has&LayerIPv6 != 0 && isExtension(proto) {
		p.extensions(b, 0, len(b))
		return p.Fault
	}
	p.transport(b, 0, len(b), p.Has&LayerIPv6 != 0)
	return p.Fault
}

// Inner reads into q the packet that p's payload carries: behind GRE, or IP in
// IP. It reports whether there is one. The two must not be the same Packet. A
// caller who descends decides how deep.
func (p *Packet) Inner(q *Packet) bool {
	t := EtherTypeIPv4
	switch {
	case p.Fault != FaultNone || p.Has&LayerFragment != 0:
		return false
	case p.Has&LayerGRE != 0:
		if t = p.GRE.Protocol; t == EtherTypeBridge {
			q.Decode(capture.LinkEthernet, p.Payload)
			return q.Has != 0
		}
	case p.Has&(LayerIPv4|LayerIPv6) == 0:
		return false
	case p.Proto == ProtoIPv6:
		t = EtherTypeIPv6
	case p.Proto != ProtoIPv4:
		return false
	}
	q.DecodeNetwork(t, p.Payload)
	return q.Has != 0
}

// Quoted reads into q the start of the packet that p, an ICMP error, is about.
// It reports whether there is one; its end is usually missing, so q.Fault may
// say that it is truncated while addresses and ports are there.
func (p *Packet) Quoted(q *Packet) bool {
	switch {
	case p.Has&LayerICMP != 0 && p.ICMP.Type.quotes():
		q.DecodeNetwork(EtherTypeIPv4, p.Payload)
	case p.Has&LayerICMPv6 != 0 && p.ICMP.Type < 128:
		q.DecodeNetwork(EtherTypeIPv6, p.Payload)
	default:
		return false
	}
	return q.Has&(LayerIPv4|LayerIPv6) != 0
}

// SourceIP returns the sender's address, or the zero Addr if there is no IP header.
func (p *Packet) SourceIP() netip.Addr {
	switch {
	case p.Has&LayerIPv4 != 0:
		return netip.AddrFrom4(p.IPv4.Src)
	case p.Has&LayerIPv6 != 0:
		return netip.AddrFrom16(p.IPv6.Src)
	}
	return netip.Addr{}
}

// DestinationIP is SourceIP for the other end.
func (p *Packet) DestinationIP() netip.Addr {
	switch {
	case p.Has&LayerIPv4 != 0:
		return netip.AddrFrom4(p.IPv4.Dst)
	case p.Has&LayerIPv6 != 0:
		return netip.AddrFrom16(p.IPv6.Dst)
	}
	return netip.Addr{}
}

// Ports returns the ports of TCP or UDP, and zeros without either.
func (p *Packet) Ports() (src, dst uint16) {
	switch {
	case p.Has&LayerTCP != 0:
		return p.TCP.SrcPort, p.TCP.DstPort
	case p.Has&LayerUDP != 0:
		return p.UDP.SrcPort, p.UDP.DstPort
	}
	return 0, 0
}

// Source returns the sender's address and port.
func (p *Packet) Source() netip.AddrPort {
	port, _ := p.Ports()
	return netip.AddrPortFrom(p.SourceIP(), port)
}

// Destination returns the receiver's address and port.
func (p *Packet) Destination() netip.AddrPort {
	_, port := p.Ports()
	return netip.AddrPortFrom(p.DestinationIP(), port)
}

// end sets what is left above the last layer: b was captured, of n bytes.
func (p *Packet) end(b []byte, n int) { p.Payload, p.Length = b, n }

// fail ends decoding at a layer that cannot be read.
func (p *Packet) fail(at Layers, f Fault, b []byte, n int) {
	p.Fault, p.FaultAt = f, at
	p.Payload, p.Length = b, n
}

// above goes on with what t announces; b starts at offset at of the frame.
func (p *Packet) above(t EtherType, b []byte, at int) {
	switch t {
	case EtherTypeIPv4:
		p.ipv4(b, at)
	case EtherTypeIPv6:
		p.ipv6(b, at)
	case EtherTypeARP, EtherTypeRARP:
		p.arp(b)
	default:
		p.end(b, len(b))
	}
}

// transport goes on above IP. b is what was captured of n bytes, and starts at
// offset at of the frame.
func (p *Packet) transport(b []byte, at, n int, v6 bool) {
	p.trans, p.carried = at, n
	switch p.Proto {
	case ProtoTCP:
		p.tcp(b, n)
	case ProtoUDP:
		p.udp(b, n)
	case ProtoICMP:
		p.icmp(b, n, LayerICMP)
	case ProtoICMPv6:
		if v6 {
			p.icmp(b, n, LayerICMPv6)
			return
		}
		p.end(b, n)
	case ProtoIGMP:
		p.igmp(b, n)
	case ProtoGRE:
		p.gre(b, n)
	default:
		p.end(b, n)
	}
}

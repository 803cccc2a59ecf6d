package sniff

import (
	"net/netip"

	"sonde/capture/decode"
)

// told reports whether the link-layer header that was printed names the protocol
// already.
func (w *Printer) told(d *decode.Packet) bool {
	return w.style.Link && d.Has&(decode.LayerEthernet|decode.LayerSLL) != 0
}

// ipv4 prints an IPv4 packet.
func (w *Printer) ipv4(dst []byte, d *decode.Packet) []byte {
	if !w.told(d) {
		dst = append(dst, "IP "...)
	}
	if w.style.Verbose > 0 {
		dst = append(w.header4(dst, d), "\n    "...)
	}
	if d.Has&decode.LayerFragment != 0 && d.Fragment.Offset > 0 {
		dst = append(w.hosts(dst, d), ": "...)
		return w.protocol(dst, d.Proto)
	}
	return w.transport(dst, d)
}

// header4 prints the fields of an IPv4 header in parentheses.
func (w *Printer) header4(dst []byte, d *decode.Packet) []byte {
	h := &d.IPv4
	dst = appendHex(append(dst, "(tos 0x"...), uint64(h.TOS), 1)
	switch h.TOS & 3 { // RFC 3168, section 5
	case 1:
		dst = append(dst, ",ECT(1)"...)
	case 2:
		dst = append(dst, ",ECT(0)"...)
	case 3:
		dst = append(dst, ",CE"...)
	}
	dst = appendUint(append(dst, ", ttl "...), h.TTL)
	dst = appendUint(append(dst, ", id "...), h.ID)
	dst = appendUint(append(dst, ", offset "...), h.FragOff)
	dst = append(append(append(dst, ", flags ["...), flags4[h.Flags&7]...), ']')
	dst = append(append(dst, ", proto "...), protocolName(h.Proto)...)
	dst = append(appendUint(append(dst, " ("...), uint8(h.Proto)), ')')
	dst = appendUint(append(dst, ", length "...), h.TotalLen)
	if len(h.Options) > 0 {
		dst = append(dst, ", options ("...)
		first := true
		h.All(func(o decode.IPOption) bool {
			if !first {
				dst = append(dst, ',')
			}
			first, dst = false, append(dst, o.String()...)
			return true
		})
		dst = append(dst, ')')
	}
	if d.VerifyIPv4() == decode.SumBad {
		dst = append(appendHex(append(dst, ", bad cksum "...), uint64(h.Checksum), 1), '!')
	}
	return append(dst, ')')
}

var flags4 = [8]string{"none", "+", "DF", "+, DF", "rsvd", "+, rsvd", "DF, rsvd", "+, DF, rsvd"}

func protocolName(x decode.IPProto) string {
	switch x {
	case decode.ProtoHopByHop, decode.ProtoDestOpts:
		return "Options"
	case decode.ProtoRouting:
		return "Routing"
	case decode.ProtoFragment:
		return "Fragment"
	}
	return x.String()
}

// ipv6 prints an IPv6 packet.
func (w *Printer) ipv6(dst []byte, d *decode.Packet) []byte {
	if !w.told(d) {
		dst = append(dst, "IP6 "...)
	}
	h := &d.IPv6
	if w.style.Verbose > 0 {
		dst = append(dst, '(')
		if h.Class != 0 {
			dst = append(appendHex(append(dst, "class 0x"...), uint64(h.Class), 2), ", "...)
		}
		if h.Label != 0 {
			dst = append(appendHex(append(dst, "flowlabel 0x"...), uint64(h.Label), 5), ", "...)
		}
		dst = appendUint(append(dst, "hlim "...), h.HopLimit)
		dst = append(append(dst, ", next-header "...), protocolName(h.Next)...)
		dst = append(appendUint(append(dst, " ("...), uint8(h.Next)), ')')
		dst = append(appendUint(append(dst, " payload length: "...), h.PayloadLen), ") "...)
	}
	if d.Has&decode.LayerExtensions == 0 {
		return w.transport(dst, d)
	}
	dst = append(w.hosts(dst, d), ": "...)
	for _, e := range h.Extensions() {
		dst = w.extension(dst, d, e)
	}
	if d.Has&decode.LayerFragment != 0 && d.Fragment.Offset > 0 {
		return dst[:len(dst)-1] // the blank
	}
	return w.above(dst, d, true)
}

// extension prints an extension header and a blank.
func (w *Printer) extension(dst []byte, d *decode.Packet, e decode.Extension) []byte {
	switch e.Kind {
	case decode.ProtoHopByHop:
		return append(dst, "HBH "...)
	case decode.ProtoDestOpts:
		return append(dst, "DSTOPT "...)
	case decode.ProtoRouting:
		return append(dst, "srcrt "...)
	case decode.ProtoFragment:
		f := &d.Fragment
		if d.Has&decode.LayerFragment == 0 {
			return append(dst, "frag "...)
		}
		dst = appendUint(append(dst, "frag ("...), f.Offset)
		return append(appendUint(append(dst, '|'), f.Length), ") "...)
	}
	return append(append(dst, e.Kind.String()...), ' ')
}

// hosts prints the two addresses without ports.
func (w *Printer) hosts(dst []byte, d *decode.Packet) []byte {
	dst = w.names.appendHost(dst, d.SourceIP())
	return w.names.appendHost(append(dst, " > "...), d.DestinationIP())
}

// endsKey is what the text of two ends depends on.
type endsKey struct {
	from, to         netip.Addr
	fromPort, toPort uint16
	udp              bool
}

// knownEnds keeps the texts of a few pairs of ends: packets come in flocks.
type knownEnds [16]struct {
	key  endsKey
	text []byte
}

// ends prints the two addresses with their ports.
func (w *Printer) ends(dst []byte, d *decode.Packet, udp bool) []byte {
	k := endsKey{from: d.SourceIP(), to: d.DestinationIP(), udp: udp}
	k.fromPort, k.toPort = d.Ports()
	e := &w.ended[(k.fromPort^k.toPort<<1)%uint16(len(w.ended))]
	if e.key != k {
		e.key = k
		e.text = w.end(e.text[:0], k.from, k.fromPort, udp)
		e.text = w.end(append(e.text, " > "...), k.to, k.toPort, udp)
	}
	return append(dst, e.text...)
}

func (w *Printer) end(dst []byte, a netip.Addr, port uint16, udp bool) []byte {
	return w.names.appendPort(append(w.names.appendHost(dst, a), '.'), port, udp)
}

// transport prints addresses and what IP carries.
func (w *Printer) transport(dst []byte, d *decode.Packet) []byte {
	switch {
	case d.Has&decode.LayerTCP != 0:
		dst = w.ends(dst, d, false)
	case d.Has&decode.LayerUDP != 0:
		dst = w.ends(dst, d, true)
	default:
		dst = w.hosts(dst, d)
	}
	return w.above(append(dst, ": "...), d, false)
}

// above prints what IP carries. Behind extension headers the ports have not been
// printed yet.
func (w *Printer) above(dst []byte, d *decode.Packet, ports bool) []byte {
	if ports && d.Has&(decode.LayerTCP|decode.LayerUDP) != 0 {
		dst = append(w.ends(dst, d, d.Has&decode.LayerUDP != 0), ": "...)
	}
	switch {
	case d.Fault != decode.FaultNone:
		return w.fault(dst, d)
	case d.Has&decode.LayerTCP != 0:
		return w.tcp(dst, d)
	case d.Has&decode.LayerUDP != 0:
		return w.udp(dst, d)
	case d.Has&decode.LayerICMP != 0:
		return w.icmp(dst, d)
	case d.Has&decode.LayerICMPv6 != 0:
		return w.icmp6(dst, d)
	case d.Has&decode.LayerIGMP != 0:
		return w.igmp(dst, d)
	case d.Has&decode.LayerGRE != 0:
		dst = append(append(dst, "GREv0, "...), d.GRE.Protocol.String()...)
		return appendLength(dst, d.Length)
	case d.Inner(&w.inner):
		return w.tunnel(dst)
	}
	dst = w.protocol(dst, d.Proto)
	return appendUint(append(dst, ' '), d.Length)
}

// tunnel prints the packet inside of a packet, one level deep.
func (w *Printer) tunnel(dst []byte) []byte {
	q := w.inner // w.inner is used again for what an ICMP error quotes
	if q.Has&decode.LayerIPv6 != 0 {
		return append(w.hosts(append(dst, "IP6 "...), &q), ": tunnelled"...)
	}
	return append(w.hosts(append(dst, "IP "...), &q), ": tunnelled"...)
}

func (w *Printer) protocol(dst []byte, x decode.IPProto) []byte {
	if w.style.Numeric {
		return appendUint(append(dst, "ip-proto-"...), uint8(x))
	}
	name := x.String()
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// arp prints an ARP message. Its length is that on the wire, with what pads a
// short frame.
func (w *Printer) arp(dst []byte, d *decode.Packet, length int) []byte {
	a := &d.ARP
	if !w.told(d) {
		dst = append(dst, "ARP, "...)
	}
	if w.style.Verbose > 0 {
		dst = append(dst, "Ethernet (len "...)
		dst = append(appendUint(dst, a.HardwareLen), "), IPv4 (len "...)
		dst = append(appendUint(dst, a.ProtocolLen), "), "...)
	}
	dst = append(dst, a.Op.String()...)
	switch {
	case !a.Resolved:
	case a.Op == decode.ARPRequest:
		dst = w.names.appendHost(append(dst, " who-has "...), netip.AddrFrom4(a.TargetIP))
		if a.TargetMAC != (decode.MAC{}) {
			dst = append(w.mac(append(dst, " ("...), a.TargetMAC), ')')
		}
		dst = w.names.appendHost(append(dst, " tell "...), netip.AddrFrom4(a.SenderIP))
	case a.Op == decode.ARPReply:
		dst = w.names.appendHost(append(dst, ' '), netip.AddrFrom4(a.SenderIP))
		dst = w.mac(append(dst, " is-at "...), a.SenderMAC)
	case a.Op == decode.RARPRequest:
		dst = w.mac(append(dst, " who-is "...), a.TargetMAC)
		dst = w.mac(append(dst, " tell "...), a.SenderMAC)
	case a.Op == decode.RARPReply:
		dst = w.mac(append(dst, " "...), a.TargetMAC)
		dst = w.names.appendHost(append(dst, " at "...), netip.AddrFrom4(a.TargetIP))
	}
	return appendLength(dst, length)
}

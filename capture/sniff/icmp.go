package sniff

import (
	"net/netip"

	"sonde/capture/decode"
)

// icmp prints an ICMP message. Its length is that of the whole message.
func (w *Printer) icmp(dst []byte, d *decode.Packet) []byte {
	h := &d.ICMP
	dst = append(dst, "ICMP "...)
	switch h.Type {
	case decode.ICMPEcho, decode.ICMPEchoReply:
		dst = append(dst, "echo re"...)
		if h.Type == decode.ICMPEcho {
			dst = append(dst, "quest"...)
		} else {
			dst = append(dst, "ply"...)
		}
		dst = appendUint(append(dst, ", id "...), h.ID())
		dst = appendUint(append(dst, ", seq "...), h.Seq())
	case decode.ICMPUnreachable:
		dst = w.unreachable(dst, d)
	case decode.ICMPRedirect:
		dst = append(dst, "redirect "...)
		if d.Quoted(&w.inner) {
			dst = w.names.appendHost(dst, w.inner.DestinationIP())
		}
		kind := [...]string{" to net ", " to host ", " to net ", " to host "}
		dst = append(dst, kind[h.Code&3]...)
		dst = w.names.appendHost(dst, h.Gateway())
	case decode.ICMPTimeExceeded:
		if h.Code == 0 {
			dst = append(dst, "time exceeded in-transit"...)
		} else {
			dst = append(dst, "ip reassembly time exceeded"...)
		}
	case decode.ICMPSourceQuench:
		dst = append(dst, "source quench"...)
	case decode.ICMPParameter:
		dst = append(dst, "parameter problem"...)
		if h.Code == 0 {
			dst = appendUint(append(dst, " - octet "...), h.Rest[0])
		} else {
			dst = appendUint(append(dst, " - code "...), h.Code)
		}
	case decode.ICMPRouterAdvert:
		dst = append(dst, "router advertisement"...)
	case decode.ICMPRouterSolicit:
		dst = append(dst, "router solicitation"...)
	default:
		dst = appendUint(append(dst, "type-#"...), uint8(h.Type))
	}
	dst = appendLength(dst, d.Length+8)
	if w.style.Verbose == 0 {
		return dst
	}
	if d.VerifyTransport() == decode.SumBad {
		want, _ := d.TransportChecksum()
		dst = appendHex(append(dst, " (wrong icmp cksum "...), uint64(h.Checksum), 1)
		dst = append(appendHex(append(dst, " (->"...), uint64(want), 1), ")!)"...)
	}
	return w.quoted(dst, d)
}

// quoted prints the packet that an error is about, on a line of its own.
func (w *Printer) quoted(dst []byte, d *decode.Packet) []byte {
	if w.nested || !d.Quoted(&w.inner) {
		return dst
	}
	q := w.inner // which is used again for what is inside of that
	w.nested = true
	dst = w.network(append(dst, "\n\t"...), &q, 0)
	w.nested = false
	return dst
}

// unreachable prints what an ICMP error says about a packet that was lost.
func (w *Printer) unreachable(dst []byte, d *decode.Packet) []byte {
	q := &w.inner
	if !d.Quoted(q) {
		return append(dst, "unreachable"...)
	}
	switch code := d.ICMP.Code; code {
	case 0:
		return append(w.names.appendHost(append(dst, "net "...), q.DestinationIP()), " unreachable"...)
	case 1:
		return append(w.names.appendHost(append(dst, "host "...), q.DestinationIP()), " unreachable"...)
	case 2:
		dst = append(w.names.appendHost(dst, q.DestinationIP()), " protocol "...)
		return append(appendUint(dst, uint8(q.Proto)), " unreachable"...)
	case 3:
		return append(w.lostPort(dst, q), " unreachable"...)
	case 4:
		dst = append(w.names.appendHost(dst, q.DestinationIP()), " unreachable - need to frag"...)
		if mtu := d.ICMP.MTU(); mtu != 0 {
			dst = append(appendUint(append(dst, " (mtu "...), mtu), ')')
		}
		return dst
	case 9, 10, 13:
		kind := "host "
		if code == 9 {
			kind = "net "
		}
		dst = append(w.names.appendHost(append(dst, kind...), q.DestinationIP()), " unreachable - admin prohibited"...)
		if code == 13 {
			dst = append(dst, " filter"...)
		}
		return dst
	default:
		return appendUint(append(w.names.appendHost(dst, q.DestinationIP()), " unreachable - #"...), code)
	}
}

// lostPort prints the end that a quoted packet did not reach.
func (w *Printer) lostPort(dst []byte, q *decode.Packet) []byte {
	dst = append(w.names.appendHost(dst, q.DestinationIP()), ' ')
	switch q.Proto {
	case decode.ProtoUDP:
		return w.names.appendPort(append(dst, "udp port "...), q.UDP.DstPort, true)
	case decode.ProtoTCP:
		return w.names.appendPort(append(dst, "tcp port "...), q.TCP.DstPort, false)
	}
	return append(appendUint(append(dst, "protocol "...), uint8(q.Proto)), " port"...)
}

var icmp6Names = map[decode.ICMPType]string{
	decode.ICMPv6Unreachable: "destination unreachable", decode.ICMPv6TooBig: "packet too big",
	decode.ICMPv6TimeExceeded: "time exceeded in-transit", decode.ICMPv6Parameter: "parameter problem",
	decode.ICMPv6Echo: "echo request", decode.ICMPv6EchoReply: "echo reply",
	decode.ICMPv6MLDQuery: "multicast listener query", decode.ICMPv6MLDReport: "multicast listener report",
	decode.ICMPv6MLDDone: "multicast listener done", decode.ICMPv6RouterSolicit: "router solicitation",
	decode.ICMPv6RouterAdvert: "router advertisement", decode.ICMPv6NeighborSolicit: "neighbor solicitation",
	decode.ICMPv6NeighborAdvert: "neighbor advertisement", decode.ICMPv6Redirect: "redirect",
	decode.ICMPv6MLDv2Report: "multicast listener report v2",
}

// icmp6 prints an ICMPv6 message. With -v some lengths come before the details,
// as with tcpdump.
func (w *Printer) icmp6(dst []byte, d *decode.Packet) []byte {
	h := &d.ICMP
	if w.style.Verbose > 0 {
		switch d.VerifyTransport() {
		case decode.SumGood:
			dst = append(dst, "[icmp6 sum ok] "...)
		case decode.SumBad:
			dst = append(dst, "[bad icmp6 cksum] "...)
		}
	}
	dst = append(dst, "ICMP6, "...)
	name, known := icmp6Names[h.Type]
	if !known {
		return appendLength(appendUint(append(dst, "type-#"...), uint8(h.Type)), d.Length+8)
	}
	dst = append(dst, name...)
	early := w.style.Verbose > 0 && h.Type >= decode.ICMPv6RouterSolicit && h.Type <= decode.ICMPv6Redirect
	if early {
		dst = appendLength(dst, d.Length+8)
	}
	dst = w.icmp6Details(dst, d)
	if early {
		return dst
	}
	return appendLength(dst, d.Length+8)
}

func (w *Printer) icmp6Details(dst []byte, d *decode.Packet) []byte {
	h := &d.ICMP
	switch h.Type {
	case decode.ICMPv6Echo, decode.ICMPv6EchoReply:
		dst = appendUint(append(dst, ", id "...), h.ID())
		return appendUint(append(dst, ", seq "...), h.Seq())
	case decode.ICMPv6NeighborSolicit:
		return w.target(append(dst, ", who has "...), d)
	case decode.ICMPv6NeighborAdvert:
		return w.target(append(dst, ", tgt is "...), d)
	case decode.ICMPv6Redirect:
		return w.target(append(dst, ", to "...), d)
	case decode.ICMPv6TooBig:
		return appendUint(append(dst, ", mtu "...), h.MTU6())
	case decode.ICMPv6MLDv2Report:
		return append(appendUint(append(dst, ", "...), h.Seq()), " group record(s)"...)
	case decode.ICMPv6Unreachable:
		return w.unreachable6(dst, d)
	}
	return dst
}

func (w *Printer) target(dst []byte, d *decode.Packet) []byte {
	if a, ok := d.Target(); ok {
		return w.names.appendHost(dst, a)
	}
	return append(dst, "[|icmp6]"...)
}

func (w *Printer) unreachable6(dst []byte, d *decode.Packet) []byte {
	q := &w.inner
	if !d.Quoted(q) {
		return dst
	}
	switch d.ICMP.Code {
	case 0:
		dst = append(dst, ", unreachable route "...)
	case 1:
		dst = append(dst, ", unreachable prohibited "...)
	case 3:
		dst = append(dst, ", unreachable address "...)
	case 4:
		return w.lostPort(append(dst, ", unreachable port, "...), q)
	default:
		return appendUint(append(dst, ", unknown unreach code "...), d.ICMP.Code)
	}
	return w.names.appendHost(dst, q.DestinationIP())
}

// igmp prints an IGMP message.
func (w *Printer) igmp(dst []byte, d *decode.Packet) []byte {
	h := &d.IGMP
	group := netip.AddrFrom4(h.Group)
	switch h.Type {
	case decode.IGMPQuery:
		dst = appendUint(append(dst, "igmp query v"...), h.Version)
		if !group.IsUnspecified() {
			dst = w.names.appendHost(append(dst, " [gaddr "...), group)
			dst = append(dst, ']')
		}
	case decode.IGMPv1Report:
		dst = w.names.appendHost(append(dst, "igmp v1 report "...), group)
	case decode.IGMPv2Report:
		dst = w.names.appendHost(append(dst, "igmp v2 report "...), group)
	case decode.IGMPv2Leave:
		dst = w.names.appendHost(append(dst, "igmp leave "...), group)
	case decode.IGMPv3Report:
		dst = append(appendUint(append(dst, "igmp v3 report, "...), h.Records), " group record(s)"...)
	default:
		dst = appendHex(append(dst, "igmp-"...), uint64(h.Type), 1)
	}
	return dst
}

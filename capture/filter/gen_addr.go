package filter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// address makes the test for an id with its qualifiers.
func (g *generator) address(a *Address) *cond {
	switch a.id.kind {
	case tMAC:
		if a.q.proto != pLink || a.q.what != whatDefault && a.q.what != whatHost {
			g.failf("an Ethernet address goes only with ether host, ether src and ether dst")
		}
		return g.etherHost(parseMAC(a.id.text), a.q.dir)
	case tIPv6:
		return g.address6(a)
	case tIPv4:
		return g.address4(a)
	case tNum:
		return g.numbered(a)
	default:
		return g.named(a)
	}
}

// numbered makes the test for an id that is a bare number.
func (g *generator) numbered(a *Address) *cond {
	v := a.id.val
	switch a.q.what {
	case whatPort, whatPortRange:
		return g.ports(a.q, v, v, ipProtoOf(a.q.proto))
	case whatProto:
		return g.proto(v, a.q.proto)
	case whatProtoChain:
		return g.protoChain(v, a.q.proto)
	}
	if a.q.proto == pLink {
		g.failf("a number is not a link-layer address")
	}
	mask := uint32(0xffffffff)
	if a.q.what == whatNet && a.q.proto != pDECnet {
		// A network number without dots stands to the left: net 10 is 10/8.
		for v != 0 && v&0xff000000 == 0 {
			v, mask = v<<8, mask<<8
		}
	}
	return g.host(v, mask, a.q)
}

// address4 makes the test for an id that is an IPv4 address or its first
// parts, with or without a mask.
func (g *generator) address4(a *Address) *cond {
	switch a.q.what {
	case whatPort, whatPortRange, whatProto, whatProtoChain:
		g.failf("'%s' cannot go with an IP address", strings.TrimSpace(whatNames[a.q.what]))
	}
	masked := a.bits >= 0 || a.mask.kind == tIPv4
	if a.q.proto == pDECnet && !masked {
		return g.decnetHost(g.decnetAddress(a.id), a.q.dir)
	}
	addr, bits := parseDotted(a.id)
	addr <<= 32 - bits
	mask := uint32(0xffffffff) << (32 - bits)
	if masked {
		mask = g.mask4(a)
		if addr&^mask != 0 {
			failf(a.id.pos, "%s has bits set outside its mask", a.id.text)
		}
		if a.q.what != whatNet {
			g.failf("a mask goes only with net")
		}
	} else if a.q.proto == pLink {
		g.failf("an IP address is not a link-layer address")
	}
	return g.host(addr, mask, a.q)
}

// mask4 returns the mask that was written after an IPv4 network.
func (g *generator) mask4(a *Address) uint32 {
	if a.bits > 32 {
		g.failf("mask length must be at most 32")
	}
	if a.bits >= 0 {
		return uint32(uint64(0xffffffff) << (32 - a.bits))
	}
	mask, bits := parseDotted(a.mask)
	return mask << (32 - bits)
}

// decnetAddress reads area.node. Like libpcap it takes no notice of more.
func (g *generator) decnetAddress(t token) uint32 {
	parts := strings.Split(t.text, ".")
	area, err1 := strconv.ParseUint(parts[0], 10, 31)
	node, err2 := strconv.ParseUint(leadingDigits(parts[1]), 10, 31)
	if err1 != nil || err2 != nil {
		failf(t.pos, "malformed decnet address '%s'", t.text)
	}
	return uint32(area)<<10&0o176000 | uint32(node)&0o1777
}

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// address6 makes the test for an id that is an IPv6 address or network.
func (g *generator) address6(a *Address) *cond {
	addr := checkIPv6(a.id)
	bits := a.bits
	if bits < 0 {
		bits = 128
	}
	prefix := netip.PrefixFrom(addr, bits)
	if prefix.Masked().Addr() != addr {
		failf(a.id.pos, "%s has bits set outside its mask", a.id.text)
	}
	switch a.q.what {
	case whatDefault, whatHost:
		if bits != 128 {
			g.failf("a mask goes only with net")
		}
	case whatNet:
	default:
		g.failf("'%s' cannot go with an IPv6 address", strings.TrimSpace(whatNames[a.q.what]))
	}
	return g.host6(prefix, a.q)
}

// host makes the test for an IPv4 address or network, in the headers of IPv4,
// ARP and RARP unless one of them was named.
func (g *generator) host(addr, mask uint32, q qual) *cond {
	switch q.proto {
	case pDefault:
		ip := g.host4(addr, mask, q.dir, etherIP, 12, 16)
		if g.labels > 0 {
			return ip
		}
		arp := g.host4(addr, mask, q.dir, etherARP, 14, 24)
		return anyOf(ip, arp, g.host4(addr, mask, q.dir, etherRARP, 14, 24))
	case pIP:
		return g.host4(addr, mask, q.dir, etherIP, 12, 16)
	case pARP:
		return g.host4(addr, mask, q.dir, etherARP, 14, 24)
	case pRARP:
		return g.host4(addr, mask, q.dir, etherRARP, 14, 24)
	case pDECnet:
		return g.decnetHost(addr, q.dir)
	}
	g.failf("'%s' does not go with an IPv4 %s", q.proto, hostOrNet(q))
	return nil
}

func hostOrNet(q qual) string {
	if q.what == whatNet {
		return "network"
	}
	return "address"
}

// ends makes a test for the ends of a packet that d speaks of.
func ends(d dir, test func(src bool) *cond) *cond {
	switch d {
	case dirSrc:
		return test(true)
	case dirDst:
		return test(false)
	case dirAnd:
		src := test(true)
		return both(src, test(false))
	default:
		src := test(true)
		return either(src, test(false))
	}
}

func (g *generator) host4(addr, mask uint32, d dir, t, srcOff, dstOff uint32) *cond {
	return ends(d, func(src bool) *cond {
		off := dstOff
		if src {
			off = srcOff
		}
		is := g.linkProto(t)
		return both(is, g.cmpMask(atNet, off, sizeW, addr, mask))
	})
}

// host6 makes the test for an IPv6 address or network.
func (g *generator) host6(p netip.Prefix, q qual) *cond {
	if q.proto != pDefault && q.proto != pIP6 {
		g.failf("'%s' does not go with an IPv6 %s", q.proto, hostOrNet(q))
	}
	addr := p.Addr().As16()
	return ends(q.dir, func(src bool) *cond {
		off := uint32(24)
		if src {
			off = 8
		}
		is := g.linkProto(etherIP6)
		for i := range 4 {
			v := binary.BigEndian.Uint32(addr[4*i:])
			bits := min(max(p.Bits()-32*i, 0), 32)
			mask := uint32(uint64(0xffffffff) << (32 - bits))
			is = both(is, g.cmpMask(atNet, off+uint32(4*i), sizeW, v, mask))
		}
		return is
	})
}

// etherHost makes the test for an Ethernet address.
func (g *generator) etherHost(mac [6]byte, d dir) *cond {
	hasEther := g.needEther("Ethernet addresses")
	return all(hasEther, ends(d, func(src bool) *cond {
		off := uint32(0)
		if src {
			off = 6
		}
		return g.cmpBytes(atLinkHdr, off, mac[:])
	}))
}

// decnetHost makes the test for a DECnet address: in data packets with a long
// or a short header, with no or one byte of padding, as libpcap does.
func (g *generator) decnetHost(addr uint32, d dir) *cond {
	want := addr&0xff<<8 | addr>>8&0xff // little-endian on the wire
	return ends(d, func(src bool) *cond {
		long, short := uint32(7), uint32(1)
		if src {
			long, short = 15, 3
		}
		is := g.linkProto(etherDECnet)
		at := func(off uint32) *cond { return g.cmp(atNet, off, sizeH, want) }
		padLong := both(g.cmpMask(atNet, 2, sizeH, 0x8106, 0xff07), at(3+long))
		noPadLong := both(g.cmpMask(atNet, 2, sizeB, 0x06, 0x07), at(2+long))
		padShort := both(g.cmpMask(atNet, 2, sizeH, 0x8102, 0xff07), at(3+short))
		noPadShort := both(g.cmpMask(atNet, 2, sizeB, 0x02, 0x07), at(2+short))
		return both(is, anyOf(noPadShort, padShort, noPadLong, padLong))
	})
}

// named makes the test for an id that is a name.
func (g *generator) named(a *Address) *cond {
	name := a.id.text
	refuse := func(what string, err error) {
		if err != nil {
			failf(a.id.pos, "unknown %s '%s': %v", what, name, err)
		}
	}
	switch a.q.what {
	case whatNet:
		n, err := g.opts.Resolver.Network(name)
		if err == nil && n == 0 {
			err = fmt.Errorf("network number 0")
		}
		refuse("network", err)
		mask := uint32(0xffffffff)
		for n&0xff000000 == 0 {
			n, mask = n<<8, mask<<8
		}
		return g.host(n, mask, a.q)
	case whatPort, whatPortRange:
		return g.namedPort(a)
	case whatProto, whatProtoChain:
		v := g.namedProto(a)
		if a.q.what == whatProto {
			return g.proto(v, a.q.proto)
		}
		return g.protoChain(v, a.q.proto)
	}
	switch a.q.proto {
	case pLink:
		if g.link != Ethernet {
			g.failf("%s has no Ethernet addresses", g.link)
		}
		mac, err := g.opts.Resolver.Ether(name)
		refuse("Ethernet host", err)
		return g.etherHost(mac, a.q.dir)
	case pDECnet:
		g.failf("names of DECnet hosts are not supported")
	}
	addrs, err := g.opts.Resolver.Host(name)
	refuse("host", err)
	return g.namedHost(a, addrs)
}

// namedHost makes the test for any of the addresses of a host.
func (g *generator) namedHost(a *Address, addrs []netip.Addr) *cond {
	q4, q6 := a.q, a.q
	if g.linkType.off == offNotSet && a.q.proto == pDefault {
		q4.proto, q6.proto = pIP, pIP6 // no ARP where there is no link layer
	}
	var out *cond
	for _, addr := range addrs {
		var c *cond
		switch addr = addr.Unmap(); {
		case addr.Is4() && q4.proto != pIP6:
			v := addr.As4()
			c = g.host(binary.BigEndian.Uint32(v[:]), 0xffffffff, q4)
		case addr.Is6() && q6.proto != pIP:
			c = g.host6(netip.PrefixFrom(addr.WithZone(""), 128), q6)
		default:
			continue
		}
		if out == nil {
			out = c
		} else {
			out = either(out, c)
		}
	}
	if out == nil {
		failf(a.id.pos, "unknown host '%s': no address of the right family", a.id.text)
	}
	return out
}

package filter

// special makes the test for a primitive with a form of its own.
func (g *generator) special(s *Special) *cond {
	switch s.word {
	case tLess:
		return not(test(opJgtK, s.num, []*stmt{op(opLdLen, 0)}))
	case tGreater:
		return test(opJgeK, s.num, []*stmt{op(opLdLen, 0)})
	case tByte:
		return g.byteTest(s)
	case tBroadcast:
		return g.broadcast(s.prot)
	case tMulticast:
		return g.multicast(s.prot)
	case tInbound:
		return not(g.outbound())
	case tOutbound:
		return g.outbound()
	case tIfIndex:
		return g.ifIndex(s.num)
	case tVLAN:
		return g.vlan(s.num, s.has)
	case tMPLS:
		return g.mpls(s.num, s.has)
	case tPPPoED:
		return g.linkProto(etherPPPoED)
	case tPPPoES:
		return g.pppoes(s.num, s.has)
	case tGeneve:
		return g.geneve(s.num, s.has)
	default: // tLLC
		return g.llc(s.name)
	}
}

// byteTest makes the test for "byte index op value". With & and | libpcap
// forgets to load the byte and tests what an earlier test left behind; a
// filter that does so means nothing, and is refused.
func (g *generator) byteTest(s *Special) *cond {
	switch s.op {
	case '=':
		return g.cmp(atLinkHdr, s.num, sizeB, s.val)
	case '<':
		return g.cmpLt(atLinkHdr, s.num, sizeB, s.val)
	case '>':
		return g.cmpGt(atLinkHdr, s.num, sizeB, s.val)
	}
	g.failf("'byte' with %c does not look at the packet in libpcap; write ether[%d] %c %d != 0",
		s.op, s.num, s.op, s.val)
	return nil
}

func (g *generator) broadcast(p proto) *cond {
	switch p {
	case pDefault, pLink:
		hasEther := g.needEther("broadcast address")
		return all(hasEther, g.cmpBytes(atLinkHdr, 0, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}))
	case pIP:
		if g.opts.Netmask == nil && g.opts.Live {
			g.failf("ip broadcast needs the netmask of the network")
		}
		hosts := ^g.netmask()
		is := g.linkProto(etherIP)
		zeros := g.cmpMask(atNet, 16, sizeW, 0, hosts)
		return both(is, either(zeros, g.cmpMask(atNet, 16, sizeW, hosts, hosts)))
	}
	g.failf("broadcast goes only with ether and ip")
	return nil
}

// netmask returns the mask as a number: 0, as tcpdump has it for files, when
// none was given.
func (g *generator) netmask() uint32 {
	var m uint32
	for _, b := range g.opts.Netmask {
		m = m<<8 | uint32(b)
	}
	return m
}

func (g *generator) multicast(p proto) *cond {
	switch p {
	case pDefault, pLink:
		hasEther := g.needEther("multicast addresses")
		return all(hasEther, test(opJsetK, 1, g.load(atLinkHdr, 0, sizeB)))
	case pIP:
		is := g.linkProto(etherIP)
		return both(is, g.cmpGe(atNet, 16, sizeB, 224))
	case pIP6:
		is := g.linkProto(etherIP6)
		return both(is, g.cmp(atNet, 24, sizeB, 255))
	}
	g.failf("multicast goes only with ether, ip and ip6")
	return nil
}

// outbound tests whether this machine sent the packet: by the cooked header,
// or live by what the kernel knows.
func (g *generator) outbound() *cond {
	switch {
	case g.link == LinuxSLL:
		return g.cmp(atLinkHdr, 0, sizeH, packetOutgoing)
	case g.link == LinuxSLL2:
		return g.cmp(atLinkHdr, 10, sizeB, packetOutgoing)
	case !g.opts.Live:
		g.failf("saved packets of %s hold no direction", g.link)
	}
	return g.cmp(atLinkHdr, adPktType, sizeH, packetOutgoing)
}

// ifIndex tests for the interface with a number.
func (g *generator) ifIndex(n uint32) *cond {
	switch {
	case g.link == LinuxSLL2:
		return g.cmp(atLinkHdr, 4, sizeW, n)
	case !g.opts.Live:
		g.failf("saved packets of %s hold no interface", g.link)
	}
	return g.cmp(atLinkHdr, adIfIndex, sizeW, n)
}

// The control bytes of 802.2, and the bits that tell its formats apart.
var (
	llcSTypes = map[string]uint32{"rr": 0x01, "rnr": 0x05, "rej": 0x09}
	llcUTypes = map[string]uint32{"ui": 0x03, "ua": 0x63, "disc": 0x43, "dm": 0x0f,
		"sabme": 0x6f, "test": 0xe3, "xid": 0xaf, "frmr": 0x87}
)

// llc makes the test for an 802.2 header, with a format or type if named.
func (g *generator) llc(name string) *cond {
	if g.link != Ethernet {
		g.failf("llc is not supported for %s", g.link)
	}
	short := g.is8023()
	is := both(short, not(g.cmp(atLLC, 0, sizeH, 0xffff))) // 0xffff is Novell's bare 802.3
	name = lower(name)
	if name == "" {
		return is
	}
	if v, ok := llcSTypes[name]; ok {
		return both(is, g.cmpMask(atLLC, 2, sizeB, v, 0x0f))
	}
	if v, ok := llcUTypes[name]; ok {
		return both(is, g.cmpMask(atLLC, 2, sizeB, v, 0xef))
	}
	switch name {
	case "i":
		return both(is, not(test(opJsetK, 0x01, g.load(atLLC, 2, sizeB))))
	case "s":
		return both(is, g.cmpMask(atLLC, 2, sizeB, 0x01, 0x03))
	case "u":
		return both(is, g.cmpMask(atLLC, 2, sizeB, 0x03, 0x03))
	}
	g.failf("unknown LLC type '%s'", name)
	return nil
}

// lower makes the ASCII letters of s small.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

package filter

// Ethernet types, and the 802.2 service access points that stand for them
// where a number of at most maxLLC is a SAP rather than a type.
const (
	etherIPX    = 0x8137
	etherIP     = 0x0800
	etherARP    = 0x0806
	etherRARP   = 0x8035
	etherMOPDL  = 0x6001
	etherMOPRC  = 0x6002
	etherDECnet = 0x6003
	etherLAT    = 0x6004
	etherSCA    = 0x6007
	etherTEB    = 0x6558 // Ethernet within something, as Geneve names it
	etherATalk  = 0x809b
	etherAARP   = 0x80f3
	etherNS     = 0x0600
	ether8021Q  = 0x8100
	ether8021AD = 0x88a8
	etherQinQ   = 0x9100
	etherIP6    = 0x86dd
	etherMPLS   = 0x8847
	etherPPPoED = 0x8863
	etherPPPoES = 0x8864
	etherLoop   = 0x9000

	sapIP      = 0x06
	sapSTP     = 0x42
	sapSNAP    = 0xaa
	sapIPX     = 0xe0
	sapNetBEUI = 0xf0
	sapISO     = 0xfe

	maxLLC = 1500 // a "type" up to this is the length of an 802.3 frame

	sll8023 = 0x0001 // Linux's type for 802.3 frames without 802.2 (Novell)
	sll8022 = 0x0004 // and with it
)

// linkProto tests whether the payload is of protocol t: an Ethernet type, or
// up to maxLLC a SAP. Link layers without such numbers have them mapped.
func (g *generator) linkProto(t uint32) *cond {
	if g.labels > 0 {
		return g.mplsProto(t)
	}
	switch g.link {
	case Ethernet:
		return g.etherProto(t)
	case LinuxSLL:
		return g.sllProto(t)
	case RawIP:
		switch t {
		case etherIP:
			return g.cmpMask(atLinkHdr, 0, sizeB, 0x40, 0xf0)
		case etherIP6:
			return g.cmpMask(atLinkHdr, 0, sizeB, 0x60, 0xf0)
		}
		return never()
	case RawIPv4, RawIPv6:
		if t == etherIP && g.link == RawIPv4 || t == etherIP6 && g.link == RawIPv6 {
			return always()
		}
		return never()
	case PPP:
		return g.cmp(atLinkType, 0, sizeH, pppProto(t))
	case Null, Loop:
		return g.loopProto(t)
	default: // LinuxSLL2 holds an Ethernet type, and nothing looks at 802.2
		return g.cmp(atLinkType, 0, sizeH, t)
	}
}

// is8023 tests whether the type field is a length.
func (g *generator) is8023() *cond { return not(g.cmpGt(atLinkType, 0, sizeH, maxLLC)) }

// etherProto is linkProto for Ethernet.
func (g *generator) etherProto(t uint32) *cond {
	switch t {
	case sapISO, sapIP, sapNetBEUI:
		isLLC := g.is8023()
		return both(isLLC, g.cmp(atLLC, 0, sizeH, t<<8|t))
	case sapIPX:
		// Four ways to carry IPX: 802.2, bare 802.3, SNAP, Ethernet II.
		in8023 := anyOf(g.snap(0, etherIPX), g.cmp(atLLC, 0, sizeB, sapIPX), g.cmp(atLLC, 0, sizeH, 0xffff))
		return either(g.cmp(atLinkType, 0, sizeH, etherIPX), both(g.is8023(), in8023))
	case etherATalk, etherAARP:
		return either(g.cmp(atLinkType, 0, sizeH, t), both(g.is8023(), g.appleSNAP(t)))
	}
	if t <= maxLLC {
		isLLC := g.is8023()
		return both(isLLC, g.cmp(atLinkType, 2, sizeB, t))
	}
	return g.cmp(atLinkType, 0, sizeH, t)
}

// sllProto is linkProto for Linux's cooked headers of version 1, which have
// types of their own for 802.3 and 802.2.
func (g *generator) sllProto(t uint32) *cond {
	is := func(v uint32) *cond { return g.cmp(atLinkType, 0, sizeH, v) }
	switch t {
	case sapISO, sapIP, sapNetBEUI:
		return both(is(sll8022), g.cmp(atLLC, 0, sizeH, t<<8|t))
	case sapIPX:
		in8022 := either(g.cmp(atLLC, 0, sizeB, sapIPX), g.snap(0, etherIPX))
		return anyOf(is(etherIPX), either(is(sll8023), both(is(sll8022), in8022)))
	case etherATalk, etherAARP:
		return either(is(t), both(is(sll8022), g.appleSNAP(t)))
	}
	if t <= maxLLC {
		return both(is(sll8022), g.cmp(atLinkHdr, g.linkPl.off, sizeB, t))
	}
	return is(t)
}

// appleSNAP tests for AppleTalk, which has an organization code of its own,
// or for its address resolution, which has not.
func (g *generator) appleSNAP(t uint32) *cond {
	if t == etherATalk {
		return g.snap(0x080007, t)
	}
	return g.snap(0, t)
}

// snap tests for an 802.2 header with SNAP, an organization and a type.
func (g *generator) snap(org, t uint32) *cond {
	return g.cmpBytes(atLLC, 0, []byte{sapSNAP, sapSNAP, 0x03,
		byte(org >> 16), byte(org >> 8), byte(org), byte(t >> 8), byte(t)})
}

// pppProto maps a number of Ethernet's to PPP's.
func pppProto(t uint32) uint32 {
	switch t {
	case etherIP:
		return 0x21
	case etherIP6:
		return 0x57
	case etherDECnet:
		return 0x27
	case etherATalk:
		return 0x29
	case etherNS:
		return 0x25
	case sapISO:
		return 0x23
	case sapSTP:
		return 0x31
	case sapIPX:
		return 0x2b
	}
	return t
}

// The address families of BSD loopback headers. AF_INET6 differs between
// systems, so a file may hold any of three; a live capture holds ours.
const (
	afInet        = 2
	afInet6BSD    = 24
	afInet6Free   = 28
	afInet6Darwin = 30
	afInet6Linux  = 10
)

func (g *generator) loopProto(t uint32) *cond {
	is := func(af uint32) *cond {
		if g.link == Null && !g.opts.BigEndianNull {
			af <<= 24 // the family is in the byte order of the file's writer
		}
		return g.cmp(atLinkHdr, 0, sizeW, af)
	}
	switch {
	case t == etherIP:
		return is(afInet)
	case t == etherIP6 && g.opts.Live:
		return is(afInet6Linux)
	case t == etherIP6:
		return anyOf(is(afInet6Darwin), either(is(afInet6BSD), is(afInet6Free)))
	}
	return never()
}

// mplsProto tests for IP inside MPLS, which has no type field: the label must
// be the last, and the payload start with the version of IP.
func (g *generator) mplsProto(t uint32) *cond {
	version := uint32(0x40)
	switch t {
	case etherIP:
	case etherIP6:
		version = 0x60
	default:
		g.failf("inside MPLS only ip and ip6 can be told apart")
	}
	last := g.cmpMask(atPrevLabel, 2, sizeB, 0x01, 0x01)
	return both(last, g.cmpMask(atNet, 0, sizeB, version, 0xf0))
}

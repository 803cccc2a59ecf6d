package filter

// OSI protocol identifiers, and the PDU types of IS-IS.
const (
	osiCLNP = 0x81
	osiESIS = 0x82
	osiISIS = 0x83

	isisL1Hello  = 15
	isisL2Hello  = 16
	isisPtPHello = 17
	isisL1LSP    = 18
	isisL2LSP    = 20
	isisL1CSNP   = 24
	isisL2CSNP   = 25
	isisL1PSNP   = 26
	isisL2PSNP   = 27
)

// linkNumbers are the protocols that the link layer names.
var linkNumbers = map[proto]uint32{
	pIP: etherIP, pARP: etherARP, pRARP: etherRARP, pIP6: etherIP6, pATalk: etherATalk,
	pAARP: etherAARP, pDECnet: etherDECnet, pSCA: etherSCA, pLAT: etherLAT,
	pMOPDL: etherMOPDL, pMOPRC: etherMOPRC, pISO: sapISO, pSTP: sapSTP, pIPX: sapIPX,
	pNetBEUI: sapNetBEUI,
}

// protoNumber is where a protocol is carried and its number there.
type protoNumber struct {
	in proto // pDefault: in IPv4 and IPv6
	v  uint32
}

// numbersWithin are the protocols that another protocol names.
var numbersWithin = map[proto]protoNumber{
	pSCTP: {pDefault, ipSCTP}, pTCP: {pDefault, ipTCP}, pUDP: {pDefault, ipUDP},
	pPIM: {pDefault, ipPIM}, pAH: {pDefault, ipAH}, pESP: {pDefault, ipESP},
	pICMP: {pIP, ipICMP}, pIGMP: {pIP, ipIGMP}, pIGRP: {pIP, ipIGRP},
	pVRRP: {pIP, ipVRRP}, pCARP: {pIP, ipVRRP}, pICMP6: {pIP6, ipICMP6},
	pESIS: {pISO, osiESIS}, pISIS: {pISO, osiISIS}, pCLNP: {pISO, osiCLNP},
}

// isisTypes are the PDU types behind the names of IS-IS, in the order in
// which they are tested.
var isisTypes = map[proto][]uint32{
	pL1:   {isisL1PSNP, isisL1CSNP, isisL1LSP, isisL1Hello, isisPtPHello},
	pL2:   {isisL2PSNP, isisL2CSNP, isisL2LSP, isisL2Hello, isisPtPHello},
	pIIH:  {isisPtPHello, isisL1Hello, isisL2Hello},
	pLSP:  {isisL1LSP, isisL2LSP},
	pSNP:  {isisL2PSNP, isisL1PSNP, isisL1CSNP, isisL2CSNP},
	pCSNP: {isisL1CSNP, isisL2CSNP},
	pPSNP: {isisL1PSNP, isisL2PSNP},
}

// protocol makes the test for a protocol's name standing alone.
func (g *generator) protocol(p proto) *cond {
	if t, ok := linkNumbers[p]; ok {
		return g.linkProto(t)
	}
	if n, ok := numbersWithin[p]; ok {
		return g.proto(n.v, n.in)
	}
	types, ok := isisTypes[p]
	if !ok {
		g.failf("'%s' alone says nothing", p)
	}
	tests := make([]*cond, len(types))
	for i, t := range types {
		tests[i] = g.proto(t, pISIS)
	}
	return anyOf(tests...)
}

// proto makes the test for protocol number v within another protocol.
func (g *generator) proto(v uint32, in proto) *cond {
	switch in {
	case pDefault:
		four := g.proto(v, pIP)
		return either(four, g.proto(v, pIP6))
	case pLink:
		return g.linkProto(v)
	case pIP:
		is := g.linkProto(etherIP)
		return both(is, g.cmp(atNet, 9, sizeB, v))
	case pIP6:
		is := g.linkProto(etherIP6)
		here := g.cmp(atNet, 6, sizeB, v)
		frag := g.cmp(atNet, 6, sizeB, ipFrag)
		return both(is, either(here, both(frag, g.cmp(atNet, 40, sizeB, v))))
	case pISO:
		is := g.linkProto(sapISO)
		return both(is, g.cmp(atNetNosnap, 0, sizeB, v))
	case pISIS:
		is := g.proto(osiISIS, pISO)
		return both(is, g.cmp(atNetNosnap, 4, sizeB, v))
	}
	g.failf("'%s' carries no other protocol by number", in)
	return nil
}

// namedProto returns the number behind a name after proto or protochain.
func (g *generator) namedProto(a *Address) uint32 {
	name := a.id.text
	switch a.q.proto {
	case pDefault, pIP, pIP6:
		v, err := g.opts.Resolver.Protocol(name)
		if err != nil {
			failf(a.id.pos, "unknown IP protocol '%s': %v", name, err)
		}
		return uint32(v)
	case pLink:
		if v, ok := etherNames[name]; ok {
			return v
		}
		failf(a.id.pos, "unknown Ethernet protocol '%s'", name)
	case pISO:
		if v, ok := osiNames[name]; ok {
			return v
		}
		failf(a.id.pos, "unknown OSI protocol '%s'", name)
	}
	failf(a.id.pos, "'%s' carries no protocol by the name '%s'", a.q.proto, name)
	return 0
}

// etherNames are the names after ether proto: they are part of the language,
// so no resolver is asked.
var etherNames = map[string]uint32{
	"aarp": etherAARP, "arp": etherARP, "atalk": etherATalk, "decnet": etherDECnet,
	"ip": etherIP, "ip6": etherIP6, "lat": etherLAT, "loopback": etherLoop,
	"mopdl": etherMOPDL, "moprc": etherMOPRC, "rarp": etherRARP, "sca": etherSCA,
	"iso": sapISO, "stp": sapSTP, "ipx": sapIPX, "netbeui": sapNetBEUI,
}

var osiNames = map[string]uint32{"esis": osiESIS, "isis": osiISIS, "clnp": osiCLNP}

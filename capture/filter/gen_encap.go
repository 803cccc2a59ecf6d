package filter

// vlan makes the test for a VLAN tag, and moves all that follows behind it.
func (g *generator) vlan(tag uint32, has bool) *cond {
	if g.labels > 0 {
		g.failf("vlan cannot follow mpls")
	}
	if g.link != Ethernet {
		g.failf("%s has no VLAN tags", g.link)
	}
	if has && tag > 0xfff {
		g.failf("VLAN tag %d is more than 4095", tag)
	}
	outermost := g.vlans == 0 && !g.linkHdr.variable && g.linkHdr.off == g.outerLink.off
	g.vlans++
	if outermost && g.opts.Live {
		return g.vlanLive(tag, has)
	}
	c := g.vlanType()
	if has {
		c = both(c, g.vlanTag(tag))
	}
	g.linkPl.off += 4
	g.linkType.off += 4
	return c
}

// vlanType tests the Ethernet type for the three that mean a tag.
func (g *generator) vlanType() *cond {
	q := g.linkProto(ether8021Q)
	ad := g.linkProto(ether8021AD)
	return anyOf(q, ad, g.linkProto(etherQinQ))
}

func (g *generator) vlanTag(tag uint32) *cond {
	return g.cmpMask(atNet, 0, sizeH, tag, 0xfff)
}

// vlanLive makes the test for the outermost tag of a packet from a socket.
// Linux takes that tag out of the packet and puts it beside it, but not
// always; so where the rest of the packet lies is known only at run time.
func (g *generator) vlanLive(tag uint32, has bool) *cond {
	beside := test(opJeqK, 1, []*stmt{op(classLD|modeABS|sizeB, adVLANTagPresent)})
	inside := g.vlanType()
	var right *cond
	if has {
		right = g.vlanTag(tag)
	}
	// From here on offsets count what the test of the type finds. That test
	// itself was made before, and so does not.
	moved := append(g.shift(&g.linkPl), g.shift(&g.linkType)...)
	g.tagCells = []int{g.linkPl.reg, g.linkType.reg}
	inside.head.stmts = append(moved, inside.head.stmts...)
	c := either(beside, inside)
	if !has {
		return c
	}
	b := right.head
	fromTag := op(classLD|modeABS|sizeB, adVLANTag)
	choose := &stmt{code: opJeqK, k: 1, jt: fromTag, jf: b.stmts[0]}
	b.stmts = append([]*stmt{op(classLD|modeABS|sizeB, adVLANTagPresent), choose, fromTag,
		op(opJa, uint32(len(b.stmts)-1))}, b.stmts...)
	return both(c, right)
}

// shift gives the code that moves the variable part of p behind a tag.
func (g *generator) shift(p *position) []*stmt {
	p.variable = true
	r := uint32(g.cell(p))
	return []*stmt{op(opLdMem, r), op(opAddK, 4), op(opSt, r)}
}

// mpls makes the test for an MPLS label, and moves what follows behind it.
func (g *generator) mpls(label uint32, has bool) *cond {
	var c *cond
	switch {
	case g.labels > 0: // the label before must not be the last
		c = g.cmpMask(atPrevLabel, 2, sizeB, 0, 0x01)
	case g.link == Ethernet:
		c = g.linkProto(etherMPLS)
	case g.link == PPP:
		c = g.linkProto(0x0281)
	default:
		g.failf("%s carries no MPLS", g.link)
	}
	if has {
		if label > 0xfffff {
			g.failf("MPLS label %d is more than 1048575", label)
		}
		c = both(c, g.cmpMask(atNet, 0, sizeW, label<<12, 0xfffff000))
	}
	g.nl += 4
	g.nlNosnap += 4
	g.labels++
	return c
}

// pppoes makes the test for a PPPoE session, and moves what follows into the
// PPP packet behind its header.
func (g *generator) pppoes(session uint32, has bool) *cond {
	c := g.linkProto(etherPPPoES)
	if has {
		if session > 0xffff {
			g.failf("PPPoE session %d is more than 65535", session)
		}
		c = both(c, g.cmpMask(atNet, 0, sizeW, session, 0xffff))
	}
	g.link, g.inGeneve = PPP, false
	g.linkHdr = g.linkPl
	g.linkHdr.off += g.nl + 6
	g.linkType = g.linkHdr
	g.linkPl.off = g.linkHdr.off + 2
	g.nl, g.nlNosnap = 0, 0
	return c
}

const genevePort = 6081

// geneve makes the test for a Geneve tunnel, and moves what follows into it.
func (g *generator) geneve(vni uint32, has bool) *cond {
	if has && vni > 0xffffff {
		g.failf("Geneve network %d is more than 16777215", vni)
	}
	four := g.geneve4(vni, has)
	c := either(four, g.geneve6(vni, has))
	ok := always()
	ok.head.stmts = append(g.geneveOffsets(), ok.head.stmts...)
	g.inGeneve = true
	return both(c, ok)
}

// geneveHeader tests for UDP to Geneve's port, version 0 and the network.
func (g *generator) geneveHeader(port *cond, b base, vni uint32, has bool) *cond {
	c := both(port, g.cmpMask(b, 8, sizeB, 0, 0xc0))
	if has {
		c = both(c, g.cmpMask(b, 12, sizeW, vni<<8, 0xffffff00))
	}
	return c
}

// alwaysAfter makes a condition that runs stmts, which leave A and X equal,
// and holds.
func alwaysAfter(stmts []*stmt) *cond { return test(opJeqX, 0, stmts) }

// geneve4 is Geneve over IPv4. It leaves the length of the IPv4 header, plus
// the variable part of where it starts, in A.
func (g *generator) geneve4(vni uint32, has bool) *cond {
	port := g.ports4(portTest{lo: genevePort, hi: genevePort, transport: ipUDP, dir: dirDst})
	c := g.geneveHeader(port, atTransport4, vni, has)
	return both(c, alwaysAfter(append(g.loadXIPLen(), op(opTxa, 0))))
}

// geneve6 is Geneve over IPv6, and leaves the same in A.
func (g *generator) geneve6(vni uint32, has bool) *cond {
	port := g.ports6(portTest{lo: genevePort, hi: genevePort, transport: ipUDP, dir: dirDst})
	c := g.geneveHeader(port, atTransport6, vni, has)
	s := g.loadX(&g.linkPl)
	if s != nil {
		s = append(s, op(opLdImm, 40), op(opAddX, 0))
	} else {
		s = []*stmt{op(opLdImm, 40)}
	}
	return both(c, alwaysAfter(append(s, op(opTax, 0))))
}

// geneveOffsets gives the code that stores where the tunnelled packet's type,
// link-layer header and payload are. Geneve holds an Ethernet frame or,
// without a link layer, the packet of any Ethernet type.
func (g *generator) geneveOffsets() []*stmt {
	typeReg := g.takeReg()
	outerOff := g.linkPl.off + g.nl
	g.linkType = position{variable: true, reg: typeReg}
	hdrReg := g.takeReg()
	g.link = Ethernet
	g.linkHdr = position{variable: true, reg: hdrReg}
	g.noOptimize = true
	plReg := g.takeReg()
	g.linkPl = position{variable: true, reg: plReg}
	g.nl = 0

	ether := op(opTxa, 0)
	store := op(opStx, uint32(plReg))
	return []*stmt{
		// X, and A, become the start of the Geneve header.
		op(opAddK, outerOff+8),
		op(opTax, 0),
		// The type is in its bytes 2 and 3.
		op(opAddK, 2),
		op(opSt, uint32(typeReg)),
		// The frame starts after 8 bytes and the options.
		op(classLD|modeIND|sizeB, 0),
		op(opAndK, 0x3f),
		op(opMulK, 4),
		op(opAddK, 8),
		op(opAddX, 0),
		op(opSt, uint32(hdrReg)),
		op(classLD|modeIND|sizeH, 2),
		op(opLdxMem, uint32(hdrReg)),
		{code: opJeqK, k: etherTEB, jt: ether, jf: store},
		// An Ethernet frame: its own type counts, and its payload is later.
		ether,
		op(opAddK, 12),
		op(opSt, uint32(typeReg)),
		op(opAddK, 2),
		op(opTax, 0),
		store,
	}
}

// needEther refuses link layers without Ethernet's addresses, and tests inside
// Geneve that there is an Ethernet header; it is nil elsewhere. Without one the
// header and the payload start together.
func (g *generator) needEther(what string) *cond {
	if g.link != Ethernet {
		g.failf("%s has no %s", g.link, what)
	}
	if !g.inGeneve {
		return nil
	}
	return not(test(opJeqX, 0, []*stmt{
		op(opLdMem, uint32(g.linkHdr.reg)), op(opLdxMem, uint32(g.linkPl.reg))}))
}

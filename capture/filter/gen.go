package filter

// The generator walks the tree from left to right and makes blocks. What a
// packet's headers mean can change on the way: after "vlan" all that follows,
// whatever its place in the tree, speaks of what is inside the tag. That is
// how pcap-filter(7) defines it.

// position is an offset in the packet: a constant, or a constant plus what a
// scratch memory cell holds at run time.
type position struct {
	off      uint32
	variable bool
	reg      int // the cell, or -1 when none has been taken yet
}

// generator holds what is known at one point of the walk.
type generator struct {
	opts Options
	pos  int // of the node at work, for errors
	// idPos is where the value of the Address at work stands.
	idPos int

	link      LinkType // of the innermost link-layer header
	linkHdr   position // where that header starts
	outerLink position
	linkType  position // its type field; off is offNotSet if it has none
	linkPl    position // its payload
	nl        uint32   // the network layer, from the payload
	nlNosnap  uint32   // the same after 802.2 without SNAP

	vlans, labels int   // tags and labels passed so far
	inGeneve      bool  // Geneve, with maybe no Ethernet inside
	tagCells      []int // the memory cells that count a VLAN tag, from zero
	noOptimize    bool  // the blocks hold jumps of their own

	regUsed [memWords]bool
	regNext int
}

func newGenerator(opts Options) *generator {
	l := links[opts.LinkType]
	return &generator{
		opts:      opts,
		link:      opts.LinkType,
		linkHdr:   position{reg: -1},
		outerLink: position{reg: -1},
		linkType:  position{off: l.typeOff, reg: -1},
		linkPl:    position{off: l.payload, reg: -1},
		nlNosnap:  l.nlNosnap,
	}
}

// program makes the graph of a whole expression and returns its root.
func (g *generator) program(tree Expr) *block {
	accept := newBlock(opRetK, uint32(g.opts.SnapLen), nil)
	if tree == nil {
		return accept
	}
	c := g.expr(tree)
	g.initCells(c.head)
	link(c.yes, accept)
	link(c.no, newBlock(opRetK, 0, nil))
	return c.head
}

// initCells zeroes the cells in which the first VLAN tag is counted. (libpcap
// looks them up only here, when PPPoE or Geneve may have moved what they count
// for; then it leaves one unset, and the kernel refuses the program.)
func (g *generator) initCells(head *block) {
	if len(g.tagCells) == 0 {
		return
	}
	zero := []*stmt{op(opLdImm, 0)}
	for _, r := range g.tagCells {
		zero = append(zero, op(opSt, uint32(r)))
	}
	head.stmts = append(zero, head.stmts...)
}

func (g *generator) expr(x Expr) *cond {
	switch x := x.(type) {
	case *And:
		a := g.expr(x.Left)
		return both(a, g.expr(x.Right))
	case *Or:
		a := g.expr(x.Left)
		return either(a, g.expr(x.Right))
	case *Not:
		return not(g.expr(x.X))
	}
	g.pos = x.Pos()
	switch x := x.(type) {
	case *Address:
		g.idPos = x.id.pos
		return g.address(x)
	case *Protocol:
		return g.protocol(x.proto)
	case *Relation:
		return g.relation(x)
	case *Special:
		return g.special(x)
	}
	panic("filter: unknown node")
}

// failf refuses the node at work.
func (g *generator) failf(format string, args ...any) { failf(g.pos, format, args...) }

// takeReg returns a free memory cell.
func (g *generator) takeReg() int {
	for range memWords {
		if !g.regUsed[g.regNext] {
			g.regUsed[g.regNext] = true
			return g.regNext
		}
		g.regNext = (g.regNext + 1) % memWords
	}
	g.failf("expression needs more than %d memory cells at once", memWords)
	return 0
}

func (g *generator) freeReg(r int) { g.regUsed[r] = false }

// cell gives a position its memory cell if it has none yet.
func (g *generator) cell(p *position) int {
	if p.reg < 0 {
		p.reg = g.takeReg()
	}
	return p.reg
}

// The starting points that loads count from.
type base uint8

const (
	atLinkHdr    base = iota // the link-layer header
	atLinkType               // its type field
	atLLC                    // its payload, where an 802.2 header would be
	atNet                    // the network-layer header
	atNetNosnap              // the same after 802.2 without SNAP
	atPrevLabel              // the MPLS label before the network layer
	atTransport4             // what follows an IPv4 header with its options
	atTransport6             // what follows an IPv6 header, no extension skipped
)

// loadX gives the code that puts a position's variable part into X, or nil if
// it has none.
func (g *generator) loadX(p *position) []*stmt {
	if !p.variable {
		return nil
	}
	return []*stmt{op(opLdxMem, uint32(g.cell(p)))}
}

// loadAt gives the code that loads what is off bytes after a position into A.
func (g *generator) loadAt(p *position, off uint32, size int) []*stmt {
	if s := g.loadX(p); s != nil {
		return append(s, op(classLD|modeIND|size, p.off+off))
	}
	return []*stmt{op(classLD|modeABS|size, p.off+off)}
}

// load gives the code that loads what is off bytes after a base into A.
func (g *generator) load(b base, off uint32, size int) []*stmt {
	switch b {
	case atLinkHdr:
		return g.loadAt(&g.linkHdr, off, size)
	case atLinkType:
		return g.loadAt(&g.linkType, off, size)
	case atLLC:
		return g.loadAt(&g.linkPl, off, size)
	case atNet:
		return g.loadAt(&g.linkPl, g.nl+off, size)
	case atNetNosnap:
		return g.loadAt(&g.linkPl, g.nlNosnap+off, size)
	case atPrevLabel:
		return g.loadAt(&g.linkPl, g.nl-4+off, size)
	case atTransport4:
		return append(g.loadXIPLen(), op(classLD|modeIND|size, g.linkPl.off+g.nl+off))
	default: // atTransport6
		return g.loadAt(&g.linkPl, g.nl+40+off, size)
	}
}

// loadXIPLen gives the code that puts the length of the IPv4 header, plus the
// variable part of where it starts, into X.
func (g *generator) loadXIPLen() []*stmt {
	s := g.loadX(&g.linkPl)
	if s == nil {
		return []*stmt{op(opLdxMsh, g.linkPl.off+g.nl)}
	}
	return append(s, op(classLD|modeIND|sizeB, g.linkPl.off+g.nl),
		op(opAndK, 0xf), op(opLshK, 2), op(opAddX, 0), op(opTax, 0))
}

// cmp tests whether a field has a value.
func (g *generator) cmp(b base, off uint32, size int, v uint32) *cond {
	return test(opJeqK, v, g.load(b, off, size))
}

// cmpMask tests whether the bits of a field that mask keeps have a value.
func (g *generator) cmpMask(b base, off uint32, size int, v, mask uint32) *cond {
	s := g.load(b, off, size)
	if mask != 0xffffffff {
		s = append(s, op(opAndK, mask))
	}
	return test(opJeqK, v, s)
}

func (g *generator) cmpGt(b base, off uint32, size int, v uint32) *cond {
	return test(opJgtK, v, g.load(b, off, size))
}

func (g *generator) cmpGe(b base, off uint32, size int, v uint32) *cond {
	return test(opJgeK, v, g.load(b, off, size))
}

func (g *generator) cmpLe(b base, off uint32, size int, v uint32) *cond {
	return not(g.cmpGt(b, off, size, v))
}

func (g *generator) cmpLt(b base, off uint32, size int, v uint32) *cond {
	return not(g.cmpGe(b, off, size, v))
}

// cmpBytes tests whether v stands at an offset, from its end to its start in
// the largest pieces.
func (g *generator) cmpBytes(b base, off uint32, v []byte) *cond {
	var out *cond
	for n := len(v); n > 0; {
		size, width := sizeB, 1
		switch {
		case n >= 4:
			size, width = sizeW, 4
		case n >= 2:
			size, width = sizeH, 2
		}
		n -= width
		var want uint32
		for _, c := range v[n : n+width] {
			want = want<<8 | uint32(c)
		}
		out = all(out, g.cmp(b, off+uint32(n), size, want))
	}
	return out
}

func always() *cond { return test(opJeqK, 0, []*stmt{op(opLdImm, 0)}) }
func never() *cond  { return test(opJeqK, 0, []*stmt{op(opLdImm, 1)}) }

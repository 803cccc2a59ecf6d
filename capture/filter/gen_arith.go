package filter

// value is the code of an arithmetic expression. It leaves the result in a
// memory cell; guard, which may be nil, must hold for the code to be run.
type value struct {
	code  []*stmt
	reg   int
	guard *cond
}

// relation makes the test for a comparison.
func (g *generator) relation(r *Relation) *cond {
	a := g.value(r.left)
	b := g.value(r.right)
	code := append(a.code, b.code...)
	code = append(code, op(opLdxMem, uint32(b.reg)), op(opLdMem, uint32(a.reg)))
	var c *cond
	switch r.op {
	case relEq, relNe:
		c = test(opJeqK, 0, append(code, op(opSubX, 0)))
	case relGt, relLe:
		c = test(classJMP|jmpJGT|srcX, 0, code)
	default:
		c = test(classJMP|jmpJGE|srcX, 0, code)
	}
	if r.op == relNe || r.op == relLe || r.op == relLt {
		c = not(c)
	}
	g.freeReg(a.reg)
	g.freeReg(b.reg)
	return all(a.guard, b.guard, c)
}

func (g *generator) value(x arith) value {
	if pos := x.start(); pos >= 0 {
		g.pos = pos
	}
	switch x := x.(type) {
	case *number:
		return g.constant(x.val)
	case *length:
		r := g.takeReg()
		return value{code: []*stmt{op(opLdLen, 0), op(opSt, uint32(r))}, reg: r}
	case *negation:
		v := g.value(x.x)
		v.code = append(v.code, op(opLdMem, uint32(v.reg)), op(opNeg, 0), op(opSt, uint32(v.reg)))
		return v
	case *operation:
		return g.binary(x)
	case *load:
		return g.loadField(x)
	}
	panic("filter: unknown value")
}

func (g *generator) constant(k uint32) value {
	r := g.takeReg()
	return value{code: []*stmt{op(opLdImm, k), op(opSt, uint32(r))}, reg: r}
}

var aluOps = map[byte]int{'+': aluADD, '-': aluSUB, '*': aluMUL, '/': aluDIV, '%': aluMOD,
	'&': aluAND, '|': aluOR, '^': aluXOR, 'L': aluLSH, 'R': aluRSH}

// binary applies an operator. The guard of the right side is dropped, as
// libpcap drops it: a right side that reads a protocol's header does so
// whether the packet has that protocol or not.
func (g *generator) binary(x *operation) value {
	a := g.value(x.left)
	b := g.value(x.right)
	g.pos = x.right.start()
	if first := b.code[0]; first.code == opLdImm {
		switch {
		case x.op == '/' && first.k == 0:
			g.failf("division by zero")
		case x.op == '%' && first.k == 0:
			g.failf("modulus by zero")
		case (x.op == 'L' || x.op == 'R') && first.k > 31:
			g.failf("shift by more than 31 bits")
		}
	}
	code := append(a.code, b.code...)
	code = append(code, op(opLdxMem, uint32(b.reg)), op(opLdMem, uint32(a.reg)),
		op(classALU|srcX|aluOps[x.op], 0))
	g.freeReg(a.reg)
	g.freeReg(b.reg)
	r := g.takeReg()
	return value{code: append(code, op(opSt, uint32(r))), reg: r, guard: a.guard}
}

// loadField reads from the header of a protocol, and guards that the packet
// has it.
func (g *generator) loadField(x *load) value {
	v := g.value(x.offset)
	g.pos = x.start()
	r := g.takeReg()
	g.freeReg(v.reg)
	size := g.loadSize(x)
	switch x.proto {
	case pLink:
		v.code = append(v.code, g.loadVar(&g.linkHdr, v.reg, 0, size)...)
	case pIP, pARP, pRARP, pATalk, pDECnet, pSCA, pLAT, pMOPRC, pMOPDL, pIP6:
		v.code = append(v.code, g.loadVar(&g.linkPl, v.reg, g.nl, size)...)
		v.guard = all(v.guard, g.protocol(x.proto))
	case pSCTP, pTCP, pUDP, pICMP, pIGMP, pIGRP, pPIM, pVRRP, pCARP:
		v.code = append(v.code, g.loadXIPLen()...)
		v.code = append(v.code, op(opLdMem, uint32(v.reg)), op(opAddX, 0), op(opTax, 0),
			op(classLD|modeIND|size, g.linkPl.off+g.nl))
		carried := g.protocol(x.proto)
		inner := all(v.guard, both(carried, g.firstFragment()))
		v.guard = both(g.protocol(pIP), inner)
	case pICMP6:
		v.guard = all(v.guard, g.protocol(pIP6))
		v.guard = both(v.guard, g.cmp(atNet, 6, sizeB, ipICMP6))
		v.code = append(v.code, g.loadVar(&g.linkPl, v.reg, g.nl+40, size)...)
	default:
		g.failf("the header of '%s' cannot be read by offset", x.proto)
	}
	v.code = append(v.code, op(opSt, uint32(r)))
	v.reg = r
	return v
}

// loadSize returns the size of a load as an instruction has it.
func (g *generator) loadSize(x *load) int {
	if x.size.kind == tEOF {
		return sizeB
	}
	switch x.size.val {
	case 1:
		return sizeB
	case 2:
		return sizeH
	case 4:
		return sizeW
	}
	failf(x.size.pos, "data size must be 1, 2 or 4")
	return 0
}

// loadVar gives the code that loads what is at the offset in a cell from a
// position.
func (g *generator) loadVar(p *position, reg int, off uint32, size int) []*stmt {
	s := g.loadX(p)
	if s == nil {
		s = []*stmt{op(opLdxMem, uint32(reg))}
	} else {
		s = append(s, op(opLdMem, uint32(reg)), op(opAddX, 0), op(opTax, 0))
	}
	return append(s, op(classLD|modeIND|size, p.off+off))
}

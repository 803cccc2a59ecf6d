package filter

// peephole replaces short sequences of statements, and the comparison at the
// end of a block, by shorter ones with the same effect.
func (o *optimizer) peephole(b *block) {
	if len(b.stmts) == 0 {
		return
	}
	last := o.pairs(b)
	if b.last.code == opJeqK && !b.outUse.has(atomA) {
		o.foldCompare(b, last)
	}
	if b.last.code == opJsetK {
		switch b.last.k {
		case 0:
			b.et.succ = b.ef.succ
		case 0xffffffff:
			b.ef.succ = b.et.succ
		}
	}
	if x, ok := o.values.known(b.val[atomX]); ok && opSrc(b.last.code) == srcX {
		b.last.code &^= srcX
		b.last.k = x
	}
	if a, ok := o.values.known(b.val[atomA]); ok && opSrc(b.last.code) == srcK {
		o.decide(b, a)
	}
}

// pairs rewrites neighbours, and returns the last statement that followed
// another one. It is the first statement where none did.
func (o *optimizer) pairs(b *block) *stmt {
	last := b.stmts[0]
	for i := nextReal(b.stmts, 0); i < len(b.stmts); i = nextReal(b.stmts, i+1) {
		j := nextReal(b.stmts, i+1)
		if j == len(b.stmts) {
			break
		}
		s, next := b.stmts[i], b.stmts[j]
		last = next
		if s.code == opSt && next.code == opLdxMem && s.k == next.k {
			next.code = opTax // st M[k]; ldx M[k]
			o.progress()
		}
		if s.code == opLdImm && next.code == opTax {
			s.code, next.code = opLdxImm, opTxa // ld #k; tax
			o.progress()
		}
		if s.code == opLdImm && !b.outUse.has(atomX) {
			o.indexWithConstant(b, s, j)
		}
	}
	return last
}

// indexWithConstant rewrites what tcp[2] compiles to: with s loading the
// constant, and the statement at j the length of the header or the addition,
// the constant moves into the offset of the load.
func (o *optimizer) indexWithConstant(b *block, s *stmt, j int) {
	if b.stmts[j].code == opLdxMsh {
		j = nextReal(b.stmts, j+1)
	}
	tax := nextReal(b.stmts, j+1)
	ild := nextReal(b.stmts, tax+1)
	if ild >= len(b.stmts) || b.stmts[j].code != opAddX || b.stmts[tax].code != opTax {
		return
	}
	if c := b.stmts[ild].code; opClass(c) != classLD || opMode(c) != modeIND {
		return
	}
	b.stmts[ild].k += s.k
	s.code, b.stmts[j].code, b.stmts[tax].code = opNOP, opNOP, opNOP
	o.progress()
}

// foldCompare moves the arithmetic before an equality into it.
func (o *optimizer) foldCompare(b *block, last *stmt) {
	switch {
	case last.code == opSubX:
		if x, ok := o.values.known(b.val[atomX]); ok {
			b.last.k += x
		} else if b.last.k == 0 {
			b.last.code = opJeqX
		} else {
			return
		}
	case last.code == opSubK:
		b.last.k += last.k
	case last.code == opAndK && b.last.k == 0:
		b.last.code, b.last.k = opJsetK, last.k
		b.et.succ, b.ef.succ = b.ef.succ, b.et.succ
	default:
		return
	}
	last.code = opNOP
	o.progress()
}

// decide sends both edges of a block the same way where A is the constant a.
func (o *optimizer) decide(b *block, a uint32) {
	var yes bool
	switch opALU(b.last.code) {
	case jmpJEQ:
		yes = a == b.last.k
	case jmpJGT:
		yes = a > b.last.k
	case jmpJGE:
		yes = a >= b.last.k
	case jmpJSET:
		yes = a&b.last.k != 0
	}
	if b.et.succ != b.ef.succ {
		o.progress()
	}
	if yes {
		b.ef.succ = b.et.succ
	} else {
		b.et.succ = b.ef.succ
	}
}

// dropDead drops the statements of a block whose result is overwritten before
// it is read.
func (o *optimizer) dropDead(b *block) {
	var last [numAtoms]*stmt // for each atom who wrote it, while nobody read it
	visit := func(s *stmt) {
		switch a := s.reads(); a {
		case -1:
		case atomAX:
			last[atomA], last[atomX] = nil, nil
		default:
			last[a] = nil
		}
		if a := s.writes(); a >= 0 {
			if last[a] != nil {
				last[a].code = opNOP
				o.progress()
			}
			last[a] = s
		}
	}
	for _, s := range b.stmts {
		visit(s)
	}
	visit(&b.last)
	for a, s := range last {
		if s != nil && !b.outUse.has(a) {
			s.code = opNOP
			o.progress()
		}
	}
}

package filter

// Value numbering: every value that a program computes gets a number, and
// equal computations on equal values the same one. Zero means unknown.

type valueID uint32

// valueKey is a computation: an operation on up to two values, or on a
// constant or an offset.
type valueKey struct {
	code   int
	v0, v1 uint32
}

type valueInfo struct {
	isConst bool
	c       uint32
}

// valueTable holds the values of one pass.
type valueTable struct {
	ids  map[valueKey]valueID
	info []valueInfo // by valueID
}

func (t *valueTable) reset() {
	if t.ids == nil {
		t.ids = make(map[valueKey]valueID)
	}
	clear(t.ids)
	t.info = append(t.info[:0], valueInfo{})
}

// of returns the number of a computation.
func (t *valueTable) of(code int, v0, v1 uint32) valueID {
	key := valueKey{code, v0, v1}
	if id, ok := t.ids[key]; ok {
		return id
	}
	id := valueID(len(t.info))
	t.ids[key] = id
	isConst := opMode(code) == modeIMM && (opClass(code) == classLD || opClass(code) == classLDX)
	t.info = append(t.info, valueInfo{isConst, v0})
	return id
}

// constant returns the number of a constant.
func (t *valueTable) constant(k uint32) valueID { return t.of(opLdImm, k, 0) }

// known returns the constant that a value is.
func (t *valueTable) known(v valueID) (uint32, bool) { return t.info[v].c, t.info[v].isConst }

// block follows the values through a block, and where stmts is true replaces
// statements by simpler ones.
func (o *optimizer) block(b *block, stmts bool) {
	b.enterValues()
	a, x := b.val[atomA], b.val[atomX]
	for _, s := range b.stmts {
		o.stmt(s, &b.val, stmts)
	}
	unchanged := b.outUse == 0 && a != 0 && b.val[atomA] == a && x != 0 && b.val[atomX] == x
	if stmts && (unchanged || b.isReturn()) {
		if b.stmts != nil {
			b.stmts = nil
			o.progress()
		}
	} else {
		o.peephole(b)
		o.dropDead(b)
	}
	if opSrc(b.last.code) == srcK {
		b.operand = o.values.constant(b.last.k)
	} else {
		b.operand = b.val[atomX]
	}
	b.et.code, b.ef.code = b.last.code, -b.last.code
}

// enterValues sets the values at the start of a block: those on which all
// ways into it agree.
func (b *block) enterValues() {
	e := b.inEdges
	if e == nil {
		b.val = [numAtoms]valueID{}
		return
	}
	b.val = e.pred.val
	for e = e.next; e != nil; e = e.next {
		for i := range b.val {
			if b.val[i] != e.pred.val[i] {
				b.val[i] = 0
			}
		}
	}
}

// store notes a new value of an atom. A statement that stores what is there
// already is dropped.
func store(s *stmt, at *valueID, v valueID, alter bool) {
	if alter && v != 0 && *at == v {
		s.code = opNOP
	} else {
		*at = v
	}
}

// stmt follows the values through a statement, and if alter is true
// simplifies it.
func (o *optimizer) stmt(s *stmt, val *[numAtoms]valueID, alter bool) {
	t := &o.values
	switch s.code {
	case classLD | modeABS | sizeW, classLD | modeABS | sizeH, classLD | modeABS | sizeB:
		store(s, &val[atomA], t.of(s.code, s.k, 0), alter)
	case classLD | modeIND | sizeW, classLD | modeIND | sizeH, classLD | modeIND | sizeB:
		o.indirect(s, val, alter)
	case opLdLen:
		store(s, &val[atomA], t.of(s.code, 0, 0), alter)
	case opLdImm:
		store(s, &val[atomA], t.constant(s.k), alter)
	case opLdxImm:
		store(s, &val[atomX], t.constant(s.k), alter)
	case opLdxMsh:
		store(s, &val[atomX], t.of(s.code, s.k, 0), alter)
	case opNeg:
		if c, ok := t.known(val[atomA]); ok && alter {
			s.code, s.k = opLdImm, -c
			val[atomA] = t.constant(s.k)
			return
		}
		val[atomA] = t.of(s.code, uint32(val[atomA]), 0)
	case opTxa:
		store(s, &val[atomA], val[atomX], alter)
	case opTax:
		store(s, &val[atomX], val[atomA], alter)
	case opLdMem:
		o.fromCell(s, val, opLdImm, atomA, alter)
	case opLdxMem:
		o.fromCell(s, val, opLdxImm, atomX, alter)
	case opSt:
		store(s, &val[s.k], val[atomA], alter)
	case opStx:
		store(s, &val[s.k], val[atomX], alter)
	default:
		switch {
		case s.code == opNOP || opClass(s.code) != classALU:
		case opSrc(s.code) == srcK:
			o.aluK(s, val, alter)
		default:
			o.aluX(s, val, alter)
		}
	}
}

// indirect follows a load at X plus a constant.
func (o *optimizer) indirect(s *stmt, val *[numAtoms]valueID, alter bool) {
	x := val[atomX]
	var v valueID
	if c, ok := o.values.known(x); ok && alter {
		s.code = classLD | modeABS | opSize(s.code)
		s.k += c
		v = o.values.of(s.code, s.k, 0)
		o.progress()
	} else {
		v = o.values.of(s.code, s.k, uint32(x))
	}
	store(s, &val[atomA], v, alter)
}

// fromCell follows a load of a memory cell into A or X.
func (o *optimizer) fromCell(s *stmt, val *[numAtoms]valueID, imm, atom int, alter bool) {
	v := val[s.k]
	if c, ok := o.values.known(v); ok && alter {
		s.code, s.k = imm, c
		o.progress()
	}
	store(s, &val[atom], v, alter)
}

// aluK follows an operation on A and a constant.
func (o *optimizer) aluK(s *stmt, val *[numAtoms]valueID, alter bool) {
	t := &o.values
	op := opALU(s.code)
	if alter && s.k == 0 {
		switch op {
		case aluADD, aluLSH, aluRSH, aluOR, aluXOR:
			s.code = opNOP
			return
		case aluMUL, aluAND:
			s.code = opLdImm
			val[atomA] = t.constant(0)
			return
		case aluDIV, aluMOD:
			failf(0, "division by zero")
		}
	}
	if a, ok := t.known(val[atomA]); ok && alter {
		o.fold(s, a, s.k)
		val[atomA] = t.constant(s.k)
		return
	}
	val[atomA] = t.of(s.code, uint32(val[atomA]), uint32(t.constant(s.k)))
}

// aluX follows an operation on A and X.
func (o *optimizer) aluX(s *stmt, val *[numAtoms]valueID, alter bool) {
	t := &o.values
	op := opALU(s.code)
	a, aKnown := t.known(val[atomA])
	x, xKnown := t.known(val[atomX])
	switch {
	case alter && aKnown && xKnown:
		o.fold(s, a, x)
		val[atomA] = t.constant(s.k)
		return
	case alter && xKnown:
		s.code, s.k = classALU|srcK|op, x
		if (op == aluLSH || op == aluRSH) && s.k > 31 {
			failf(0, "shift by more than 31 bits")
		}
		o.progress()
		val[atomA] = t.of(s.code, uint32(val[atomA]), uint32(t.constant(s.k)))
		return
	case alter && aKnown && a == 0:
		switch op {
		case aluADD, aluOR, aluXOR:
			s.code = opTxa
			store(s, &val[atomA], val[atomX], alter)
			return
		case aluMUL, aluDIV, aluMOD, aluAND, aluLSH, aluRSH:
			s.code, s.k = opLdImm, 0
			store(s, &val[atomA], t.constant(0), alter)
			return
		}
	}
	val[atomA] = t.of(s.code, uint32(val[atomA]), uint32(val[atomX]))
}

// fold replaces an operation on two constants by its result.
func (o *optimizer) fold(s *stmt, a, b uint32) {
	switch opALU(s.code) {
	case aluADD:
		a += b
	case aluSUB:
		a -= b
	case aluMUL:
		a *= b
	case aluDIV, aluMOD:
		if b == 0 {
			failf(0, "division by zero")
		}
		if opALU(s.code) == aluDIV {
			a /= b
		} else {
			a %= b
		}
	case aluAND:
		a &= b
	case aluOR:
		a |= b
	case aluXOR:
		a ^= b
	case aluLSH:
		a <<= b
	case aluRSH:
		a >>= b
	}
	s.code, s.k = opLdImm, a
	o.progress()
}

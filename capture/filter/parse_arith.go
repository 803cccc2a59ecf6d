package filter

// relation reads two values with a comparison between them.
func (p *parser) relation() Expr {
	start := place(p.peek().pos)
	left := p.arith()
	t := p.peek()
	r := &Relation{place: start, left: left}
	switch {
	case t.kind == tEq:
		r.op = relEq
	case t.kind == tNeq:
		r.op = relNe
	case t.kind == tGeq:
		r.op = relGe
	case t.kind == tLeq:
		r.op = relLe
	case t.is('>'):
		r.op = relGt
	case t.is('<'):
		r.op = relLt
	default:
		p.syntaxWant("a comparison")
	}
	p.next()
	r.right = p.arith()
	return r
}

// pending is an operator that waits for its right operand.
type pending struct {
	op    byte // '~' is the unary minus
	place place
}

// arith reads an arithmetic expression with a stack of operators. Operators
// group as yacc groups them for libpcap: | & shifts, sums, products, unary
// minus from loose to tight and each from the left; but % and ^ have no rank,
// so whatever follows one belongs to its right operand, and they take the
// operand before them from any operator.
func (p *parser) arith() arith {
	p.enter()
	defer p.leave()
	var vals []arith
	var ops []pending
	reduce := func() {
		op := ops[len(ops)-1]
		ops = ops[:len(ops)-1]
		if op.op == '~' {
			vals[len(vals)-1] = &negation{op.place, vals[len(vals)-1]}
			return
		}
		n := len(vals) - 2
		b := &operation{place(vals[n].start()), op.op, vals[n], vals[n+1]}
		vals = append(vals[:n], b)
	}
	for {
		for p.peek().is('-') {
			ops = append(ops, pending{'~', place(p.next().pos)})
		}
		vals = append(vals, p.operand())
		op := binaryOp(p.peek())
		for len(ops) > 0 && (op == 0 || reduces(ops[len(ops)-1].op, op)) {
			reduce()
		}
		if op == 0 {
			return vals[0]
		}
		ops = append(ops, pending{op, place(p.next().pos)})
	}
}

// binaryOp returns the operator that t is, or 0.
func binaryOp(t token) byte {
	switch t.kind {
	case tLsh:
		return 'L'
	case tRsh:
		return 'R'
	case tPunct:
		switch c := byte(t.val); c {
		case '+', '-', '*', '/', '%', '&', '|', '^':
			return c
		}
	}
	return 0
}

var ranks = map[byte]int{'|': 1, '&': 2, 'L': 3, 'R': 3, '+': 4, '-': 4, '*': 5, '/': 5, '~': 6}

// reduces reports whether the operator before an operand takes it, rather
// than the one after it.
func reduces(before, after byte) bool {
	b, a := ranks[before], ranks[after]
	return a != 0 && b != 0 && b >= a
}

// operand reads one value.
func (p *parser) operand() arith {
	t := p.peek()
	switch {
	case t.kind == tNum:
		p.next()
		return &number{place(t.pos), t.val, t.text}
	case t.kind == tLen:
		p.next()
		return &length{place(t.pos)}
	case t.kind == tProto:
		p.next()
		return p.load(t)
	case t.is('('):
		p.next()
		v := p.arith()
		p.expectPunct(')')
		return v
	}
	p.syntaxWant("a value")
	return nil
}

// load reads the rest of proto[offset:size].
func (p *parser) load(t token) arith {
	l := &load{place: place(t.pos), proto: proto(t.val)}
	p.expectPunct('[')
	l.offset = p.arith()
	if p.acceptPunct(':') {
		if !p.at(tNum) {
			p.syntaxWant("a size")
		}
		l.size = p.next()
	}
	p.expectPunct(']')
	return l
}

package filter

// primitive reads a term that starts with a keyword: qualifiers with an id, a
// protocol alone, or one of the special forms.
func (p *parser) primitive() (Expr, qual) {
	t := p.peek()
	prot := pDefault
	if t.kind == tProto {
		prot = proto(t.val)
		p.next()
	}
	start := place(t.pos)
	switch p.peek().kind {
	case tBroadcast, tMulticast:
		return &Special{place: start, word: p.next().kind, prot: prot}, qual{}
	case tSrc, tDst, tHost, tNet, tPort, tPortRange, tProtoKw, tProtoChain:
		q := p.head(prot)
		return p.idAt(start, q), q
	case tGateway, tForeign:
		p.syntax()
	}
	if prot != pDefault {
		return &Protocol{start, prot}, qual{}
	}
	return p.special(), qual{}
}

// head reads the qualifiers after the protocol.
func (p *parser) head(prot proto) qual {
	q := qual{proto: prot, set: true}
	switch t := p.next(); t.kind {
	case tProtoKw:
		q.what = whatProto
		return q
	case tProtoChain:
		q.what = whatProtoChain
		return q
	case tSrc, tDst:
		q.dir = p.direction(t.kind)
	default:
		p.i-- // the kind of address, read below
	}
	switch p.peek().kind {
	case tHost:
		q.what = whatHost
	case tNet:
		q.what = whatNet
	case tPort:
		q.what = whatPort
	case tPortRange:
		q.what = whatPortRange
	default:
		return q
	}
	p.next()
	return q
}

// direction reads what may follow src and dst: "or dst", "and src".
func (p *parser) direction(first kind) dir {
	other := tSrc + tDst - first
	if (p.at(tOr) || p.at(tAnd)) && p.ahead(1).kind == other {
		both := dirOr
		if p.at(tAnd) {
			both = dirAnd
		}
		p.next()
		p.next()
		return both
	}
	if first == tSrc {
		return dirSrc
	}
	return dirDst
}

// id reads an id: an address, a number, a negated id, or ids in parentheses.
func (p *parser) id(q qual) Expr { return p.idAt(place(p.peek().pos), q) }

// idAt is id for an id whose qualifiers start at another place.
func (p *parser) idAt(start place, q qual) Expr {
	p.enter()
	defer p.leave()
	switch t := p.peek(); {
	case t.kind == tNot:
		p.next()
		return &Not{place(t.pos), p.id(q)}
	case t.is('('):
		return p.idList(q)
	default:
		return p.address(start, q)
	}
}

// idList reads ids in parentheses. The first of them may not itself be a list
// in parentheses; that is how the grammar has always been.
func (p *parser) idList(q qual) Expr {
	p.next()
	first := p.peek()
	left := p.id(q)
	if n := p.peek(); first.is('(') && !n.is(')') && n.kind != tAnd && n.kind != tOr {
		p.syntax()
	}
	if first.is('(') && !isNumber(left, first.pos) {
		failf(first.pos, "syntax error: a list in parentheses cannot start with one")
	}
	for p.at(tAnd) || p.at(tOr) {
		join := p.next()
		left = joined(join.kind, left, p.id(q))
	}
	p.expectPunct(')')
	return left
}

// isNumber reports whether x, read at pos, was one number in parentheses.
func isNumber(x Expr, pos int) bool {
	a, ok := x.(*Address)
	return ok && a.id.kind == tNum && a.Pos() > pos
}

// address reads one id that is not a list.
func (p *parser) address(start place, q qual) Expr {
	a := &Address{place: start, q: q, bits: -1}
	if !q.set {
		failf(p.peek().pos, "syntax error at '%s': nothing before it says what it is", p.peek().text)
	}
	switch t := p.peek(); t.kind {
	case tID, tNum, tMAC:
		a.id = p.next()
	case tIPv4:
		a.id = p.next()
		if p.acceptPunct('/') {
			a.bits = p.prefixLen()
		} else if p.accept(tMask) {
			if !p.at(tIPv4) {
				p.syntaxWant("an IPv4 netmask")
			}
			a.mask = p.next()
		}
	case tIPv6:
		a.id = p.next()
		if p.acceptPunct('/') {
			a.bits = p.prefixLen()
		}
	case tARCnet:
		failf(t.pos, "'%s' is an address of ARCnet, which is not supported", t.text)
	default:
		p.syntaxWant("an address or a name")
	}
	return a
}

func (p *parser) prefixLen() int {
	if !p.at(tNum) {
		p.syntaxWant("a prefix length")
	}
	t := p.next()
	if t.val > 128 {
		failf(t.pos, "prefix length %d is too large", t.val)
	}
	return int(t.val)
}

// special reads a primitive with a form of its own.
func (p *parser) special() Expr {
	t := p.next()
	s := &Special{place: place(t.pos), word: t.kind}
	switch t.kind {
	case tLess, tGreater, tIfIndex:
		s.num, s.has = p.number("a number"), true
	case tByte:
		p.byteTest(s)
	case tInbound, tOutbound, tPPPoED:
	case tVLAN, tMPLS, tPPPoES, tGeneve:
		if p.at(tNum) || p.peek().is('(') {
			s.num, s.has = p.parenNumber(), true
		}
	case tLLC:
		if p.at(tID) || p.at(tRnr) {
			s.name = p.next().text
		}
	default:
		if t.kind != tEOF {
			p.i--
		}
		if t.kind == tRnr {
			failf(t.pos, "'rnr' exists only on the log of PF, and after llc")
		}
		p.syntax()
	}
	return s
}

func (p *parser) number(want string) uint32 {
	if !p.at(tNum) {
		p.syntaxWant(want)
	}
	return p.next().val
}

// parenNumber reads a number that may stand in parentheses.
func (p *parser) parenNumber() uint32 {
	open := 0
	for p.acceptPunct('(') {
		open++
	}
	v := p.number("a number")
	for ; open > 0; open-- {
		p.expectPunct(')')
	}
	return v
}

// byteTest reads the rest of "byte index op value".
func (p *parser) byteTest(s *Special) {
	s.num, s.has = p.number("an index"), true
	switch t := p.peek(); {
	case t.kind == tEq:
		s.op = '='
	case t.is('<'), t.is('>'), t.is('&'), t.is('|'):
		s.op = byte(t.val)
	default:
		p.syntaxWant("one of = < > & |")
	}
	p.next()
	s.val = p.number("a value")
}

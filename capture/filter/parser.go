package filter

// Parse reads an expression into its tree without compiling it. An empty
// expression gives a nil tree, which matches every packet. The error is an
// *Error.
//
// Names are not resolved, so Parse accepts names that Compile refuses.
func Parse(expr string) (tree Expr, err error) {
	defer recoverInto(expr, &err)
	if len(expr) > maxExpr {
		failf(maxExpr, "expression longer than %d bytes", maxExpr)
	}
	p := parser{toks: lex(expr)}
	p.closers = matchParens(p.toks)
	if p.peek().kind == tEOF {
		return nil, nil
	}
	tree, _ = p.expr(qual{})
	if p.peek().kind != tEOF {
		p.syntax()
	}
	return tree, nil
}

const (
	maxExpr  = 1 << 18 // bytes of one expression
	maxDepth = 1000    // of parentheses and of "not" within each other
)

// parser is a recursive descent over the tokens. The grammar is that of
// pcap-filter(7), including what follows from its being LALR(1): see
// docs/filter.md for the table of productions.
//
// Each function takes the qualifiers that an id in its place would inherit,
// and returns those that an id after it inherits.
type parser struct {
	toks    []token
	closers []int // for each "(" the index of its ")", else 0
	i       int
	depth   int
}

func (p *parser) peek() token        { return p.toks[p.i] }
func (p *parser) at(k kind) bool     { return p.toks[p.i].kind == k }
func (p *parser) ahead(n int) token  { return p.toks[min(p.i+n, len(p.toks)-1)] }
func (p *parser) next() token        { t := p.toks[p.i]; p.i = min(p.i+1, len(p.toks)-1); return t }
func (p *parser) accept(k kind) bool { ok := p.at(k); p.advanceIf(ok); return ok }
func (p *parser) advanceIf(ok bool) {
	if ok {
		p.next()
	}
}

func (p *parser) acceptPunct(c byte) bool {
	ok := p.peek().is(c)
	p.advanceIf(ok)
	return ok
}

func (p *parser) expectPunct(c byte) {
	if !p.acceptPunct(c) {
		p.syntaxWant(string(c))
	}
}

// syntax refuses the current token.
func (p *parser) syntax() {
	t := p.peek()
	switch t.kind {
	case tEOF:
		failf(t.pos, "syntax error: the expression ends too early")
	case tForeign:
		failf(t.pos, "'%s' exists only on %s", t.text, foreign[t.text])
	case tGateway:
		failf(t.pos, "'gateway' is not supported, as in every libpcap with IPv6")
	default:
		failf(t.pos, "syntax error at '%s'", t.text)
	}
}

func (p *parser) syntaxWant(what string) {
	if t := p.peek(); t.kind != tForeign && t.kind != tGateway && t.kind != tEOF {
		failf(t.pos, "syntax error at '%s', expected %s", t.text, what)
	}
	p.syntax()
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		failf(p.peek().pos, "expression nested more than %d deep", maxDepth)
	}
}

func (p *parser) leave() { p.depth-- }

// expr reads terms joined by and and or, which have the same precedence and
// group from the left. After the first term an id alone is a term too.
func (p *parser) expr(inherit qual) (Expr, qual) {
	left, q := p.term(inherit, false)
	for {
		join := p.peek()
		if join.kind != tAnd && join.kind != tOr {
			return left, q
		}
		p.next()
		var right Expr
		right, q = p.term(q, true)
		left = joined(join.kind, left, right)
	}
}

func joined(k kind, left, right Expr) Expr {
	if k == tAnd {
		return &And{place(left.Pos()), left, right}
	}
	return &Or{place(left.Pos()), left, right}
}

// term reads one term, or where idOK also an id alone.
func (p *parser) term(inherit qual, idOK bool) (Expr, qual) {
	p.enter()
	defer p.leave()
	t := p.peek()
	switch t.kind {
	case tNot:
		p.next()
		x, q := p.term(inherit, idOK)
		return &Not{place(t.pos), x}, q
	case tID, tIPv4, tIPv6, tMAC, tARCnet:
		if !idOK {
			p.syntax()
		}
		return p.id(inherit), inherit
	case tNum:
		if !p.arithAhead() {
			if !idOK {
				p.syntaxAfterNumber()
			}
			return p.id(inherit), inherit
		}
		return p.relation(), qual{}
	case tLen:
		return p.relation(), qual{}
	case tPunct:
		if t.is('-') {
			return p.relation(), qual{}
		}
		if t.is('(') {
			return p.paren(inherit, idOK)
		}
		p.syntax()
	case tProto:
		if p.ahead(1).is('[') {
			return p.relation(), qual{}
		}
	}
	return p.primitive()
}

// syntaxAfterNumber refuses what follows a number that can only be the start
// of a relation.
func (p *parser) syntaxAfterNumber() {
	for p.acceptPunct('(') {
	}
	p.next()
	p.syntax()
}

// paren reads a term that starts with "(": an expression, a list of ids, or
// the first value of a relation.
func (p *parser) paren(inherit qual, idOK bool) (Expr, qual) {
	switch p.classify() {
	case parenArith:
		return p.relation(), qual{}
	case parenIDs:
		if !idOK {
			for p.peek().is('(') || p.at(tNot) {
				p.next()
			}
			p.syntax()
		}
		return p.id(inherit), inherit
	}
	p.next()
	x, _ := p.expr(inherit)
	p.expectPunct(')')
	return x, inherit
}

// The three things that parentheses hold.
const (
	parenExpr = iota
	parenIDs
	parenArith
)

// classify says what the parentheses at the current token hold. The first
// token that is neither "(" nor "not" decides, and for a number what follows
// it and the parentheses that hold it alone.
func (p *parser) classify() int {
	j := p.i
	for p.toks[j].is('(') || p.toks[j].kind == tNot {
		j++
	}
	switch t := p.toks[j]; t.kind {
	case tID, tIPv4, tIPv6, tMAC, tARCnet:
		return parenIDs
	case tNum:
		if !p.arithAround(j) {
			return parenIDs
		}
	case tProto:
		if !p.toks[min(j+1, len(p.toks)-1)].is('[') {
			return parenExpr
		}
	case tLen:
	default:
		if !t.is('-') {
			return parenExpr
		}
	}
	for k := p.i; k < p.closers[p.i]; k++ {
		switch t := p.toks[k]; t.kind {
		case tAnd, tOr, tNot, tEq, tNeq, tLeq, tGeq:
			return parenExpr
		default:
			if t.is('<') || t.is('>') {
				return parenExpr
			}
		}
	}
	return parenArith
}

// arithAhead reports whether the number at the current token is the start of
// a relation.
func (p *parser) arithAhead() bool { return p.arithAround(p.i) }

// arithAround reports whether the number at index j, with the parentheses
// that hold nothing else, is an operand.
func (p *parser) arithAround(j int) bool {
	lo, hi := j-1, j+1
	for lo >= p.i && p.toks[lo].is('(') && p.toks[hi].is(')') {
		lo, hi = lo-1, hi+1
	}
	t := p.toks[hi]
	switch t.kind {
	case tEq, tNeq, tLeq, tGeq, tLsh, tRsh:
		return true
	case tPunct:
		return !t.is('(') && !t.is(')') && !t.is('[') && !t.is(']') && !t.is(':')
	}
	return false
}

// matchParens returns for each "(" the index of its ")", or of the end.
func matchParens(toks []token) []int {
	closers := make([]int, len(toks))
	var open []int
	for i, t := range toks {
		if t.is('(') {
			closers[i] = len(toks) - 1
			open = append(open, i)
		} else if t.is(')') && len(open) > 0 {
			closers[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
	return closers
}

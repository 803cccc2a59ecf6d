package filter

// protoChain makes the test for a protocol anywhere in the chain of headers
// of IPv4 or IPv6. It is the one program with a loop: it runs in user space,
// but no kernel takes it, and the optimizer leaves it alone.
func (g *generator) protoChain(v uint32, in proto) *cond {
	save := g.takeReg() // and it stays taken where both versions are asked for
	switch in {
	case pDefault:
		four := g.protoChain(v, pIP)
		return either(four, g.protoChain(v, pIP6))
	case pIP, pIP6:
	default:
		g.failf("protochain goes only with ip and ip6")
	}
	if g.linkPl.variable {
		g.failf("protochain cannot look behind headers of variable length")
	}
	g.noOptimize = true
	t := uint32(etherIP)
	if in == pIP6 {
		t = etherIP6
	}
	is := g.linkProto(t)
	c := chain{net: g.linkPl.off + g.nl, save: uint32(save), v: v}
	stmts := c.build(in == pIP6)
	g.freeReg(save)
	return both(is, test(opJeqK, v, stmts))
}

// chain builds the loop. Throughout it, A is the number of the next header
// and X the offset of that header from the network layer.
type chain struct {
	net  uint32 // where the network layer starts
	save uint32 // the cell for A
	v    uint32 // the protocol looked for
	code []*stmt
}

func (c *chain) add(code int, k uint32) *stmt {
	s := op(code, k)
	c.code = append(c.code, s)
	return s
}

// jeq adds a jump to where "to" will stand if A is k, else to the next one.
func (c *chain) jeq(k uint32) *stmt { return c.add(opJeqK, k) }

func (c *chain) build(six bool) []*stmt {
	end := op(opAddK, 0)
	ah := op(opJeqK, ipAH)
	if six {
		c.add(classLD|modeABS|sizeB, c.net+6)
		c.add(opLdxImm, 40)
	} else {
		c.add(classLD|modeABS|sizeB, c.net+9)
		c.add(opLdxMsh, c.net)
	}
	again := len(c.code)
	found := c.jeq(c.v)
	none := c.jeq(ipNone)
	found.jt, found.jf = end, none
	none.jt = end
	if six {
		none.jf = c.extensions(again, ah)
	} else {
		none.jf = c.add(opAddK, 0)
	}
	c.code = append(c.code, ah)
	ah.jt, ah.jf = c.add(opTxa, 0), end
	c.authHeader(again)
	c.code = append(c.code, end)
	return c.code
}

// extensions steps over the IPv6 extension headers that hold their length in
// units of 8 bytes, and returns its first statement. It goes on at ah for
// every other header.
func (c *chain) extensions(again int, ah *stmt) *stmt {
	step := op(classLD|modeIND|sizeB, c.net)
	var tests []*stmt
	for _, k := range []uint32{ipHop, ipDstOpt, ipRoute, ipFrag} {
		s := c.jeq(k)
		s.jt, s.jf = step, ah
		if len(tests) > 0 {
			tests[len(tests)-1].jf = s
		}
		tests = append(tests, s)
	}
	c.code = append(c.code, step)
	c.add(opSt, c.save)
	c.add(classLD|modeIND|sizeB, c.net+1)
	c.add(opAddK, 1)
	c.add(opMulK, 8)
	c.add(opAddX, 0)
	c.add(opTax, 0)
	c.add(opLdMem, c.save)
	c.back(again)
	return tests[0]
}

// authHeader steps over an authentication header, which holds its length in
// units of 4 bytes.
func (c *chain) authHeader(again int) {
	c.add(classLD|modeIND|sizeB, c.net)
	c.add(opSt, c.save)
	c.add(opTxa, 0)
	c.add(opAddK, 1)
	c.add(opTax, 0)
	c.add(classLD|modeIND|sizeB, c.net)
	c.add(opAddK, 2)
	c.add(opMulK, 4)
	c.add(opTax, 0)
	c.add(opLdMem, c.save)
	c.back(again)
}

// back adds the jump to the start of the loop.
func (c *chain) back(again int) {
	c.add(opJa, uint32(again-len(c.code)-1))
}

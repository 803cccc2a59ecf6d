package filter

// What the optimizer knows of the graph's shape. All of it is found anew in
// every pass, since passes move edges.

// number walks the graph, numbers its blocks and returns how many there are.
func (o *optimizer) number() int {
	o.mark = 1
	var walk func(b *block)
	walk = func(b *block) {
		if b == nil || b.mark == o.mark {
			return
		}
		b.mark = o.mark
		b.id = len(o.blocks)
		o.blocks = append(o.blocks, b)
		walk(b.et.succ)
		walk(b.ef.succ)
	}
	walk(o.root)
	return len(o.blocks)
}

// prepare numbers the edges, and makes room for what is found out.
func (o *optimizer) prepare() {
	n := len(o.blocks)
	o.levels = make([]*block, n)
	o.edges = make([]*edge, 2*n)
	blockWords, edgeWords := bitsetWords(n), bitsetWords(2*n)
	space := make(bitset, n*(blockWords+2*edgeWords))
	take := func(words int) bitset {
		s := space[:words:words]
		space = space[words:]
		return s
	}
	for i, b := range o.blocks {
		b.dom = take(blockWords)
		b.et.id, b.ef.id = i, n+i
		for _, e := range []*edge{&b.et, &b.ef} {
			e.dom, e.pred = take(edgeWords), b
			o.edges[e.id] = e
		}
	}
}

// findLevels sorts the blocks that can be reached by their distance from the
// leaves: a block is one above the higher of its successors.
func (o *optimizer) findLevels() {
	clear(o.levels)
	o.mark++
	var walk func(b *block)
	walk = func(b *block) {
		if b.mark == o.mark {
			return
		}
		b.mark = o.mark
		b.level = 0
		if b.et.succ != nil {
			walk(b.et.succ)
			walk(b.ef.succ)
			b.level = max(b.et.succ.level, b.ef.succ.level) + 1
		}
		b.next = o.levels[b.level]
		o.levels[b.level] = b
	}
	walk(o.root)
}

// fromTop calls visit for each block of the graph, from the root down to the
// given level.
func (o *optimizer) fromTop(down int, visit func(b *block)) {
	for i := o.root.level; i >= down; i-- {
		for b := o.levels[i]; b != nil; b = b.next {
			visit(b)
		}
	}
}

// findDominators finds for each block those that every path to it passes.
func (o *optimizer) findDominators() {
	for _, b := range o.blocks {
		b.dom.fill()
	}
	clear(o.root.dom)
	o.fromTop(0, func(b *block) {
		b.dom.add(b.id)
		if b.et.succ != nil {
			b.et.succ.dom.intersect(b.dom)
			b.ef.succ.dom.intersect(b.dom)
		}
	})
}

// findEdgeDominators finds for each edge those that every path over it
// passes.
func (o *optimizer) findEdgeDominators() {
	for _, e := range o.edges {
		e.dom.fill()
	}
	clear(o.root.et.dom)
	clear(o.root.ef.dom)
	spread := func(e *edge) {
		e.dom.add(e.id)
		if e.succ != nil {
			e.succ.et.dom.intersect(e.dom)
			e.succ.ef.dom.intersect(e.dom)
		}
	}
	o.fromTop(0, func(b *block) {
		spread(&b.et)
		spread(&b.ef)
	})
}

// findInEdges lists for each block the edges that lead to it.
func (o *optimizer) findInEdges() {
	for _, b := range o.blocks {
		b.inEdges = nil
	}
	o.fromTop(1, func(b *block) {
		for _, e := range []*edge{&b.et, &b.ef} {
			e.next = e.succ.inEdges
			e.succ.inEdges = e
		}
	})
}

// findUses finds for each block which atoms it reads from before, and which
// are read after it.
func (o *optimizer) findUses() {
	o.fromTop(0, func(b *block) {
		b.findLocalUses()
		b.outUse = 0
	})
	for i := 1; i <= o.root.level; i++ {
		for b := o.levels[i]; b != nil; b = b.next {
			b.outUse |= b.et.succ.inUse | b.ef.succ.inUse
			b.inUse |= b.outUse &^ b.kill
		}
	}
}

// findLocalUses finds what the block reads before it writes it, and what it
// writes before it reads it.
func (b *block) findLocalUses() {
	var def, use, kill atomSet
	reads := func(s *stmt) {
		switch a := s.reads(); a {
		case -1:
		case atomAX:
			use |= (1<<atomA | 1<<atomX) &^ def
		default:
			use |= 1 << a &^ def
		}
	}
	for _, s := range b.stmts {
		reads(s)
		if a := s.writes(); a >= 0 {
			kill |= 1 << a &^ use
			def |= 1 << a
		}
	}
	if opClass(b.last.code) == classJMP {
		reads(&b.last)
	}
	b.kill, b.inUse = kill, use
}

// reads returns the atom that a statement reads, atomAX for both A and X, or
// -1.
func (s *stmt) reads() int {
	if s.code == opNOP {
		return -1
	}
	switch opClass(s.code) {
	case classRET:
		if opRet(s.code) == retA {
			return atomA
		}
		return -1
	case classLD, classLDX:
		switch opMode(s.code) {
		case modeIND:
			return atomX
		case modeMEM:
			return int(s.k)
		}
		return -1
	case classST:
		return atomA
	case classSTX:
		return atomX
	case classMISC:
		if opMisc(s.code) == miscTXA {
			return atomX
		}
		return atomA
	}
	if opSrc(s.code) == srcX {
		return atomAX
	}
	return atomA
}

// writes returns the atom that a statement writes, or -1.
func (s *stmt) writes() int {
	if s.code == opNOP {
		return -1
	}
	switch opClass(s.code) {
	case classLD, classALU:
		return atomA
	case classLDX:
		return atomX
	case classST, classSTX:
		return int(s.k)
	case classMISC:
		if opMisc(s.code) == miscTAX {
			return atomX
		}
		return atomA
	}
	return -1
}

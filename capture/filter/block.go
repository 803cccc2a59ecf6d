package filter

// The intermediate form: a graph of basic blocks. A block runs its statements
// and then either jumps on a comparison to one of two blocks, or returns.
//
// What may live here: the graph and how its parts are joined. What the blocks
// mean is the generator's affair, how to shorten them the optimizer's.

// stmt is one instruction. Jumps inside a list of statements name the
// statements they go to; a NOP is an instruction that was optimized away.
type stmt struct {
	code   int
	k      uint32
	jt, jf *stmt
}

const opNOP = -1

// block is a basic block. The jump or return at its end is last.
type block struct {
	stmts  []*stmt
	last   stmt
	et, ef edge // where last goes when it is true, and when it is false

	// The optimizer's notes.
	id    int
	mark  int
	level int
	next  *block // in the list of the blocks on this level
	twin  *block // an equal block that replaces this one
	// sameHash is the next of the different blocks with one hash, while twins are
	// looked for.
	sameHash *block
	dom      bitset // the blocks on every path from the root to here
	inEdges  *edge
	kill     atomSet
	inUse    atomSet
	outUse   atomSet
	val      [numAtoms]valueID // what each atom holds at the end
	operand  valueID           // what last compares with

	// The emitter's notes.
	offset         int
	longJT, longJF int // 1 where a jump needs an instruction of its own
}

// edge leads from a block to one of its successors.
type edge struct {
	id   int
	code int // of the jump; negated on the edge for false
	dom  bitset
	pred *block
	succ *block
	next *edge // in the list of the edges into succ
}

func newBlock(code int, k uint32, stmts []*stmt) *block {
	return &block{last: stmt{code: code, k: k}, stmts: stmts}
}

func (b *block) isReturn() bool { return opClass(b.last.code) == classRET }

// cond is a part of the graph that decides something: it is entered at head,
// and left through the edges yes and no, whose successors are not yet known.
type cond struct {
	head    *block
	yes, no []*edge
}

// test makes a condition of one block that jumps on a comparison with k.
func test(code int, k uint32, stmts []*stmt) *cond {
	// All of it in one allocation: long lists are made of thousands of tests.
	t := &struct {
		block   block
		cond    cond
		yes, no [1]*edge
	}{block: block{last: stmt{code: code, k: k}, stmts: stmts}}
	t.yes[0], t.no[0] = &t.block.et, &t.block.ef
	t.cond = cond{head: &t.block, yes: t.yes[:], no: t.no[:]}
	return &t.cond
}

func link(edges []*edge, to *block) {
	for _, e := range edges {
		e.succ = to
	}
}

// both is a and then b. It takes over its arguments.
func both(a, b *cond) *cond {
	link(a.yes, b.head)
	a.yes, a.no = b.yes, append(b.no, a.no...)
	return a
}

// either is a or else b. It takes over its arguments.
func either(a, b *cond) *cond {
	link(a.no, b.head)
	a.yes, a.no = append(b.yes, a.yes...), b.no
	return a
}

// not turns a condition around, and returns it.
func not(a *cond) *cond {
	a.yes, a.no = a.no, a.yes
	return a
}

// all joins conditions with both from the left; nil ones are left out.
func all(conds ...*cond) *cond {
	var out *cond
	for _, c := range conds {
		switch {
		case c == nil:
		case out == nil:
			out = c
		default:
			out = both(out, c)
		}
	}
	return out
}

// anyOf joins conditions with either from the left.
func anyOf(conds ...*cond) *cond {
	out := conds[0]
	for _, c := range conds[1:] {
		out = either(out, c)
	}
	return out
}

func op(code int, k uint32) *stmt { return &stmt{code: code, k: k} }

package filter

// The optimizer shortens the graph in the way of McCanne and Jacobson's BPF
// and of its successor BPF+: it numbers values to find what is known already,
// drops statements whose result nobody reads, and moves edges past tests whose
// outcome is clear. It works in the same steps and the same order as
// libpcap's, and that is on purpose: a load that is optimized away can no
// longer reject a packet for being too short, so another optimizer would let
// other packets pass.
//
// This file drives it. Its parts: flow.go finds what the graph looks like,
// values.go and peephole.go change statements, branches.go moves edges.

// atoms are the registers that a statement reads and writes: the scratch
// memory cells, then A and X.
const (
	atomA    = memWords
	atomX    = memWords + 1
	numAtoms = memWords + 2
	atomAX   = numAtoms // both, in what a statement reads
)

type atomSet uint32

func (s atomSet) has(a int) bool { return s>>a&1 != 0 }

// optimizer is the state of one optimization.
type optimizer struct {
	root   *block
	mark   int
	blocks []*block // all blocks, numbered in the order of a walk from the root
	edges  []*edge  // the true edges of all blocks, then the false ones
	levels []*block // for each level the blocks on it, linked by next
	values valueTable
	kinds  map[uint64]*block // by hash, one of each kind of blocks, linked by sameHash

	changed bool // this pass changed something
	moved   bool // and something other than edges
}

// maxIdlePasses is how many passes in a row may do nothing but move edges
// before the optimizer takes it for a circle and stops.
const maxIdlePasses = 100

// optimize shortens the graph, which must be numbered, and returns its new
// root.
func (o *optimizer) optimize() *block {
	o.prepare()
	o.loop(false)
	o.loop(true)
	o.mergeTwins()
	o.skipRoot()
	return o.root
}

// loop runs passes until one changes nothing: passes that move edges, or
// where stmts is true passes that change statements.
func (o *optimizer) loop(stmts bool) {
	for idle := 0; idle < maxIdlePasses; {
		o.changed, o.moved = false, false
		o.findLevels()
		o.findDominators()
		o.findUses()
		o.findEdgeDominators()
		o.pass(stmts)
		switch {
		case !o.changed:
			return
		case o.moved:
			idle = 0
		default:
			idle++
		}
	}
}

// pass visits every block once, from the root down, and then the edges from
// the leaves up.
func (o *optimizer) pass(stmts bool) {
	o.values.reset()
	top := o.root.level
	o.findInEdges()
	for i := top; i >= 0; i-- {
		for b := o.levels[i]; b != nil; b = b.next {
			o.block(b, stmts)
		}
	}
	if stmts {
		return
	}
	for i := 1; i <= top; i++ {
		for b := o.levels[i]; b != nil; b = b.next {
			o.shortcut(&b.et)
			o.shortcut(&b.ef)
		}
	}
	o.findInEdges()
	for i := 1; i <= top; i++ {
		for b := o.levels[i]; b != nil; b = b.next {
			o.pullUp(b, orChain)
			o.pullUp(b, andChain)
		}
	}
}

// progress notes a change that cannot go on in a circle.
func (o *optimizer) progress() { o.changed, o.moved = true, true }

// mergeTwins lets equal blocks with equal successors be one.
func (o *optimizer) mergeTwins() {
	for again := true; again; {
		again = false
		o.mark++
		o.markFrom(o.root)
		o.findTwins()
		for _, b := range o.blocks {
			for _, e := range []*edge{&b.et, &b.ef} {
				if e.succ != nil && e.succ.twin != nil {
					e.succ = e.succ.twin
					again = true
				}
			}
		}
	}
}

// findTwins finds for each block the last one that equals it.
func (o *optimizer) findTwins() {
	clear(o.kinds)
	for i := len(o.blocks) - 1; i >= 0; i-- {
		b := o.blocks[i]
		b.twin = nil
		if b.mark != o.mark {
			continue
		}
		h := b.hash()
		first := o.kinds[h]
		for c := first; c != nil && b.twin == nil; c = c.sameHash {
			if equalBlocks(b, c) {
				b.twin = c
			}
		}
		if b.twin == nil {
			o.kinds[h], b.sameHash = b, first
		}
	}
}

func (o *optimizer) markFrom(b *block) {
	if b == nil || b.mark == o.mark {
		return
	}
	b.mark = o.mark
	o.markFrom(b.et.succ)
	o.markFrom(b.ef.succ)
}

// hash is the same for equal blocks.
func (b *block) hash() uint64 {
	h := uint64(14695981039346656037)
	mix := func(v uint64) { h = (h ^ v) * 1099511628211 }
	mix(uint64(b.last.code))
	mix(uint64(b.last.k))
	if b.et.succ != nil {
		mix(uint64(b.et.succ.id))
		mix(uint64(b.ef.succ.id))
	}
	for i := nextReal(b.stmts, 0); i < len(b.stmts); i = nextReal(b.stmts, i+1) {
		mix(uint64(b.stmts[i].code))
		mix(uint64(b.stmts[i].k))
	}
	return h
}

func equalBlocks(a, b *block) bool {
	if a.last.code != b.last.code || a.last.k != b.last.k ||
		a.et.succ != b.et.succ || a.ef.succ != b.ef.succ {
		return false
	}
	for i, j := 0, 0; ; i, j = i+1, j+1 {
		i, j = nextReal(a.stmts, i), nextReal(b.stmts, j)
		if i == len(a.stmts) || j == len(b.stmts) {
			return i == len(a.stmts) && j == len(b.stmts)
		}
		if a.stmts[i].code != b.stmts[j].code || a.stmts[i].k != b.stmts[j].k {
			return false
		}
	}
}

// nextReal returns the index of the first statement from i on that is no NOP.
func nextReal(stmts []*stmt, i int) int {
	for i < len(stmts) && stmts[i].code == opNOP {
		i++
	}
	return i
}

// skipRoot drops tests at the root that lead to the same place either way. If
// nothing but a return is left, there is no point in any statement.
func (o *optimizer) skipRoot() {
	stmts := o.root.stmts
	o.root.stmts = nil
	for !o.root.isReturn() && o.root.et.succ == o.root.ef.succ {
		o.root = o.root.et.succ
	}
	o.root.stmts = append(stmts, o.root.stmts...)
	if o.root.isReturn() {
		o.root.stmts = nil
	}
}

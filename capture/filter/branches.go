package filter

import "math/bits"

// shortcut lets an edge skip the block it leads to, where the outcome of that
// block's test is clear from the edges that were passed before.
func (o *optimizer) shortcut(e *edge) {
	if e.succ.et.succ == nil {
		return
	}
	if to := e.succ.et.succ; to == e.succ.ef.succ && !conflict(e.pred, to) {
		o.progress()
		e.succ = to
	}
	for o.shortcutOnce(e) && e.succ.et.succ != nil {
	}
}

// shortcutOnce tries each edge that dominates e, and reports whether one
// moved it.
func (o *optimizer) shortcutOnce(e *edge) bool {
	for i, word := range e.dom {
		for ; word != 0; word &= word - 1 {
			k := i*64 + bits.TrailingZeros64(word)
			if k >= len(o.edges) {
				break
			}
			to := outcome(e.succ, o.edges[k])
			if to != nil && !conflict(e.pred, to) {
				o.changed = true
				e.succ = to
				return true
			}
		}
	}
	return false
}

// conflict reports whether a block that is reached from pred instead of from
// its own predecessor would read other values.
func conflict(pred, to *block) bool {
	for use := to.outUse; use != 0; use &= use - 1 {
		a := bits.TrailingZeros32(uint32(use))
		if pred.val[a] != to.val[a] {
			return true
		}
	}
	return false
}

// outcome returns where a block goes after an edge was passed, or nil where
// that edge does not say.
func outcome(b *block, passed *edge) *block {
	code, sense := passed.code, true
	if code < 0 {
		code, sense = -code, false
	}
	if b.last.code != code || b.val[atomA] != passed.pred.val[atomA] {
		return nil
	}
	switch {
	case b.operand == passed.pred.operand && sense:
		return b.et.succ
	case b.operand == passed.pred.operand:
		return b.ef.succ
	case sense && code == opJeqK:
		return b.ef.succ // A is another constant
	}
	return nil
}

// chain says along which edges a chain of tests runs, and which all have in
// common: in "a or b" the tests follow each other on false and share where
// they go on true.
type chainKind struct{ along, shared func(b *block) **block }

func trueSucc(b *block) **block  { return &b.et.succ }
func falseSucc(b *block) **block { return &b.ef.succ }

var (
	orChain  = chainKind{along: falseSucc, shared: trueSucc}
	andChain = chainKind{along: trueSucc, shared: falseSucc}
)

// pullUp looks in a chain of tests below b for one on the value that A holds
// already, with tests on other values before it, and moves it before them.
func (o *optimizer) pullUp(b *block, c chainKind) {
	if b.inEdges == nil {
		return
	}
	val := b.inEdges.pred.val[atomA]
	for e := b.inEdges.next; e != nil; e = e.next {
		if e.pred.val[atomA] != val {
			return
		}
	}
	first := trueSucc(b.inEdges.pred)
	if *first != b {
		first = falseSucc(b.inEdges.pred)
	}
	other := c.find(b, first, func(v valueID) bool { return v != val })
	if other == nil {
		return
	}
	same := c.find(b, c.along(*other), func(v valueID) bool { return v == val })
	if same == nil {
		return
	}
	pull := *same
	*same = *c.along(pull)
	*c.along(pull) = *other
	if other == first {
		for e := b.inEdges; e != nil; e = e.next {
			if e.pred.et.succ == b {
				e.pred.et.succ = pull
			} else {
				e.pred.ef.succ = pull
			}
		}
	} else {
		*other = pull
	}
	o.changed = true
}

// find goes along the chain from at to the first block whose value of A is
// wanted. Every block on the way must be dominated by b and share its exit.
func (c chainKind) find(b *block, at **block, wanted func(v valueID) bool) **block {
	for {
		p := *at
		if p == nil || *c.shared(p) != *c.shared(b) || !p.dom.has(b.id) {
			return nil
		}
		if wanted(p.val[atomA]) {
			return at
		}
		at = c.along(p)
	}
}

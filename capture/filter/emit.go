package filter

import "golang.org/x/net/bpf"

// emit lays the graph out as a program. Jumps only go forward, by at most 255
// instructions; a longer one goes through a "ja" of its own behind the test.
func emit(root *block) []bpf.RawInstruction {
	var order []*block // from the last block to the first
	seen := map[*block]bool{}
	var walk func(b *block)
	walk = func(b *block) {
		if b == nil || seen[b] {
			return
		}
		seen[b] = true
		walk(b.ef.succ)
		walk(b.et.succ)
		order = append(order, b)
	}
	walk(root)
	n := layOut(order)
	for lengthen(order) {
		n = layOut(order)
	}
	prog := make([]bpf.RawInstruction, 0, n)
	for i := len(order) - 1; i >= 0; i-- {
		prog = order[i].append(prog, n)
	}
	return prog
}

// layOut gives each block its distance from the program's end, and returns
// the length of the program.
func layOut(order []*block) int {
	n := 0
	for _, b := range order {
		n += b.size()
		b.offset = n
	}
	return n
}

// size is the number of instructions that the block takes.
func (b *block) size() int {
	return b.real() + 1 + b.longJT + b.longJF
}

// real counts the statements that are no NOPs.
func (b *block) real() int {
	n := 0
	for _, s := range b.stmts {
		if s.code != opNOP {
			n++
		}
	}
	return n
}

// jumpTo is how far a jump at the block's end has to go to reach another.
func (b *block) jumpTo(to *block) int {
	return b.offset - b.real() - 1 - to.offset
}

// lengthen marks the jumps that are too long, and reports whether there were
// new ones.
func lengthen(order []*block) bool {
	found := false
	for _, b := range order {
		if b.isReturn() {
			continue
		}
		if b.longJT == 0 && b.jumpTo(b.et.succ) > 255 {
			b.longJT, found = 1, true
		}
		if b.longJF == 0 && b.jumpTo(b.ef.succ) > 255 {
			b.longJF, found = 1, true
		}
	}
	return found
}

// append adds the block's instructions to a program.
func (b *block) append(prog []bpf.RawInstruction, n int) []bpf.RawInstruction {
	size := b.real()
	for _, s := range b.stmts {
		if s.code == opNOP {
			continue
		}
		ins := bpf.RawInstruction{Op: uint16(s.code), K: s.k}
		if opClass(s.code) == classJMP && s.code != opJa {
			at := len(prog) - (n - b.offset)
			ins.Jt, ins.Jf = b.localJumps(s, at, size)
		}
		prog = append(prog, ins)
	}
	ins := bpf.RawInstruction{Op: uint16(b.last.code), K: b.last.k}
	if b.isReturn() {
		return append(prog, ins)
	}
	at := len(prog)
	prog = append(prog, ins)
	jump := func(to *block, long int) uint8 {
		far := b.jumpTo(to)
		if long == 0 {
			return uint8(far)
		}
		skip := len(prog) - at - 1
		prog = append(prog, bpf.RawInstruction{Op: opJa, K: uint32(far - skip - 1)})
		return uint8(skip)
	}
	jt := jump(b.et.succ, b.longJT)
	jf := jump(b.ef.succ, b.longJF)
	prog[at].Jt, prog[at].Jf = jt, jf
	return prog
}

// localJumps finds how far a jump between statements has to go. It stands at
// place at of the block's size statements. The places of its targets are
// counted with the statements that were optimized away, as libpcap counts.
func (b *block) localJumps(s *stmt, at, size int) (jt, jf uint8) {
	if at == size-2 {
		return 0, 0
	}
	find := func(to *stmt) uint8 {
		for i := 0; i < size; i++ {
			if b.stmts[i] == to && i > at && i-at-1 < 256 {
				return uint8(i - at - 1)
			}
		}
		failf(0, "a jump between the statements of a test has no target")
		return 0
	}
	return find(s.jt), find(s.jf)
}

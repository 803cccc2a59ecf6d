package filter

import "golang.org/x/net/bpf"

// unsetCells returns the memory cells that a program may read before it has
// written them, as a set. Such a program comes from the optimizer's one fault,
// and from an expression that looks inside a Geneve tunnel on a way on which
// there is none: "tcp or geneve and ip or udp". The kernel refuses it, by this
// very rule: a program's jumps go forward, so one walk from its start sees
// every way to each instruction.
func unsetCells(prog []bpf.RawInstruction) (unset atomSet) {
	const allSet = 1<<memWords - 1
	at := make([]atomSet, len(prog)) // what is set on every way to an instruction
	for i := range at {
		at[i] = allSet
	}
	set := atomSet(0)
	reach := func(i int) { at[i] &= set }
	for i, ins := range prog {
		set &= at[i]
		switch code := int(ins.Op); {
		case code == opSt || code == opStx:
			set |= 1 << ins.K
		case code == opLdMem || code == opLdxMem:
			unset |= 1 << ins.K &^ set
		case code == opJa:
			reach(i + 1 + int(ins.K))
			set = allSet
		case opClass(code) == classJMP:
			reach(i + 1 + int(ins.Jt))
			reach(i + 1 + int(ins.Jf))
			set = allSet
		}
	}
	return unset
}

// zeroCells puts code before a program that writes zero to cells.
func zeroCells(cells atomSet, prog []bpf.RawInstruction) []bpf.RawInstruction {
	head := []bpf.RawInstruction{{Op: opLdImm}}
	for r := range memWords {
		if cells.has(r) {
			head = append(head, bpf.RawInstruction{Op: opSt, K: uint32(r)})
		}
	}
	return append(head, prog...)
}

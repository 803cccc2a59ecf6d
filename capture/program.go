package capture

import "golang.org/x/net/bpf"

// program is what the kernel runs for a source: a prologue that looks at the
// direction, then the caller's filter with its verdicts cut to the snap length.
type program struct {
	user      []bpf.RawInstruction // as given; may be empty
	snap      uint32               // bytes of the frame as the kernel sees it
	direction Direction
	loopback  uint32 // drop what goes out of this interface index; zero drops nothing
}

// assemble returns the instructions, nil when the kernel has nothing to do.
func (p program) assemble() []bpf.RawInstruction {
	prog := p.prologue()
	if len(p.user) == 0 {
		if len(prog) == 0 && p.snap >= MaxSnapLen {
			return nil
		}
		return append(prog, bpf.RawInstruction{Op: bpfRET, K: p.snap})
	}
	for _, ins := range p.user {
		// RET A cannot be bounded here; the source cuts such frames itself.
		if ins.Op&bpfClassMask == bpfRET && ins.Op&bpfRetMask == bpfRetK {
			ins.K = min(ins.K, p.snap)
		}
		prog = append(prog, ins)
	}
	return prog
}

// prologue refuses the unwanted direction. Jumps of BPF are relative, so the
// program behind it stays as it is; A is zero again when that starts.
func (p program) prologue() []bpf.RawInstruction {
	const (
		loadByte = bpfLD | bpfSizeB | bpfABS
		loadWord = bpfLD | bpfSizeW | bpfABS
		jumpEq   = 0x15
	)
	refuse := bpf.RawInstruction{Op: bpfRET}
	zero := bpf.RawInstruction{Op: bpfLD} // A = 0
	kind := bpf.RawInstruction{Op: loadByte, K: skfPktType}
	switch {
	case p.direction == In:
		return []bpf.RawInstruction{kind, {Op: jumpEq, Jf: 1, K: pktOutgoing}, refuse, zero}
	case p.direction == Out:
		return []bpf.RawInstruction{kind, {Op: jumpEq, Jt: 1, K: pktOutgoing}, refuse, zero}
	case p.loopback != 0:
		return []bpf.RawInstruction{
			kind, {Op: jumpEq, Jf: 3, K: pktOutgoing},
			{Op: loadWord, K: skfInterface}, {Op: jumpEq, Jf: 1, K: p.loopback},
			refuse, zero,
		}
	}
	return nil
}

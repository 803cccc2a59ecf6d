package filter

import (
	"fmt"
	"strings"

	"golang.org/x/net/bpf"
)

// Dump is the program for people, as tcpdump -d prints it.
func (p *Program) Dump() string {
	var b strings.Builder
	for i, ins := range p.insns {
		b.WriteString(insnText(ins, i))
		b.WriteByte('\n')
	}
	return b.String()
}

// DumpC is the program as a fragment of C, as tcpdump -dd prints it.
func (p *Program) DumpC() string {
	var b strings.Builder
	for _, ins := range p.insns {
		fmt.Fprintf(&b, "{ 0x%x, %d, %d, 0x%08x },\n", ins.Op, ins.Jt, ins.Jf, ins.K)
	}
	return b.String()
}

// DumpDecimal is the program as decimal numbers after their count, as tcpdump
// -ddd prints it.
func (p *Program) DumpDecimal() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", len(p.insns))
	for _, ins := range p.insns {
		fmt.Fprintf(&b, "%d %d %d %d\n", ins.Op, ins.Jt, ins.Jf, ins.K)
	}
	return b.String()
}

// insnText is one instruction at index n.
func insnText(ins bpf.RawInstruction, n int) string {
	name, operand := insnParts(ins, n)
	code := int(ins.Op)
	if opClass(code) == classJMP && code != opJa {
		return fmt.Sprintf("(%03d) %-8s %-16s jt %d\tjf %d", n, name, operand,
			n+1+int(ins.Jt), n+1+int(ins.Jf))
	}
	return fmt.Sprintf("(%03d) %-8s %s", n, name, operand)
}

var (
	sizeSuffix = map[int]string{sizeW: "", sizeH: "h", sizeB: "b"}
	aluNames   = map[int]string{aluADD: "add", aluSUB: "sub", aluMUL: "mul", aluDIV: "div",
		aluMOD: "mod", aluAND: "and", aluOR: "or", aluXOR: "xor", aluLSH: "lsh", aluRSH: "rsh",
		aluNEG: "neg"}
	jmpNames = map[int]string{jmpJEQ: "jeq", jmpJGT: "jgt", jmpJGE: "jge", jmpJSET: "jset"}
	adNames  = map[uint32]string{0: "proto", 4: "type", 8: "ifidx", 12: "nla", 16: "nlan",
		20: "mark", 24: "queue", 28: "hatype", 32: "rxhash", 36: "cpu", 40: "xor_x",
		44: "vlan_tci", 48: "vlanp", 52: "poff", 56: "random", 60: "vlan_tpid"}
)

// insnParts is an instruction's name and operand.
func insnParts(ins bpf.RawInstruction, n int) (name, operand string) {
	code, k := int(ins.Op), ins.K
	switch opClass(code) {
	case classLD, classLDX:
		return loadParts(code, k)
	case classST:
		return "st", fmt.Sprintf("M[%d]", k)
	case classSTX:
		return "stx", fmt.Sprintf("M[%d]", k)
	case classALU:
		name = aluNames[opALU(code)]
		switch {
		case opALU(code) == aluNEG:
			return name, ""
		case opSrc(code) == srcX:
			return name, "x"
		case opALU(code) == aluAND || opALU(code) == aluOR || opALU(code) == aluXOR:
			return name, fmt.Sprintf("#0x%x", k)
		}
		return name, fmt.Sprintf("#%d", int32(k))
	case classJMP:
		if code == opJa {
			return "ja", fmt.Sprint(int32(n) + 1 + int32(k))
		}
		if opSrc(code) == srcX {
			return jmpNames[opALU(code)], "x"
		}
		return jmpNames[opALU(code)], fmt.Sprintf("#0x%x", k)
	case classRET:
		return "ret", fmt.Sprintf("#%d", int32(k))
	}
	if opMisc(code) == miscTAX {
		return "tax", ""
	}
	return "txa", ""
}

// loadParts is insnParts for loads.
func loadParts(code int, k uint32) (name, operand string) {
	name = "ld"
	if opClass(code) == classLDX {
		name = "ldx"
	}
	switch opMode(code) {
	case modeABS:
		return name + sizeSuffix[opSize(code)], "[" + absText(k) + "]"
	case modeIND:
		return name + sizeSuffix[opSize(code)], fmt.Sprintf("[x + %d]", int32(k))
	case modeLEN:
		return name, "#pktlen"
	case modeMSH:
		return "ldxb", fmt.Sprintf("4*([%d]&0xf)", int32(k))
	case modeMEM:
		return name, fmt.Sprintf("M[%d]", k)
	}
	return name, fmt.Sprintf("#0x%x", k)
}

// absText is the offset of a load, with the names of the kernel's ancillary
// data.
func absText(k uint32) string {
	if k >= adBase {
		if name, ok := adNames[k-adBase]; ok {
			return name
		}
	}
	return fmt.Sprint(int32(k))
}

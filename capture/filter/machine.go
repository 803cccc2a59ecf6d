package filter

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
)

// Aux is what Linux knows about a packet that is not among its bytes. Programs
// compiled with Options.Live ask for it.
type Aux struct {
	// VLANPresent says that the kernel took a VLAN tag out of the packet, and
	// VLANTag is that tag with its priority bits.
	VLANPresent bool
	VLANTag     uint16
	// PacketType is the sll_pkttype of the packet's socket address; 4 means
	// that this machine sent it.
	PacketType uint8
	// IfIndex is the number of the interface.
	IfIndex int
}

// Match reports whether a packet matches. Data is what was captured of it, and
// wireLen its length on the wire; a test that reads beyond data rejects the
// packet, whatever else the expression says. Data is only read.
func (p *Program) Match(data []byte, wireLen int) bool {
	return p.Run(data, wireLen, nil) != 0
}

// MatchAux is Match with what the kernel knows about the packet.
func (p *Program) MatchAux(data []byte, wireLen int, aux Aux) bool {
	return p.Run(data, wireLen, &aux) != 0
}

// Run executes the program on a packet and returns what it returns: 0 to
// reject the packet, else Options.SnapLen. Aux may be nil.
func (p *Program) Run(data []byte, wireLen int, aux *Aux) uint32 {
	m := machine{data: data, wireLen: uint32(wireLen), aux: aux}
	return m.run(p.insns)
}

// RunRaw executes any program, such as one that another compiler made, in the
// way of Run. It returns 0 where the program is not valid or does not end
// within a million steps.
func RunRaw(prog []bpf.RawInstruction, data []byte, wireLen int, aux *Aux) uint32 {
	m := machine{data: data, wireLen: uint32(wireLen), aux: aux}
	return m.run(prog)
}

// maxSteps ends the loop of protochain in a packet whose headers lead back to
// themselves.
const maxSteps = 1 << 20

// machine is the BPF machine of libpcap: all arithmetic is on 32 bits without
// sign, and a load beyond the packet or a division by zero rejects it.
type machine struct {
	data    []byte
	wireLen uint32
	aux     *Aux
	a, x    uint32
	mem     [memWords]uint32
	result  uint32 // of a program that ended within step
}

// run executes a program. The instructions that nearly all programs consist of
// come first and without a call; step does the rest.
func (m *machine) run(prog []bpf.RawInstruction) uint32 {
	data := m.data
	n := uint64(len(data))
	var a uint32
	for pc, steps := 0, 0; uint(pc) < uint(len(prog)); pc++ {
		ins := &prog[pc]
		yes := false
		switch ins.Op {
		case classLD | modeABS | sizeH:
			if off := uint64(ins.K); off+2 <= n {
				a = uint32(data[off])<<8 | uint32(data[off+1])
				continue
			}
			if a, yes = m.load(int(ins.Op), ins.K); !yes {
				return 0
			}
			continue
		case classLD | modeABS | sizeB:
			if off := uint64(ins.K); off < n {
				a = uint32(data[off])
				continue
			}
			if a, yes = m.load(int(ins.Op), ins.K); !yes {
				return 0
			}
			continue
		case opJeqK:
			yes = a == ins.K
		case opJgtK:
			yes = a > ins.K
		case opJgeK:
			yes = a >= ins.K
		case opJsetK:
			yes = a&ins.K != 0
		case opRetK:
			return ins.K
		case opJa:
			if steps++; steps > maxSteps {
				return 0
			}
			pc += int(int32(ins.K))
			continue
		default:
			m.a = a
			if opClass(int(ins.Op)) != classJMP {
				if !m.step(ins) {
					return m.result
				}
				a = m.a
				continue
			}
			yes = m.test(int(ins.Op), ins.K)
		}
		if yes {
			pc += int(ins.Jt)
		} else {
			pc += int(ins.Jf)
		}
	}
	return 0
}

// step executes an instruction that is no jump. It returns false, with the
// result set, where the program ends.
func (m *machine) step(ins *bpf.RawInstruction) (ok bool) {
	code, k := int(ins.Op), ins.K
	switch opClass(code) {
	case classLD:
		m.a, ok = m.load(code, k)
		return ok
	case classLDX:
		m.x, ok = m.loadX(code, k)
		return ok
	case classST:
		m.mem[k%memWords] = m.a
	case classSTX:
		m.mem[k%memWords] = m.x
	case classALU:
		return m.alu(code, k)
	case classRET:
		m.result = k
		if opRet(code) == retA {
			m.result = m.a
		}
		return false
	default:
		if opMisc(code) == miscTAX {
			m.x = m.a
		} else {
			m.a = m.x
		}
	}
	return true
}

// load returns what a load into A reads.
func (m *machine) load(code int, k uint32) (uint32, bool) {
	switch opMode(code) {
	case modeABS:
		if k >= adBase && m.aux != nil {
			return m.ancillary(k)
		}
		return m.at(uint64(k), opSize(code))
	case modeIND:
		return m.at(uint64(k)+uint64(m.x), opSize(code))
	case modeLEN:
		return m.wireLen, true
	case modeMEM:
		return m.mem[k%memWords], true
	}
	return k, true
}

// loadX returns what a load into X reads.
func (m *machine) loadX(code int, k uint32) (uint32, bool) {
	switch opMode(code) {
	case modeMSH:
		v, ok := m.at(uint64(k), sizeB)
		return v & 0xf << 2, ok
	case modeLEN:
		return m.wireLen, true
	case modeMEM:
		return m.mem[k%memWords], true
	}
	return k, true
}

// at returns the bytes at an offset, and false beyond the packet's end.
func (m *machine) at(off uint64, size int) (uint32, bool) {
	n := uint64(len(m.data))
	switch size {
	case sizeB:
		if off < n {
			return uint32(m.data[off]), true
		}
	case sizeH:
		if off+2 <= n {
			return uint32(binary.BigEndian.Uint16(m.data[off:])), true
		}
	default:
		if off+4 <= n {
			return binary.BigEndian.Uint32(m.data[off:]), true
		}
	}
	return 0, false
}

// ancillary returns what the kernel knows.
func (m *machine) ancillary(k uint32) (uint32, bool) {
	switch k {
	case adVLANTagPresent:
		if m.aux.VLANPresent {
			return 1, true
		}
		return 0, true
	case adVLANTag:
		return uint32(m.aux.VLANTag), true
	case adPktType:
		return uint32(m.aux.PacketType), true
	case adIfIndex:
		return uint32(m.aux.IfIndex), true
	}
	return 0, false
}

// alu works on A, and returns false on a division by zero.
func (m *machine) alu(code int, k uint32) bool {
	v := k
	if opSrc(code) == srcX {
		v = m.x
	}
	switch opALU(code) {
	case aluADD:
		m.a += v
	case aluSUB:
		m.a -= v
	case aluMUL:
		m.a *= v
	case aluDIV, aluMOD:
		if v == 0 {
			return false
		}
		if opALU(code) == aluDIV {
			m.a /= v
		} else {
			m.a %= v
		}
	case aluAND:
		m.a &= v
	case aluOR:
		m.a |= v
	case aluXOR:
		m.a ^= v
	case aluLSH:
		m.a <<= v
	case aluRSH:
		m.a >>= v
	case aluNEG:
		m.a = -m.a
	}
	return true
}

// test compares A.
func (m *machine) test(code int, k uint32) bool {
	v := k
	if opSrc(code) == srcX {
		v = m.x
	}
	switch opALU(code) {
	case jmpJEQ:
		return m.a == v
	case jmpJGT:
		return m.a > v
	case jmpJGE:
		return m.a >= v
	}
	return m.a&v != 0
}

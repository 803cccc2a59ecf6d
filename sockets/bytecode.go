package sockets

import (
	"encoding/binary"
	"errors"
	"math"
)

// The instructions of inet_diag's filter machine that are needed here: all of
// them exist since the machine does, but for the interface's (4.5).
const (
	opJump            = 1
	opLocalAtLeast    = 2
	opLocalAtMost     = 3
	opRemoteAtLeast   = 4
	opRemoteAtMost    = 5
	opLocalCondition  = 7
	opRemoteCondition = 8
	opInterface       = 9
)

// Address families as Linux numbers them in requests and answers.
const (
	afUnix  = 1
	afInet  = 2
	afInet6 = 10
)

// errFilterTooLong means that a jump does not fit the 16 bits it has.
var errFilterTooLong = errors.New("sockets: the filter is too long for the kernel's machine")

// Bytecode compiles the filter for the kernel (INET_DIAG_REQ_BYTECODE). Every
// instruction is a test: it falls through when true and jumps forward when
// false. A program accepts a socket by running to its exact end, and rejects it
// by jumping four bytes beyond. The zero Filter is the empty program.
func (f Filter) Bytecode() ([]byte, error) {
	if f.root == nil {
		return nil, nil
	}
	var a assembler
	reject := a.label()
	a.node(f.root, reject)
	a.labels[reject] = len(a.code) + 4
	return a.resolve()
}

// label names a place in the program that is not known yet.
type label int

// assembler collects instructions, and the jumps to be filled in at the end.
type assembler struct {
	code   []byte
	labels []int
	jumps  []jump
}

type jump struct {
	at int // the offset of the instruction
	to label
}

func (a *assembler) label() label {
	a.labels = append(a.labels, 0)
	return label(len(a.labels) - 1)
}

func (a *assembler) place(l label) { a.labels[l] = len(a.code) }

// node appends code that falls through where n is true and else jumps.
func (a *assembler) node(n *node, no label) {
	switch n.test {
	case testAnd:
		a.node(n.left, no)
		a.node(n.right, no)
	case testOr:
		otherwise, end := a.label(), a.label()
		a.node(n.left, otherwise)
		a.jump(end)
		a.place(otherwise)
		a.node(n.right, no)
		a.place(end)
	case testNot:
		negated := a.label()
		a.node(n.left, negated)
		a.jump(no)
		a.place(negated)
	case testLocalPort:
		a.ports(opLocalAtLeast, opLocalAtMost, n, no)
	case testRemotePort:
		a.ports(opRemoteAtLeast, opRemoteAtMost, n, no)
	case testLocalPrefix:
		a.prefix(opLocalCondition, n, no)
	case testRemotePrefix:
		a.prefix(opRemoteCondition, n, no)
	case testInterface:
		a.instruction(opInterface, binary.NativeEndian.AppendUint32(nil, n.index), no)
	}
}

// instruction appends one test with its argument. The field "yes" must be the
// instruction's own length, or the kernel's check of jump targets refuses it.
func (a *assembler) instruction(op byte, argument []byte, no label) {
	a.jumps = append(a.jumps, jump{len(a.code), no})
	a.code = append(a.code, op, byte(4+len(argument)), 0, 0)
	a.code = append(a.code, argument...)
}

func (a *assembler) jump(to label) { a.instruction(opJump, nil, to) }

// ports compares with both bounds of a range. The argument is an instruction
// of which only the field "no" counts. Two comparisons also serve for a single
// port: the instruction for equality came later.
func (a *assembler) ports(atLeast, atMost byte, n *node, no label) {
	bound := func(port uint16) []byte {
		return binary.NativeEndian.AppendUint16([]byte{0, 0}, port)
	}
	if n.first > n.last {
		a.jump(no)
		return
	}
	if n.first > 0 {
		a.instruction(atLeast, bound(n.first), no)
	}
	if n.last < math.MaxUint16 {
		a.instruction(atMost, bound(n.last), no)
	}
}

// prefix compares an address: the argument is struct inet_diag_hostcond, in
// which port -1 is any.
func (a *assembler) prefix(op byte, n *node, no label) {
	if !n.prefix.IsValid() {
		a.jump(no)
		return
	}
	family := byte(afInet)
	if n.prefix.Addr().Is6() {
		family = afInet6
	}
	argument := []byte{family, byte(n.prefix.Bits()), 0, 0}
	argument = binary.NativeEndian.AppendUint32(argument, math.MaxUint32)
	argument = append(argument, n.prefix.Addr().AsSlice()...)
	a.instruction(op, argument, no)
}

// resolve fills in the jumps, which count from their own instruction.
func (a *assembler) resolve() ([]byte, error) {
	for _, j := range a.jumps {
		distance := a.labels[j.to] - j.at
		if distance > math.MaxUint16 {
			return nil, errFilterTooLong
		}
		binary.NativeEndian.PutUint16(a.code[j.at+2:], uint16(distance))
	}
	// The attribute that carries the program counts its length in 16 bits.
	if len(a.code) > math.MaxUint16-64 {
		return nil, errFilterTooLong
	}
	return a.code, nil
}

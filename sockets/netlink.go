package sockets

import (
	"encoding/binary"
	"errors"
)

// This file reads and writes netlink's framing and nothing else: no system
// call, and no byte is kept. All integers are in the machine's order.

const (
	headerSize    = 16
	attributeSize = 4

	messageError = 2 // NLMSG_ERROR
	messageDone  = 3 // NLMSG_DONE
)

// errMalformed is what every decoder of this package says of bytes that no
// kernel sends.
var errMalformed = errors.New("sockets: malformed netlink message")

// message is one netlink message; its body borrows from the buffer.
type message struct {
	kind     uint16
	sequence uint32
	body     []byte
}

// nextMessage takes the first message off b.
func nextMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < headerSize {
		return m, nil, errMalformed
	}
	length := int(binary.NativeEndian.Uint32(b))
	if length < headerSize || length > len(b) {
		return m, nil, errMalformed
	}
	m.kind = binary.NativeEndian.Uint16(b[4:])
	m.sequence = binary.NativeEndian.Uint32(b[8:])
	m.body = b[headerSize:length]
	return m, b[min(align(length), len(b)):], nil
}

// errno returns the error number in the body of an error or done message; zero
// is success. The kernel writes it negated.
func (m message) errno() int {
	if len(m.body) < 4 {
		return 0
	}
	return -int(int32(binary.NativeEndian.Uint32(m.body)))
}

// nextAttribute takes the first attribute off b. It reports false at the end,
// and at an attribute that does not fit.
func nextAttribute(b []byte) (kind uint16, value, rest []byte, ok bool) {
	if len(b) < attributeSize {
		return 0, nil, nil, false
	}
	length := int(binary.NativeEndian.Uint16(b))
	if length < attributeSize || length > len(b) {
		return 0, nil, nil, false
	}
	// The two upper bits are flags.
	kind = binary.NativeEndian.Uint16(b[2:]) & 0x3fff
	return kind, b[attributeSize:length], b[min(align(length), len(b)):], true
}

// appendAttribute adds one attribute, padded.
func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(attributeSize+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// align rounds up to the four bytes that netlink pads to.
func align(n int) int { return (n + 3) &^ 3 }

// names keeps one string for each name seen, so that a walk makes no new ones.
// A peer chooses some of them: the table is emptied when it has grown too large.
type names map[string]string

const maxNames = 1 << 14

func (n names) of(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	if len(n) >= maxNames {
		clear(n)
	}
	s := string(b)
	n[s] = s
	return s
}

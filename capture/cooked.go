package capture

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
)

// The SLL2 header that stands before a packet of the "any" interface: protocol,
// two zero bytes, interface index, ARPHRD type, packet type, address length and
// eight bytes of address. The kernel gives the parts, the header is made here.
const sll2Len = 20

// The instruction classes and modes of classic BPF that matter here.
const (
	bpfClassMask = 0x07
	bpfLD        = 0x00
	bpfLDX       = 0x01
	bpfMISC      = 0x07
	bpfRET       = 0x06
	bpfModeMask  = 0xe0
	bpfABS       = 0x20
	bpfIND       = 0x40
	bpfMSH       = 0xa0
	bpfSizeMask  = 0x18
	bpfSizeW     = 0x00
	bpfSizeH     = 0x08
	bpfSizeB     = 0x10
	bpfRetMask   = 0x18
	bpfRetK      = 0x00
)

// The kernel's ancillary loads: negative offsets that read about the packet
// instead of from it.
const (
	skfAD        = 0xfffff000 // SKF_AD_OFF as an unsigned offset
	skfNegative  = 0x80000000
	skfProtocol  = skfAD + 0
	skfPktType   = skfAD + 4
	skfInterface = skfAD + 8
	skfHatype    = skfAD + 28
)

// Packet types of struct sockaddr_ll.
const (
	pktHost      = 0
	pktBroadcast = 1
	pktMulticast = 2
	pktOtherHost = 3
	pktOutgoing  = 4
)

// translateCooked turns a program for SLL2 frames into one for what a
// SOCK_DGRAM packet socket shows its filter: the packet without any link-layer
// header. It reports whether the meaning stays the same.
func translateCooked(prog []bpf.RawInstruction) ([]bpf.RawInstruction, bool) {
	out := make([]bpf.RawInstruction, len(prog))
	copy(out, prog)
	relative := indexIsHeaderLength(prog)
	for i := range out {
		ins := &out[i]
		class, mode := ins.Op&bpfClassMask, ins.Op&bpfModeMask
		switch {
		case class == bpfLD && mode == bpfABS && ins.K < skfNegative:
			if ins.K >= sll2Len {
				ins.K -= sll2Len
			} else if !cookedField(ins) {
				return nil, false
			}
		case class == bpfLD && mode == bpfIND:
			if !relative || ins.K < sll2Len || ins.K >= skfNegative {
				return nil, false
			}
			ins.K -= sll2Len
		case class == bpfLDX && mode == bpfMSH:
			if ins.K < sll2Len {
				return nil, false
			}
			ins.K -= sll2Len
		}
	}
	return out, true
}

// indexIsHeaderLength reports whether the index register only ever holds a
// header's length as LDX MSH loads it, so that an indexed load's constant
// counts from the start of the frame.
func indexIsHeaderLength(prog []bpf.RawInstruction) bool {
	for _, ins := range prog {
		class := ins.Op & bpfClassMask
		if class == bpfLDX && ins.Op&bpfModeMask != bpfMSH {
			return false
		}
		if class == bpfMISC && ins.Op&0x80 == 0 { // TAX
			return false
		}
	}
	return true
}

// cookedField turns a load of an SLL2 header field into the ancillary load of
// the same value.
func cookedField(ins *bpf.RawInstruction) bool {
	switch size := ins.Op & bpfSizeMask; {
	case ins.K == 0 && size == bpfSizeH:
		ins.K = skfProtocol
	case ins.K == 4 && size == bpfSizeW:
		ins.K = skfInterface
	case ins.K == 8 && size == bpfSizeH:
		ins.K = skfHatype
	case ins.K == 10 && size == bpfSizeB:
		ins.K = skfPktType
	default:
		return false
	}
	return true
}

// putSLL2 writes the header into b, which has room for sll2Len bytes.
func putSLL2(b []byte, protocol uint16, ifindex uint32, hatype uint16, pkttype, halen uint8, addr *[8]byte) {
	_ = b[sll2Len-1]
	binary.BigEndian.PutUint16(b[0:], protocol)
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint32(b[4:], ifindex)
	binary.BigEndian.PutUint16(b[8:], hatype)
	b[10], b[11] = pkttype, halen
	copy(b[12:], addr[:])
}

package decode

import "encoding/binary"

// ARPOp is what an ARP or RARP message asks or says.
type ARPOp uint16

// The operations in use.
const (
	ARPRequest  ARPOp = 1
	ARPReply    ARPOp = 2
	RARPRequest ARPOp = 3
	RARPReply   ARPOp = 4
)

// String returns the operation's name.
func (o ARPOp) String() string {
	switch o {
	case ARPRequest:
		return "Request"
	case ARPReply:
		return "Reply"
	case RARPRequest:
		return "Reverse Request"
	case RARPReply:
		return "Reverse Reply"
	}
	return "Unknown"
}

// ARP is an ARP or RARP message (RFC 826).
type ARP struct {
	Hardware                 uint16 // 1 is Ethernet
	Protocol                 EtherType
	HardwareLen, ProtocolLen uint8
	Op                       ARPOp
	// Resolved is set if the addresses are of 6 and 4 bytes. Only then the fields
	// below are set; the addresses of other kinds are left in the payload.
	Resolved  bool
	SenderMAC MAC
	SenderIP  [4]byte
	TargetMAC MAC
	TargetIP  [4]byte
}

func (p *Packet) arp(b []byte) {
	if len(b) < 8 {
		p.fail(LayerARP, FaultTruncated, b, len(b))
		return
	}
	p.ARP = ARP{
		Hardware:    binary.BigEndian.Uint16(b),
		Protocol:    EtherType(binary.BigEndian.Uint16(b[2:])),
		HardwareLen: b[4],
		ProtocolLen: b[5],
		Op:          ARPOp(binary.BigEndian.Uint16(b[6:])),
	}
	a := &p.ARP
	end := 8 + 2*(int(a.HardwareLen)+int(a.ProtocolLen))
	if len(b) < end {
		p.fail(LayerARP, FaultTruncated, b[8:], end-8)
		return
	}
	p.Has |= LayerARP
	if a.HardwareLen != 6 || a.ProtocolLen != 4 {
		p.end(b[8:end], end-8)
		return
	}
	a.Resolved = true
	copy(a.SenderMAC[:], b[8:14])
	copy(a.SenderIP[:], b[14:18])
	copy(a.TargetMAC[:], b[18:24])
	copy(a.TargetIP[:], b[24:28])
	p.end(nil, 0)
}

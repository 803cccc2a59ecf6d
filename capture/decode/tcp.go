package decode

import "encoding/binary"

// TCPFlags are the control bits, ACE's old NS bit included.
type TCPFlags uint16

// The control bits.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	NS
)

// AppendText appends the flags as tcpdump prints them: S, P., or "none".
func (f TCPFlags) AppendText(dst []byte) ([]byte, error) {
	switch f { // what nearly all segments have
	case ACK:
		return append(dst, '.'), nil
	case PSH | ACK:
		return append(dst, 'P', '.'), nil
	}
	n := len(dst)
	for i, c := range []byte("FSRP.UEWe") {
		if f&(1<<i) != 0 {
			dst = append(dst, c)
		}
	}
	if len(dst) == n {
		dst = append(dst, "none"...)
	}
	return dst, nil
}

// String returns what AppendText appends.
func (f TCPFlags) String() string {
	b, _ := f.AppendText(nil)
	return string(b)
}

// TCP is a TCP header (RFC 9293).
type TCP struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	HeaderLen        uint8 // in bytes: 20 to 60
	Flags            TCPFlags
	Window           uint16 // not scaled
	Checksum         uint16
	Urgent           uint16
	Options          []byte // raw; nil without. ParseOptions and All read them
}

func (p *Packet) tcp(b []byte, n int) {
	if len(b) < 20 {
		p.tcpPorts(b)
		p.fail(LayerTCP, FaultTruncated, b, n)
		return
	}
	_ = b[19]
	h := &p.TCP
	ports := binary.BigEndian.Uint32(b[0:4])
	h.SrcPort, h.DstPort = uint16(ports>>16), uint16(ports)
	h.Seq = binary.BigEndian.Uint32(b[4:8])
	h.Ack = binary.BigEndian.Uint32(b[8:12])
	bits := binary.BigEndian.Uint16(b[12:14])
	header := int(bits>>12) * 4
	h.HeaderLen, h.Flags = uint8(header), TCPFlags(bits&0x1ff)
	h.Window = binary.BigEndian.Uint16(b[14:16])
	h.Checksum = binary.BigEndian.Uint16(b[16:18])
	h.Urgent = binary.BigEndian.Uint16(b[18:20])
	if header < 20 || header > n {
		p.fail(LayerTCP, FaultHeader, b, n)
		return
	}
	if header > len(b) {
		p.fail(LayerTCP, FaultTruncated, b, n)
		return
	}
	h.Options = b[20:header]
	p.Has |= LayerTCP
	p.Payload, p.Length = b[header:], n-header
}

// tcpPorts keeps what an ICMP error quotes of a header, at least 8 bytes
// (RFC 792). The layer is not in Has: ports and sequence number are all there is.
func (p *Packet) tcpPorts(b []byte) {
	if len(b) >= 8 {
		p.TCP = TCP{
			SrcPort: binary.BigEndian.Uint16(b),
			DstPort: binary.BigEndian.Uint16(b[2:]),
			Seq:     binary.BigEndian.Uint32(b[4:]),
		}
	}
}

package decode

import (
	"encoding/binary"

	"sonde/capture"
)

// Numbers that files use for raw IP besides capture.LinkRaw: DLT_RAW is 12 on
// most systems and 14 on OpenBSD.
const (
	bsdRaw  capture.LinkType = 12
	openRaw capture.LinkType = 14
)

// SLL is the header that Linux puts before packets of the "any" interface
// (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2).
type SLL struct {
	Version    uint8  // 1 or 2
	Type       uint8  // 0 to us, 1 broadcast, 2 multicast, 3 to another host, 4 from us
	Hardware   uint16 // ARPHRD_ number of the interface's kind
	Interface  uint32 // index of the interface; version 2 only
	AddressLen uint8  // how many bytes of Address the sender's address has, at most 8
	Address    [8]byte
	Protocol   EtherType
}

// MAC returns the sender's address, if it is one of 6 bytes.
func (s *SLL) MAC() (MAC, bool) {
	return MAC(s.Address[:6]), s.AddressLen == 6
}

func (p *Packet) sll(b []byte) {
	if len(b) < 16 {
		p.fail(LayerSLL, FaultTruncated, b, len(b))
		return
	}
	p.SLL = SLL{
		Version:    1,
		Type:       b[1],
		Hardware:   binary.BigEndian.Uint16(b[2:]),
		AddressLen: uint8(min(binary.BigEndian.Uint16(b[4:]), 8)),
		Address:    [8]byte(b[6:14]),
		Protocol:   EtherType(binary.BigEndian.Uint16(b[14:])),
	}
	p.cooked(b, 16)
}

func (p *Packet) sll2(b []byte) {
	if len(b) < 20 {
		p.fail(LayerSLL, FaultTruncated, b, len(b))
		return
	}
	p.SLL = SLL{
		Version:    2,
		Type:       b[10],
		Hardware:   binary.BigEndian.Uint16(b[8:]),
		Interface:  binary.BigEndian.Uint32(b[4:]),
		AddressLen: min(b[11], 8),
		Address:    [8]byte(b[12:20]),
		Protocol:   EtherType(binary.BigEndian.Uint16(b)),
	}
	p.cooked(b, 20)
}

// ARPHRD_ numbers of interfaces whose protocol field is no EtherType.
const (
	hardwareNetlink = 824
	hardwareGRE     = 778
	hardware80211   = 801 // to 803
)

// cooked goes on behind an SLL header of n bytes.
func (p *Packet) cooked(b []byte, n int) {
	p.Has = LayerSLL
	h, t := p.SLL.Hardware, p.SLL.Protocol
	if h == hardwareNetlink || h == hardwareGRE || h >= hardware80211 && h <= hardware80211+2 {
		p.end(b[n:], len(b)-n)
		return
	}
	p.tagged(t, b, n)
}

// Protocol families in loopback headers. AF_INET6 differs from system to system.
const (
	familyInet        = 2
	familyInet6Linux  = 10
	familyInet6BSD    = 24
	familyInet6Free   = 28
	familyInet6Darwin = 30
)

// loopback reads NULL and LOOP. NULL's family is in the byte order of the host
// that captured, which the file does not tell, so the small reading is right.
func (p *Packet) loopback(b []byte) {
	if len(b) < 4 {
		p.fail(LayerLoopback, FaultTruncated, b, len(b))
		return
	}
	family := binary.BigEndian.Uint32(b)
	if p.Link == capture.LinkNull && family > 0xffff {
		family = binary.LittleEndian.Uint32(b)
	}
	p.Has = LayerLoopback
	switch family {
	case familyInet:
		p.EtherType = EtherTypeIPv4
	case familyInet6Linux, familyInet6BSD, familyInet6Free, familyInet6Darwin:
		p.EtherType = EtherTypeIPv6
	}
	p.above(p.EtherType, b[4:], 4)
}

// raw reads a frame that starts with an IP header; its version tells which.
func (p *Packet) raw(b []byte) {
	switch {
	case len(b) == 0:
		p.fail(LayerIPv4, FaultTruncated, b, 0)
	case b[0]>>4 == 4 && p.Link != capture.LinkIPv6:
		p.EtherType = EtherTypeIPv4
		p.ipv4(b, 0)
	case b[0]>>4 == 6 && p.Link != capture.LinkIPv4:
		p.EtherType = EtherTypeIPv6
		p.ipv6(b, 0)
	default:
		p.fail(LayerIPv4, FaultVersion, b, len(b))
	}
}

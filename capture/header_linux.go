package capture

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// What this file does: the kernel hands frames over with parts of their headers
// set apart. Here they go back to where they were on the wire.

// tag returns the VLAN tag that was taken out of a frame.
func tag(h *unix.Tpacket3Hdr) VLAN {
	v := VLAN{TPID: h.Hv1.Vlan_tpid, TCI: uint16(h.Hv1.Vlan_tci)}
	if h.Status&unix.TP_STATUS_VLAN_TPID_VALID == 0 || v.TPID == 0 {
		v.TPID = unix.ETH_P_8021Q
	}
	return v
}

// insertTag moves the two addresses of an Ethernet frame towards the front,
// into the headroom, and puts the tag behind them.
func (l *Live) insertTag(p *Packet, start uint32) {
	const addresses = 12
	if p.Link != LinkEthernet || len(p.Data) < addresses {
		return
	}
	whole := l.block[start-vlanLen : start+uint32(len(p.Data)) : start+uint32(len(p.Data))]
	copy(whole, whole[vlanLen:vlanLen+addresses])
	binary.BigEndian.PutUint16(whole[addresses:], p.VLAN.TPID)
	binary.BigEndian.PutUint16(whole[addresses+2:], p.VLAN.TCI)
	p.Data = whole
	p.Length += vlanLen
}

// cook puts an SLL2 header, and the tag if there was one, before a packet that
// came without its link layer.
func (l *Live) cook(p *Packet, start uint32, from *unix.RawSockaddrLinklayer) {
	protocol := from.Protocol // network byte order
	head := start - sll2Len
	if p.VLAN.Present() {
		head -= vlanLen
		inner := l.block[start-vlanLen : start]
		binary.BigEndian.PutUint16(inner, p.VLAN.TCI)
		binary.BigEndian.PutUint16(inner[2:], networkOrder(protocol))
		protocol = networkOrder(p.VLAN.TPID)
	}
	end := start + uint32(len(p.Data))
	p.Data = l.block[head:end:end]
	p.Length += int(start - head)
	putSLL2(p.Data, networkOrder(protocol), uint32(from.Ifindex), from.Hatype, from.Pkttype, from.Halen, &from.Addr)
}

// systemName is what a pcapng file says about where it was captured.
var systemName = sync.OnceValue(func() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "Linux"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
})

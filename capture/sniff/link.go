package sniff

import (
	"sonde/capture"
	"sonde/capture/decode"
)

// link prints the link-layer header where it is asked for, and always says of
// packets of the "any" interface where they passed.
func (w *Printer) link(dst []byte, p *capture.Packet, d *decode.Packet) []byte {
	if d.Has&decode.LayerSLL != 0 {
		dst = w.cooked(dst, d, p.Length)
	}
	if !w.style.Link {
		return dst
	}
	if d.Has&decode.LayerEthernet != 0 {
		dst = w.mac(dst, d.Ethernet.Src)
		dst = w.mac(append(dst, " > "...), d.Ethernet.Dst)
		if d.Ethernet.Type < 0x600 {
			dst = append(dst, ", 802.3"...)
		} else {
			dst = etherType(dst, d.Ethernet.Type)
		}
		dst = append(appendLength(dst, p.Length), ": "...)
	}
	if d.Has&decode.LayerVLAN != 0 {
		dst = tags(dst, d)
	}
	return dst
}

func (w *Printer) mac(dst []byte, m decode.MAC) []byte {
	if m.Broadcast() && !w.style.Numeric {
		return append(dst, "Broadcast"...)
	}
	dst, _ = m.AppendText(dst)
	return dst
}

func etherType(dst []byte, t decode.EtherType) []byte {
	dst = append(append(dst, ", ethertype "...), t.String()...)
	return append(appendHex(append(dst, " (0x"...), uint64(t), 4), ')')
}

// tags prints VLAN tags and what follows them.
func tags(dst []byte, d *decode.Packet) []byte {
	list := d.VLANs.Tags()
	for i, tag := range list {
		dst = appendUint(append(dst, "vlan "...), tag.ID())
		dst = appendUint(append(dst, ", p "...), tag.Priority())
		if tag.DropEligible() {
			dst = append(dst, ", DEI"...)
		}
		next := d.EtherType
		if i+1 < len(list) {
			next = list[i+1].TPID
		}
		dst = append(etherType(dst, next), ", "...)
	}
	return dst
}

// cooked prints interface and direction, as wide as tcpdump does.
func (w *Printer) cooked(dst []byte, d *decode.Packet, length int) []byte {
	if d.SLL.Version == 2 {
		dst = appendColumn(dst, w.names.interfaceName(int(d.SLL.Interface)), 5)
	}
	way := "?"
	switch d.SLL.Type {
	case 0:
		way = "In"
	case 1:
		way = "B"
	case 2:
		way = "M"
	case 3:
		way = "P"
	case 4:
		way = "Out"
	}
	dst = appendColumn(dst, way, 3)
	if !w.style.Link {
		return dst
	}
	if d.SLL.Version == 2 {
		dst = append(appendUint(append(dst, "ifindex "...), d.SLL.Interface), ' ')
	}
	if mac, ok := d.SLL.MAC(); ok {
		dst = append(w.mac(dst, mac), ' ')
	}
	dst = append(append(dst, "ethertype "...), d.SLL.Protocol.String()...)
	dst = append(appendHex(append(dst, " (0x"...), uint64(d.SLL.Protocol), 4), ')')
	return append(appendLength(dst, length), ": "...)
}

// appendColumn adds text and blanks up to a width, and one more.
func appendColumn(dst []byte, s string, width int) []byte {
	dst = decode.AppendEscaped(dst, s)
	for i := len(s); i < width; i++ {
		dst = append(dst, ' ')
	}
	return append(dst, ' ')
}

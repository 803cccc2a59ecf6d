package sniff

import (
	"strconv"

	"sonde/capture"
	"sonde/capture/decode"
)

// Printer turns packets into text. It remembers what it needs for relative
// sequence numbers and time differences, within bounds, and is for one
// goroutine. It allocates nothing for ordinary packets.
type Printer struct {
	style  Style
	names  *names
	stamp  stamp
	seqs   sequences
	n      uint64
	d      decode.Packet
	inner  decode.Packet
	ended  knownEnds
	nested bool // what is printed is quoted by an error
}

// NewPrinter returns a printer. Names of interfaces, which packets of "any" are
// printed with, are looked up by nameOf; nil prints their numbers.
func NewPrinter(style Style, nameOf func(ifindex int) string) *Printer {
	return &Printer{style: style, names: newNames(style.Numeric, nameOf), stamp: stamp{style: style.Time, nano: style.Nano}}
}

// AppendPacket appends the line of a packet, and the lines that belong to it,
// each with its line feed.
func (w *Printer) AppendPacket(dst []byte, p *capture.Packet) []byte {
	w.d.Decode(p.Link, p.Data)
	return w.AppendDecoded(dst, p, &w.d)
}

// AppendDecoded is AppendPacket for a packet that was decoded already.
func (w *Printer) AppendDecoded(dst []byte, p *capture.Packet, d *decode.Packet) []byte {
	w.n++
	if w.style.Numbers {
		dst = append(appendPadded(dst, w.n, 5), ' ', ' ')
	}
	dst = w.stamp.append(dst, p.Time)
	dst = w.link(dst, p, d)
	dst = w.network(dst, d, p.Length)
	if p.Process.PID != 0 || p.Process.Name != "" {
		dst = append(decode.AppendEscaped(append(dst, " ["...), p.Process.Name), '/')
		dst = append(strconv.AppendInt(dst, int64(p.Process.PID), 10), ']')
	}
	if p.Comment != "" {
		dst = append(decode.AppendEscaped(append(dst, " ("...), p.Comment), ')')
	}
	dst = append(dst, '\n')
	return w.dump(dst, p, d)
}

// network prints what is above the link layer, of a frame that was so long on the
// wire.
func (w *Printer) network(dst []byte, d *decode.Packet, length int) []byte {
	switch {
	case d.Has&decode.LayerIPv4 != 0:
		return w.ipv4(dst, d)
	case d.Has&decode.LayerIPv6 != 0:
		return w.ipv6(dst, d)
	case d.Has&decode.LayerARP != 0:
		return w.arp(dst, d, length-headerLength(d))
	case d.Fault != decode.FaultNone:
		return w.fault(dst, d)
	case d.Has&decode.LayerLLC != 0:
		dst = append(dst, d.LLC.Name()...)
	case d.Has&decode.LayersLink != 0:
		dst = append(dst, d.EtherType.String()...)
		if d.EtherType.String() == "Unknown" {
			dst = appendHex(append(dst, " ethertype 0x"...), uint64(d.EtherType), 4)
		}
	default:
		dst = append(dst, d.Link.Description()...)
	}
	return appendLength(dst, d.Length)
}

// headerLength is the length of the link-layer header.
func headerLength(d *decode.Packet) int {
	n := 0
	if d.Has&decode.LayerVLAN != 0 {
		n = 4 * len(d.VLANs.Tags())
	}
	switch {
	case d.Has&decode.LayerEthernet != 0:
		n += 14
	case d.Has&decode.LayerSLL != 0 && d.SLL.Version == 2:
		n += 20
	case d.Has&decode.LayerSLL != 0:
		n += 16
	}
	return n
}

// fault says what could not be read.
func (w *Printer) fault(dst []byte, d *decode.Packet) []byte {
	if d.Fault == decode.FaultUnsupported {
		dst = append(dst, d.Link.Description()...)
		return appendLength(dst, d.Length)
	}
	dst = append(dst, "[|"...)
	dst = append(dst, d.FaultAt.String()...)
	if d.Fault != decode.FaultTruncated {
		dst = append(append(dst, ": "...), d.Fault.String()...)
	}
	return append(dst, ']')
}

func appendLength(dst []byte, n int) []byte {
	return appendUint(append(dst, ", length "...), n)
}

// appendPadded adds v with blanks before it.
func appendPadded(dst []byte, v uint64, width int) []byte {
	var b [20]byte
	s := strconv.AppendUint(b[:0], v, 10)
	for i := len(s); i < width; i++ {
		dst = append(dst, ' ')
	}
	return append(dst, s...)
}

const hexdigits = "0123456789abcdef"

// appendHex adds v with at least the given number of digits.
func appendHex(dst []byte, v uint64, digits int) []byte {
	for digits < 16 && v>>(4*digits) != 0 {
		digits++
	}
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hexdigits[v>>(4*i)&15])
	}
	return dst
}

package sniff

import (
	"sonde/capture"
	"sonde/capture/decode"
)

// dump prints the bytes of a packet where they are asked for.
func (w *Printer) dump(dst []byte, p *capture.Packet, d *decode.Packet) []byte {
	switch s := &w.style; {
	case s.HexASCII > 0:
		return hexDump(dst, w.from(p, d, s.HexASCII > 1), true)
	case s.Hex > 0:
		return hexDump(dst, w.from(p, d, s.Hex > 1), false)
	case s.ASCII:
		return asciiDump(dst, w.from(p, d, false))
	}
	return dst
}

// from returns the bytes to be shown: all of them, or from the network header on.
func (w *Printer) from(p *capture.Packet, d *decode.Packet, all bool) []byte {
	if all {
		return p.Data
	}
	n := 0
	switch {
	case d.Has&decode.LayerEthernet != 0:
		n = 14
	case d.Has&decode.LayerSLL != 0 && d.SLL.Version == 2:
		n = 20
	case d.Has&decode.LayerSLL != 0:
		n = 16
	case d.Has&decode.LayerLoopback != 0:
		n = 4
	}
	if d.Has&decode.LayerVLAN != 0 {
		n += 4 * len(d.VLANs.Tags())
	}
	return p.Data[min(n, len(p.Data)):]
}

// hexDump prints sixteen bytes a line.
func hexDump(dst, b []byte, text bool) []byte {
	for at := 0; at < len(b); at += 16 {
		line := b[at:min(at+16, len(b))]
		dst = appendHex(append(dst, "\t0x"...), uint64(at), 4)
		dst = append(dst, ':', ' ')
		width := len(dst)
		for i, c := range line {
			if i&1 == 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, hexdigits[c>>4], hexdigits[c&15])
		}
		if text {
			for len(dst) < width+40 {
				dst = append(dst, ' ')
			}
			dst = append(dst, ' ', ' ')
			for _, c := range line {
				if c == ' ' { // columns without gaps, as everybody prints them
					c = '.'
				}
				dst = append(dst, printable(c))
			}
		}
		dst = append(dst, '\n')
	}
	return dst
}

// asciiDump prints printable bytes, line feeds and tabs; others are dots.
func asciiDump(dst, b []byte) []byte {
	for i, c := range b {
		switch {
		case c == '\n' || c == '\t':
			dst = append(dst, c)
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
		default:
			dst = append(dst, printable(c))
		}
	}
	return append(dst, '\n')
}

func printable(c byte) byte {
	if c < 0x20 || c > 0x7e {
		return '.'
	}
	return c
}

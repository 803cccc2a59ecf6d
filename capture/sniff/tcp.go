package sniff

import (
	"bytes"
	"encoding/binary"

	"sonde/capture/decode"
)

// tcp prints a TCP segment.
func (w *Printer) tcp(dst []byte, d *decode.Packet) []byte {
	h := &d.TCP
	if w.style.Quiet {
		return appendUint(append(dst, "tcp "...), d.Length)
	}
	dst = append(dst, "Flags ["...)
	dst, _ = h.Flags.AppendText(dst)
	dst = append(dst, ']')
	if w.style.Verbose > 0 {
		dst = checksum(append(dst, ", cksum 0x"...), h.Checksum, d)
	}
	base := origin{}
	if !w.style.Absolute && h.Flags&decode.ACK != 0 {
		base = w.seqs.relative(d)
	}
	seq := h.Seq - base.seq
	if w.style.Verbose > 1 || d.Length > 0 || h.Flags&(decode.SYN|decode.FIN|decode.RST) != 0 {
		dst = appendUint(append(dst, ", seq "...), seq)
		if d.Length > 0 {
			dst = appendUint(append(dst, ':'), seq+uint32(d.Length))
		}
	}
	if h.Flags&decode.ACK != 0 {
		dst = appendUint(append(dst, ", ack "...), h.Ack-base.ack)
	}
	dst = appendUint(append(dst, ", win "...), h.Window)
	if h.Flags&decode.URG != 0 {
		dst = appendUint(append(dst, ", urg "...), h.Urgent)
	}
	if len(h.Options) > 0 {
		dst = append(w.tcpOptions(append(dst, ", options ["...), h, base.ack), ']')
	}
	dst = appendLength(dst, d.Length)
	if len(d.Payload) > 0 && d.Length > 0 {
		dst = w.stream(dst, d)
	}
	return dst
}

// checksum prints a checksum and what is to say of it. A partial sum is what a
// packet has that the network card is still to complete.
func checksum(dst []byte, sum uint16, d *decode.Packet) []byte {
	dst = appendHex(dst, uint64(sum), 4)
	switch d.VerifyTransport() {
	case decode.SumGood:
		return append(dst, " (correct)"...)
	case decode.SumBad:
		want, _ := d.TransportChecksum()
		return append(appendHex(append(dst, " (incorrect -> 0x"...), uint64(want), 4), ')')
	case decode.SumPartial:
		return append(dst, " (left to the card)"...)
	}
	return dst
}

// tcpOptions prints the options. Selective acknowledgements are relative to
// where the other direction began.
func (w *Printer) tcpOptions(dst []byte, h *decode.TCP, ack uint32) []byte {
	if len(h.Options) == 12 && string(h.Options[:4]) == stamped {
		return stamps(append(dst, "nop,nop,TS"...), h.Options[4:])
	}
	first := true
	ok := h.All(func(o decode.TCPOption) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, optionName(o)...)
		dst = tcpOption(dst, o, ack)
		return true
	})
	if !ok {
		dst = append(dst, "[bad opt]"...)
	}
	return dst
}

// stamped is how the options of nearly all segments begin: two to fill up, and
// time stamps.
const stamped = "\x01\x01\x08\x0a"

func stamps(dst, b []byte) []byte {
	dst = appendUint(append(dst, " val "...), binary.BigEndian.Uint32(b))
	return appendUint(append(dst, " ecr "...), binary.BigEndian.Uint32(b[4:]))
}

// optionName is o.String, without its map for what is in every segment.
func optionName(o decode.TCPOption) string {
	switch o.Kind {
	case decode.OptNOP:
		return "nop"
	case decode.OptTimestamps:
		return "TS"
	}
	return o.String()
}

func tcpOption(dst []byte, o decode.TCPOption, ack uint32) []byte {
	be, b := binary.BigEndian, o.Data
	switch {
	case o.Kind == decode.OptMSS && len(b) == 2:
		return appendUint(append(dst, ' '), be.Uint16(b))
	case o.Kind == decode.OptWindowScale && len(b) == 1:
		return appendUint(append(dst, ' '), b[0])
	case o.Kind == decode.OptTimestamps && len(b) == 8:
		return stamps(dst, b)
	case o.Kind == decode.OptSACK && len(b)%8 == 0:
		dst = append(appendUint(append(dst, ' '), len(b)/8), ' ')
		for ; len(b) > 0; b = b[8:] {
			dst = appendUint(append(dst, '{'), be.Uint32(b)-ack)
			dst = append(appendUint(append(dst, ':'), be.Uint32(b[4:])-ack), '}')
		}
	case o.Kind == decode.OptFastOpen && len(b) == 0:
		return append(dst, "  cookiereq"...)
	case o.Kind == decode.OptFastOpen:
		dst = append(dst, " cookie "...)
		for _, c := range b {
			dst = appendHex(dst, uint64(c), 2)
		}
	case o.Kind == decode.OptEnd, o.Kind == decode.OptNOP, o.Kind == decode.OptSACKPermitted:
	case len(b) > 0:
		dst = append(dst, " 0x"...)
		for _, c := range b {
			dst = appendHex(dst, uint64(c), 2)
		}
	}
	return dst
}

// stream says what a segment's bytes start with, judged by the port.
func (w *Printer) stream(dst []byte, d *decode.Packet) []byte {
	switch port := wellKnown(d); port {
	case 80, 8080, 3128:
		return w.http(append(dst, ": HTTP"...), d)
	case 53:
		if len(d.Payload) > 2 {
			return w.dns(append(dst, ' '), d.Payload[2:], d.Length-2)
		}
	case 21:
		return firstLine(append(dst, ": FTP: "...), d.Payload)
	case 25, 587:
		return firstLine(append(dst, ": SMTP: "...), d.Payload)
	}
	return dst
}

// wellKnown returns the port of the two that tells the protocol.
func wellKnown(d *decode.Packet) uint16 {
	src, to := d.Ports()
	for _, p := range [2]uint16{src, to} {
		switch p {
		case 21, 25, 53, 80, 587, 3128, 5353, 5355, 8080:
			return p
		}
	}
	return 0
}

func firstLine(dst, b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	return decode.AppendEscaped(dst, line[:min(len(line), 256)])
}

package sniff

import (
	"strconv"
	"strings"

	"sonde/capture/decode"
	"sonde/capture/decode/dns"
)

// udp prints a datagram.
func (w *Printer) udp(dst []byte, d *decode.Packet) []byte {
	if w.style.Quiet {
		return appendUint(append(dst, "UDP, length "...), d.Length)
	}
	if w.style.Verbose > 1 || w.style.Verbose > 0 && d.Has&decode.LayerIPv6 != 0 {
		switch d.VerifyTransport() {
		case decode.SumGood:
			dst = append(dst, "[udp sum ok] "...)
		case decode.SumBad:
			want, _ := d.TransportChecksum()
			dst = appendHex(append(dst, "[bad udp cksum 0x"...), uint64(d.UDP.Checksum), 4)
			dst = append(appendHex(append(dst, " -> 0x"...), uint64(want), 4), "!] "...)
		case decode.SumPartial:
			dst = append(dst, "[udp sum left to the card] "...)
		case decode.SumAbsent:
			dst = append(dst, "[no cksum] "...)
		}
	}
	switch wellKnown(d) {
	case 53, 5353, 5355:
		if len(d.Payload) >= 12 {
			return w.dns(dst, d.Payload, d.Length)
		}
	}
	return appendUint(append(dst, "UDP, length "...), d.Length)
}

// dns prints a DNS message.
func (w *Printer) dns(dst, b []byte, length int) []byte {
	var m dns.Message
	err := dns.Parse(b, &m)
	dst = appendUint(dst, m.ID)
	if m.Response() {
		dst = w.answer(dst, &m)
	} else {
		dst = w.question(dst, &m)
	}
	if err != nil {
		dst = append(dst, " [|domain]"...)
	}
	return append(appendUint(append(dst, " ("...), length), ')')
}

func (w *Printer) question(dst []byte, m *dns.Message) []byte {
	if m.RecursionDesired() {
		dst = append(dst, '+')
	}
	if m.Flags&checkingDisabled != 0 {
		dst = append(dst, '%')
	}
	if n := len(m.Additional); n > 0 {
		dst = append(appendUint(append(dst, " ["...), n), "au]"...)
	}
	if n := len(m.Questions); n != 1 {
		dst = append(appendUint(append(dst, " ["...), n), "q]"...)
	}
	for i := range m.Questions {
		dst = asked(dst, &m.Questions[i])
	}
	if w.style.Verbose > 1 {
		dst = w.records(dst, " ns: ", m.Authority)
		dst = w.records(dst, " ar: ", m.Additional)
	}
	return dst
}

// Bits of a message's flags (RFC 4035, sections 3.1.6 and 3.2.2).
const (
	authenticData    = 0x0020
	checkingDisabled = 0x0010
)

func asked(dst []byte, q *dns.Question) []byte {
	dst = append(append(append(dst, ' '), q.Type.String()...), '?')
	return append(append(dst, ' '), q.Name...)
}

func (w *Printer) answer(dst []byte, m *dns.Message) []byte {
	if code := m.RCode(); code != 0 {
		dst = append(append(dst, ' '), code.String()...)
	}
	if m.Authoritative() {
		dst = append(dst, '*')
	}
	if !m.RecursionAvailable() {
		dst = append(dst, '-')
	}
	if m.Truncated() {
		dst = append(dst, '|')
	}
	if m.Flags&authenticData != 0 {
		dst = append(dst, '$')
	}
	if w.style.Verbose > 1 && len(m.Questions) > 0 {
		dst = append(dst, " q:"...)
		for i := range m.Questions {
			dst = asked(dst, &m.Questions[i])
		}
	}
	dst = appendUint(append(dst, ' '), len(m.Answers))
	dst = appendUint(append(dst, '/'), len(m.Authority))
	dst = appendUint(append(dst, '/'), len(m.Additional))
	dst = w.records(dst, " ", m.Answers)
	if w.style.Verbose > 1 {
		dst = w.records(dst, " ns: ", m.Authority)
		dst = w.records(dst, " ar: ", m.Additional)
	}
	return dst
}

// records prints a section of a message behind its name.
func (w *Printer) records(dst []byte, name string, all []dns.Record) []byte {
	for i := range all {
		dst = w.record(append(dst, name...), &all[i])
		name = ", "
	}
	return dst
}

func (w *Printer) record(dst []byte, r *dns.Record) []byte {
	if w.style.Verbose > 0 {
		dst = append(append(dst, r.Name...), ' ')
	}
	if r.Type == dns.TypeOPT {
		return appendOPT(dst, r)
	}
	if w.style.Verbose > 2 {
		dst = append(appendSeconds(append(dst, '['), r.TTL), "] "...)
	}
	dst = append(append(dst, r.Type.String()...), ' ')
	return appendData(dst, r)
}

// appendOPT prints what a pseudo-record says by its other fields (RFC 6891,
// section 6.1.3).
func appendOPT(dst []byte, r *dns.Record) []byte {
	dst = appendUint(append(dst, "OPT UDPsize="...), uint16(r.Class))
	if r.TTL&0x8000 != 0 {
		dst = append(dst, " DO"...)
	}
	return dst
}

// appendData prints a record's data. tcpdump has the name first where there are
// numbers before it.
func appendData(dst []byte, r *dns.Record) []byte {
	switch words := strings.Fields(r.Text); {
	case r.Type == dns.TypeMX && len(words) == 2:
		return append(append(append(dst, words[1]...), ' '), words[0]...)
	case r.Type == dns.TypeSRV && len(words) == 4:
		dst = append(append(append(dst, words[3]...), ':'), words[2]...)
		return append(append(append(append(dst, ' '), words[0]...), ' '), words[1]...)
	}
	return append(dst, r.Text...)
}

// appendSeconds prints a time to live as 4m15s.
func appendSeconds(dst []byte, sec uint32) []byte {
	if sec == 0 {
		return append(dst, "0s"...)
	}
	for _, unit := range []struct {
		size uint32
		name byte
	}{{604800, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}} {
		if n := sec / unit.size; n > 0 {
			dst = append(strconv.AppendUint(dst, uint64(n), 10), unit.name)
			sec %= unit.size
		}
	}
	return dst
}

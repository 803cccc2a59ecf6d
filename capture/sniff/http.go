package sniff

import (
	"bytes"

	"sonde/capture/decode"
)

// http prints the first line of an HTTP/1 message, and with -v the whole head.
func (w *Printer) http(dst []byte, d *decode.Packet) []byte {
	if !startsMessage(d.Payload) {
		return dst
	}
	if w.style.Verbose == 0 {
		return firstLine(append(dst, ": "...), d.Payload)
	}
	dst = appendUint(append(dst, ", length: "...), d.Length)
	head, _, _ := bytes.Cut(d.Payload, []byte("\r\n\r\n"))
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		dst = append(dst, "\n\t"...)
		if name, _, ok := bytes.Cut(line, []byte(":")); ok && !w.style.Secrets && secret(string(name)) {
			dst = append(decode.AppendEscaped(dst, name), ": (not shown)"...)
			continue
		}
		dst = decode.AppendEscaped(dst, line)
	}
	return dst
}

var methods = []string{"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "HTTP/"}

// startsMessage reports whether a segment starts with a start line.
func startsMessage(b []byte) bool {
	for _, m := range methods {
		if len(b) >= len(m) && string(b[:len(m)]) == m {
			return true
		}
	}
	return false
}

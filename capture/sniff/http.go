package sniff

import (
	"bytes"
	"strings"

	"sonde/capture/decode"
	"sonde/capture/httpview"
)

// http prints the first line of an HTTP/1 message, and with -v the whole head.
func (w *Printer) http(dst []byte, d *decode.Packet) []byte {
	if !startsMessage(d.Payload) {
		return dst
	}
	head, _, _ := bytes.Cut(d.Payload, []byte("\r\n\r\n"))
	first, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if w.style.Verbose == 0 {
		return w.startLine(append(dst, ": "...), first[:min(len(first), 256)])
	}
	dst = appendUint(append(dst, ", length: "...), d.Length)
	dst = w.startLine(append(dst, "\n\t"...), first)
	for line := range bytes.Lines(fields) {
		dst = w.field(append(dst, "\n\t"...), string(bytes.TrimRight(line, "\r\n")))
	}
	return dst
}

// startLine prints a request or status line, its target without credentials.
func (w *Printer) startLine(dst, line []byte) []byte {
	if w.style.Secrets || !bytes.ContainsAny(line, "?@") {
		return decode.AppendEscaped(dst, line)
	}
	method, rest, _ := strings.Cut(string(line), " ")
	target, proto, _ := strings.Cut(rest, " ")
	return decode.AppendEscaped(dst, method+" "+httpview.RedactTarget(target)+" "+proto)
}

// field prints a field's line, a credential's value redacted.
func (w *Printer) field(dst []byte, line string) []byte {
	if name, value, ok := strings.Cut(line, ":"); ok && !w.style.Secrets {
		value = strings.TrimLeft(value, " ")
		line = name + ": " + httpview.RedactField(name, value)
	}
	return decode.AppendEscaped(dst, line)
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

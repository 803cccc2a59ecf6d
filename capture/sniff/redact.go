package sniff

import (
	"strings"

	"sonde/capture/decode"
)

// redactor passes the bytes of one direction on, but for the values of header
// fields that hold credentials. A line that may become such a field is held back
// until that is known, however the bytes are cut.
type redactor struct {
	start  []byte // of the line, while its name is not known
	inLine bool   // the line's name is known
	hide   bool   // and its value is not shown
}

const longestSecret = 24 // more than any name in secretNames

// append adds what can be shown of b.
func (r *redactor) append(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		if r.inLine {
			n := i
			for n < len(b) && b[n] != '\n' {
				n++
			}
			if !r.hide {
				dst = decode.AppendEscapedLines(dst, b[i:n])
			}
			if i = n; i < len(b) {
				dst = append(dst, '\n')
				r.inLine, r.hide = false, false
				i++
			}
			continue
		}
		r.start = append(r.start, b[i])
		i++
		dst = r.decide(dst)
	}
	return dst
}

// decide looks whether the start of the line says enough.
func (r *redactor) decide(dst []byte) []byte {
	c := r.start[len(r.start)-1]
	switch {
	case c == ':':
		r.hide = secret(string(r.start[:len(r.start)-1]))
	case c != '\n' && len(r.start) < longestSecret && mayBeSecret(string(r.start)):
		return dst
	}
	r.inLine = c != '\n'
	dst = decode.AppendEscapedLines(dst, r.start)
	if r.hide {
		dst = append(dst, " (not shown)"...)
	}
	r.start = r.start[:0]
	return dst
}

// flush adds what was held back, at the end.
func (r *redactor) flush(dst []byte) []byte {
	dst = decode.AppendEscapedLines(dst, r.start)
	r.start = r.start[:0]
	return dst
}

var secretNames = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"}

// secret reports whether a field's value opens something to whoever knows it.
func secret(name string) bool {
	name = strings.TrimSpace(name)
	for _, s := range secretNames {
		if strings.EqualFold(name, s) {
			return true
		}
	}
	return false
}

func mayBeSecret(start string) bool {
	for _, s := range secretNames {
		if len(start) <= len(s) && strings.EqualFold(start, s[:len(start)]) || strings.EqualFold(strings.TrimSpace(start), s) {
			return true
		}
	}
	return false
}

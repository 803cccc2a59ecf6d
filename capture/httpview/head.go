package httpview

import (
	"bytes"
	"strconv"
	"strings"
)

// Bounds of what one message may have.
const (
	maxHead   = 256 << 10
	maxFields = 1000
)

// requestLine splits a request line. It reports whether it is one of HTTP/1.
func requestLine(line string) (method, target, proto string, ok bool) {
	method, rest, _ := strings.Cut(line, " ")
	i := strings.LastIndexByte(rest, ' ')
	if i < 0 || method == "" || len(method) > 64 {
		return "", "", "", false
	}
	target, proto = strings.TrimSpace(rest[:i]), rest[i+1:]
	return method, target, proto, strings.HasPrefix(proto, "HTTP/1.") && len(proto) == 8
}

// statusLine splits a status line. It reports whether it is one of HTTP/1.
func statusLine(line string) (proto string, status int, reason string, ok bool) {
	proto, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err := strconv.Atoi(code)
	ok = strings.HasPrefix(proto, "HTTP/1.") && len(proto) == 8 && err == nil && len(code) == 3 && status >= 100
	return proto, status, reason, ok
}

// fields reads field lines.
func fields(text string) (all []Field) {
	var folded []byte // the last field's value, if it goes on over many lines
	unfold := func() {
		if len(folded) > 0 {
			all[len(all)-1].Value = string(folded)
			folded = folded[:0]
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		// RFC 9112, section 5.2: a line that starts with white space goes on.
		if n := len(all); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			if len(folded) == 0 {
				folded = append(folded, all[n-1].Value...)
			}
			folded = append(append(folded, ' '), strings.Trim(line, " \t")...)
			continue
		}
		unfold()
		name, value, _ := strings.Cut(line, ":")
		if len(all) < maxFields {
			all = append(all, Field{strings.Trim(name, " \t"), strings.Trim(value, " \t")})
		}
	}
	unfold()
	return all
}

// headEnd returns where a head ends: behind the first empty line. It is 0 if the
// end is not there.
func headEnd(b []byte) int {
	for i := 0; i < len(b); {
		k := bytes.IndexByte(b[i:], '\n')
		if k < 0 {
			return 0
		}
		i += k + 1
		switch rest := b[i:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 2
		}
	}
	return 0
}

// framing says where a body ends.
type framing uint8

const (
	noBody framing = iota
	byLength
	chunked
	byClose
	tunnel
)

// codings looks at Transfer-Encoding and Content-Length (RFC 9112, section 6.3).
func codings(head []Field) (f framing, length int64, problem string) {
	f = noBody
	length = -1
	for _, h := range head {
		switch {
		case strings.EqualFold(h.Name, "Transfer-Encoding"):
			last := h.Value[strings.LastIndexByte(h.Value, ',')+1:]
			f = byClose
			if strings.EqualFold(strings.TrimSpace(last), "chunked") {
				f = chunked
			}
		case strings.EqualFold(h.Name, "Content-Length"):
			v, _, _ := strings.Cut(h.Value, ",") // the same number many times is one
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			switch {
			case err != nil || n < 0:
				problem = "malformed Content-Length"
			case length >= 0 && n != length:
				problem = "conflicting Content-Length"
			default:
				length = n
			}
		}
	}
	switch {
	case f != noBody && length >= 0:
		return f, 0, "Content-Length with Transfer-Encoding"
	case f != noBody:
		return f, 0, problem
	case length > 0:
		return byLength, length, problem
	}
	return noBody, length, problem
}

// requestFraming is how the body of a request ends.
func requestFraming(head []Field) (framing, int64, string) {
	f, n, problem := codings(head)
	if f == byClose { // RFC 9112, section 6.3: nobody can tell
		return noBody, 0, "Transfer-Encoding without chunked in a request"
	}
	return f, n, problem
}

// responseFraming is how the body of a response to method ends.
func responseFraming(method string, status int, head []Field) (framing, int64, string) {
	f, n, problem := codings(head)
	switch {
	case status == 101, method == "CONNECT" && status/100 == 2:
		return tunnel, 0, problem
	case method == "HEAD", status/100 == 1, status == 204, status == 304:
		return noBody, 0, problem
	case f == noBody && n < 0:
		return byClose, 0, problem
	}
	return f, n, problem
}

package message

// class says of each byte what it may be part of.
type class uint8

const (
	tchar class = 1 << iota // RFC 9110, section 5.6.2
	vchar                   // visible ASCII
	inner                   // may be in a field value: VCHAR, obs-text, SP, HTAB (RFC 9110, section 5.5)
	digit
	hexdig
)

var classes = func() (t [256]class) {
	for c := range 256 {
		switch {
		case c == '\t' || c == ' ' || c >= 0x80:
			t[c] |= inner
		case c > ' ' && c < 0x7f:
			t[c] |= inner | vchar
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
		t[c] |= tchar
	}
	for _, c := range []byte("0123456789") {
		t[c] |= digit | hexdig
	}
	for _, c := range []byte("abcdefABCDEF") {
		t[c] |= hexdig
	}
	return t
}()

func (k class) has(c byte) bool { return classes[c]&k != 0 }

// all reports whether every byte of s is in k; empty text is.
func (k class) all(s string) bool {
	for i := range len(s) {
		if classes[s[i]]&k == 0 {
			return false
		}
	}
	return true
}

// IsToken reports whether s is a token (RFC 9110, section 5.6.2).
func IsToken(s string) bool { return s != "" && tchar.all(s) }

// equalFold compares without regard to the case of ASCII letters.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && lower(x) != lower(y) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// EqualFold compares without regard to the case of ASCII letters, and of no
// others: that is how HTTP compares tokens.
func EqualFold(a, b string) bool { return equalFold(a, b) }

// TrimOWS cuts spaces and tabs at both ends.
func TrimOWS(s string) string { return trimOWS(s) }

// trimOWS cuts spaces and tabs at both ends (RFC 9110, section 5.6.3).
func trimOWS(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

package message

import (
	"iter"
	"strings"
)

// MediaType is a media type with its parameters (RFC 9110, section 8.3.1).
type MediaType struct {
	Type   string // "text/html", lower case
	params string // checked, each after a semicolon
}

// ParseMediaType reads s. Where only the parameters are wrong it returns the
// type besides the error, a *Malformed.
func ParseMediaType(s string) (MediaType, error) {
	essence, params := s, ""
	if i := strings.IndexByte(s, ';'); i >= 0 {
		essence, params = s[:i], s[i:]
	}
	essence = trimOWS(essence)
	kind, sub, _ := strings.Cut(essence, "/")
	if !IsToken(kind) || !IsToken(sub) {
		return MediaType{}, NewMalformed("not a media type", essence)
	}
	m := MediaType{Type: strings.ToLower(essence)}
	for rest := params; rest != ""; {
		_, _, next, ok := cutParam(rest)
		if !ok {
			return m, NewMalformed("wrong parameter in a media type", rest)
		}
		rest = next
	}
	m.params = params
	return m, nil
}

// Param returns the first parameter of that name, without its quotes.
func (m MediaType) Param(name string) (value string, ok bool) {
	for n, v := range m.Params() {
		if equalFold(n, name) {
			return v, true
		}
	}
	return "", false
}

// Params yields the parameters, in order, values without their quotes.
func (m MediaType) Params() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := m.params; rest != ""; {
			name, value, next, ok := cutParam(rest)
			if !ok || name != "" && !yield(name, unquote(value)) {
				return
			}
			rest = next
		}
	}
}

// cutParam splits `;name=value` off s, which begins with a semicolon.
// RFC 9110 §5.6.6: parameters = *( OWS ";" OWS [ parameter ] ), no whitespace
// around "=".
func cutParam(s string) (name, value, rest string, ok bool) {
	s = trimOWS(s[1:])
	if s == "" || s[0] == ';' {
		return "", "", s, true
	}
	eq := strings.IndexByte(s, '=')
	if eq < 0 || !IsToken(s[:eq]) {
		return "", "", "", false
	}
	name, s = s[:eq], s[eq+1:]
	end := 0
	if strings.HasPrefix(s, `"`) {
		end = quotedLen(s)
	} else {
		for end < len(s) && tchar.has(s[end]) {
			end++
		}
	}
	value, rest = s[:end], trimOWS(s[end:])
	return name, value, rest, end > 0 && (rest == "" || rest[0] == ';')
}

// quotedLen is the length of the quoted-string at the start of s, or 0
// (RFC 9110, section 5.6.4).
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i++; i == len(s) || !inner.has(s[i]) {
				return 0
			}
		case !inner.has(c):
			return 0
		}
	}
	return 0
}

// unquote is the text that a token or a quoted-string stands for.
func unquote(s string) string {
	if s == "" || s[0] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var text strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		text.WriteByte(s[i])
	}
	return text.String()
}

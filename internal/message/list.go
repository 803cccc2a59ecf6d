package message

import "strings"

// CutMember splits a list at its first comma outside quoted-strings
// (RFC 9110, section 5.6.1). The member comes without whitespace around it, and
// is empty for an empty list element.
func CutMember(list string) (member, rest string) {
	if strings.IndexByte(list, '"') < 0 {
		member, rest, _ = strings.Cut(list, ",")
		return trimOWS(member), rest
	}
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return trimOWS(list[:i]), list[i+1:]
		}
	}
	return trimOWS(list), ""
}

// HasMember reports whether a comma-separated list has the member token, without
// regard to case.
func HasMember(list, token string) bool {
	for list != "" {
		var member string
		if member, list = CutMember(list); equalFold(member, token) {
			return true
		}
	}
	return false
}

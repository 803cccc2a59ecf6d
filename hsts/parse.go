package hsts

import (
	"strconv"
	"strings"
	"time"
)

// policy is what a field says.
type policy struct {
	maxAge     time.Duration
	subdomains bool
}

// longest is what a longer max-age counts for; time has its bounds.
const longest = 100 * 365 * 24 * time.Hour

// parse reads the value of a Strict-Transport-Security field. RFC 6797 §6.1: in
// any order and case; none twice; max-age must be there; what is not known is
// passed over, and what breaks the grammar makes all of it void.
func parse(s string) (p policy, ok bool) {
	seen := map[string]bool{}
	for rest := s; ; {
		name, value, hasValue, after, ok := directive(rest)
		if !ok {
			return policy{}, false
		}
		if name = strings.ToLower(name); name != "" {
			if seen[name] {
				return policy{}, false
			}
			seen[name] = true
		}
		switch name {
		case "max-age":
			if p.maxAge, ok = seconds(value); !ok {
				return policy{}, false
			}
		case "includesubdomains":
			if p.subdomains = true; hasValue {
				return policy{}, false
			}
		}
		if after == "" {
			return p, seen["max-age"]
		}
		rest = after[1:] // without the ";"
	}
}

// directive reads one directive, which may be empty; after begins with a ";", or
// is empty at the end.
func directive(s string) (name, value string, hasValue bool, after string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	name, s = token(s)
	s = strings.TrimLeft(s, " \t")
	if strings.HasPrefix(s, "=") {
		if name == "" {
			return "", "", false, "", false
		}
		hasValue = true
		s = strings.TrimLeft(s[1:], " \t")
		if strings.HasPrefix(s, `"`) {
			value, s, ok = quoted(s)
		} else {
			value, s = token(s)
			ok = value != ""
		}
		if !ok {
			return "", "", false, "", false
		}
		s = strings.TrimLeft(s, " \t")
	}
	return name, value, hasValue, s, s == "" || s[0] == ';'
}

// token cuts a token off (RFC 9110 §5.6.2).
func token(s string) (tok, rest string) {
	i := 0
	for i < len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			break
		}
		i++
	}
	return s[:i], s[i:]
}

// quoted cuts a quoted-string off (RFC 9110 §5.6.4), which s begins with.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// seconds reads delta-seconds.
func seconds(s string) (time.Duration, bool) {
	if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c < '0' || c > '9' }) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > int64(longest/time.Second) {
		return longest, true
	}
	return time.Duration(n) * time.Second, true
}

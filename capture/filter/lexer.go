package filter

import "strings"

// lex cuts an expression into tokens, with a tEOF at the end. Words follow
// the rule of lex(1) that the language was born with: the longest match wins,
// and among equals the kind that comes first in the list below. So 80-90 is
// one name, 1.2.3.4.5.6 an Ethernet address, and tcp-syn a number.
func lex(expr string) []token {
	toks := make([]token, 0, 16)
	for i := 0; ; {
		for i < len(expr) && strings.IndexByte(" \t\r\n", expr[i]) >= 0 {
			i++
		}
		if i == len(expr) {
			return append(toks, token{kind: tEOF, pos: i})
		}
		t := lexOne(expr, i)
		toks = append(toks, t)
		i += len(t.text)
		if t.kind == tID && expr[t.pos] == '\\' {
			i++ // the backslash is not part of the name
		}
	}
}

// lexOne returns the token that starts at byte i.
func lexOne(expr string, i int) token {
	rest := expr[i:]
	word := lenName(rest)
	if kw, ok := keywords[rest[:word]]; ok && word > 0 {
		if max(lenMAC(rest), lenIPv6(rest), lenBogusMAC(rest)) <= word { // as in bcc::1
			kw.text, kw.pos = rest[:word], i
			return kw
		}
	}
	if t, ok := lexOperator(rest); ok && !startsIPv6(rest) {
		t.pos = i
		return t
	}
	best := token{pos: i}
	longer := func(k kind, n int) {
		if n > len(best.text) {
			best.kind, best.text = k, rest[:n]
		}
	}
	longer(tARCnet, lenARCnet(rest))
	longer(tMAC, lenMAC(rest))
	longer(tNum, lenNumber(rest))
	longer(tIPv4, lenIPv4(rest))
	longer(tIPv6, lenIPv6(rest))
	bogus := lenBogusMAC(rest)
	if bogus > len(best.text) && bogus >= word {
		failf(i, "bogus ethernet address %s", rest[:bogus])
	}
	if n, ok := numberNames[rest[:word]]; ok {
		return token{kind: tNum, val: n, text: rest[:word], pos: i}
	}
	longer(tID, word)
	switch {
	case best.kind == tNum:
		best.val = parseNumber(best)
	case best.kind == tIPv6:
		checkIPv6(best)
	case best.text == "" && rest[0] == '\\':
		n := 1
		for n < len(rest) && strings.IndexByte(" !()\n\t", rest[n]) < 0 {
			n++
		}
		if n == 1 {
			failf(i, "nothing follows the backslash")
		}
		best.kind, best.text = tID, rest[1:n]
	case best.text == "":
		failf(i, "unexpected character %q", rest[0])
	}
	return best
}

// lexOperator returns the operator at the start of s.
func lexOperator(s string) (token, bool) {
	if len(s) >= 2 {
		k := tEOF
		switch s[:2] {
		case "&&":
			k = tAnd
		case "||":
			k = tOr
		case ">=":
			k = tGeq
		case "<=":
			k = tLeq
		case "!=":
			k = tNeq
		case "==":
			k = tEq
		case "<<":
			k = tLsh
		case ">>":
			k = tRsh
		}
		if k != tEOF {
			return token{kind: k, text: s[:2]}, true
		}
	}
	switch s[0] {
	case '!':
		return token{kind: tNot, text: s[:1]}, true
	case '=':
		return token{kind: tEq, text: s[:1]}, true
	}
	if strings.IndexByte("+-*/%:[]<>()&|^", s[0]) >= 0 {
		return token{kind: tPunct, val: uint32(s[0]), text: s[:1]}, true
	}
	return token{}, false
}

func startsIPv6(s string) bool { return s[0] == ':' && lenIPv6(s) > 0 }

// lenName returns the length of the name or reserved word at the start of s:
// letters, digits, dots, and inside also hyphens and underscores.
func lenName(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlnum(c), c == '.' && i > 0:
			n = i + 1
		case (c == '-' || c == '_') && i > 0:
		default:
			return n
		}
	}
	return n
}

// lenNumber returns the length of the decimal, octal or hexadecimal number at
// the start of s.
func lenNumber(s string) int {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isHex(s[2]) {
		n := 3
		for n < len(s) && isHex(s[n]) {
			n++
		}
		return n
	}
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// lenIPv4 returns the length of two to four numbers joined by dots.
func lenIPv4(s string) int {
	end := lenNumber(s)
	if end == 0 {
		return 0
	}
	parts := 1
	for parts < 4 && end < len(s) && s[end] == '.' {
		n := lenNumber(s[end+1:])
		if n == 0 {
			break
		}
		end += 1 + n
		parts++
	}
	if parts < 2 {
		return 0
	}
	return end
}

// lenMAC returns the length of the Ethernet address at the start of s: six
// groups of one or two hex digits joined by one kind of separator, three
// groups of four joined by dots, or twelve digits.
func lenMAC(s string) int {
	best := 0
	for _, sep := range []byte{':', '-', '.'} {
		best = max(best, lenGroups(s, sep, 6, 1, 2))
	}
	best = max(best, lenGroups(s, '.', 3, 4, 4))
	if hexRun(s, 12) == 12 {
		best = max(best, 12)
	}
	return best
}

// lenGroups returns the length of count groups of lo to hi hex digits with
// sep between them, or 0.
func lenGroups(s string, sep byte, count, lo, hi int) int {
	i := 0
	for g := 0; g < count; g++ {
		if g > 0 {
			if i >= len(s) || s[i] != sep {
				return 0
			}
			i++
		}
		n := hexRun(s[i:], hi)
		if n < lo {
			return 0
		}
		i += n
	}
	return i
}

// lenBogusMAC returns the length of two or more groups of hex digits that are
// each followed by colons: a misspelt Ethernet address.
func lenBogusMAC(s string) int {
	i, groups := 0, 0
	for {
		n := hexRun(s[i:], 2)
		if n == 0 || i+n >= len(s) || s[i+n] != ':' {
			break
		}
		i += n
		for i < len(s) && s[i] == ':' {
			i++
		}
		groups++
	}
	if groups < 2 {
		return 0
	}
	return i
}

func lenARCnet(s string) int {
	if s[0] != '$' {
		return 0
	}
	if n := hexRun(s[1:], 2); n > 0 {
		return 1 + n
	}
	return 0
}

// hexRun counts the hex digits at the start of s, up to most.
func hexRun(s string, most int) int {
	n := 0
	for n < len(s) && n < most && isHex(s[n]) {
		n++
	}
	return n
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

package filter

import (
	"net/netip"
	"strconv"
	"strings"
)

// parseNumber returns the value of a tNum: hexadecimal after 0x, octal after
// 0, else decimal.
func parseNumber(t token) uint32 {
	digits, base := t.text, 10
	switch {
	case len(digits) > 1 && (digits[1] == 'x' || digits[1] == 'X'):
		digits, base = digits[2:], 16
	case digits[0] == '0' && len(digits) > 1:
		digits, base = digits[1:], 8
		if strings.ContainsAny(digits, "89") {
			failf(t.pos, "number %s contains a digit that is not octal", t.text)
		}
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		failf(t.pos, "number %s overflows 32 bits", t.text)
	}
	return uint32(v)
}

// lenIPv6 returns the length of the IPv6 address at the start of s: eight
// groups, or up to seven with one "::"; the last two groups may be written as
// an IPv4 address.
func lenIPv6(s string) int {
	best, i, groups, gap := 0, 0, 0, false
	if strings.HasPrefix(s, "::") {
		i, gap, best = 2, true, 2
	}
	for {
		if n := dottedQuad(s[i:]); n > 0 && (gap && groups <= 5 || groups == 6) {
			return max(best, i+n)
		}
		n := hexRun(s[i:], 4)
		if n == 0 {
			return best
		}
		i += n
		groups++
		if !gap && groups == 8 {
			return i
		}
		if gap && groups <= 7 {
			best = i
		}
		switch {
		case groups >= 8:
			return best
		case strings.HasPrefix(s[i:], "::") && !gap:
			i += 2
			gap, best = true, i
		case strings.HasPrefix(s[i:], ":"):
			i++
		default:
			return best
		}
	}
}

// dottedQuad returns the length of four numbers joined by dots, or 0.
func dottedQuad(s string) int {
	n := lenIPv4(s)
	if n > 0 && strings.Count(s[:n], ".") == 3 {
		return n
	}
	return 0
}

// checkIPv6 refuses what looks like an IPv6 address but is none.
func checkIPv6(t token) netip.Addr {
	a, err := netip.ParseAddr(t.text)
	if err != nil || !a.Is6() {
		failf(t.pos, "bogus IPv6 address %s", t.text)
	}
	return a
}

// parseDotted reads the dotted decimal numbers of an IPv4 address or of its
// first parts, and returns them with their width in bits.
func parseDotted(t token) (addr uint32, bits int) {
	for part := range strings.SplitSeq(t.text, ".") {
		v, err := strconv.ParseUint(part, 10, 32)
		if err != nil || v > 255 {
			failf(t.pos, "invalid IPv4 address '%s'", t.text)
		}
		addr = addr<<8 | uint32(v)
		bits += 8
	}
	return addr, bits
}

// parseMAC reads the hex digits of an Ethernet address; a group of one digit
// counts as one byte.
func parseMAC(text string) (mac [6]byte) {
	i := 0
	for n := range mac {
		if strings.IndexByte(":.-", text[i]) >= 0 {
			i++
		}
		digits := hexRun(text[i:], 2)
		v, _ := strconv.ParseUint(text[i:i+digits], 16, 8) // the lexer saw hex digits
		mac[n] = byte(v)
		i += digits
	}
	return mac
}

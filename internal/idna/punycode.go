package idna

import (
	"math"
	"unicode/utf8"
)

// Here is Punycode, RFC 3492: a label's ASCII as it is, a hyphen, and then where which
// other characters go among them, as numbers of base 36.

// RFC 3492 §5.
const (
	base        = 36
	tmin        = 1
	tmax        = 26
	skew        = 38
	damp        = 700
	initialBias = 72
	initialN    = utf8.RuneSelf
)

const digits = "abcdefghijklmnopqrstuvwxyz0123456789"

// encode adds label to out: as it is if it is ASCII, else as an A-label. RFC 3492
// §6.3. The numbers of a label with no more than maxName characters have 31 bits at
// most, as §6.4 wants it.
func encode(out, label runes) runes {
	if !isASCII(label) {
		out = append(out, 'x', 'n', '-', '-')
	}
	done := 0
	for _, r := range label {
		if r < utf8.RuneSelf {
			out = out.add(r)
			done++
		}
	}
	if 0 < done && done < len(label) {
		out = out.add('-')
	}
	n, bias, delta, first := rune(initialN), initialBias, 0, true
	for done < len(label) {
		next := rune(utf8.MaxRune)
		for _, r := range label {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (done + 1)
		for _, r := range label {
			if r < next {
				delta++
			}
			if r == next {
				out = encodeNumber(out, delta, bias)
				done++
				bias = adapt(delta, done, first)
				delta, first = 0, false
			}
		}
		delta++
		n = next + 1
	}
	return out
}

// encodeNumber adds a number of variable length. RFC 3492 §3.3.
func encodeNumber(out runes, n, bias int) runes {
	for k := base; ; k += base {
		t := threshold(k, bias)
		if n < t {
			return out.add(rune(digits[n]))
		}
		out = out.add(rune(digits[t+(n-t)%(base-t)]))
		n = (n - t) / (base - t)
	}
}

// threshold is the least value of a digit that has another one behind it. RFC 3492
// §6.2.
func threshold(k, bias int) int { return min(max(k-bias, tmin), tmax) }

// adapt guesses from a number how large the next one is. RFC 3492 §6.1.
//
//go:noinline
func adapt(delta, count int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / count
	k := 0
	for ; delta > (base-tmin)*tmax/2; k += base {
		delta /= base - tmin
	}
	return k + (base-tmin+1)*delta/(delta+skew)
}

// decoded is what an A-label stands for. label has no prefix. RFC 3492 §6.2, but that
// what is before the last hyphen need not be ASCII, as in golang.org/x/net/idna.
func decoded(label runes) (own runes, ok bool) {
	at := len(label) - 1
	for at >= 0 && label[at] != '-' {
		at--
	}
	if at == 0 {
		return nil, false
	}
	own = make(runes, 0, len(label))
	for i := range at {
		own = own.add(label[i])
	}
	n, bias, i := initialN, initialBias, int64(0)
	for at++; at < len(label); {
		before, w := i, int64(1)
		for k := base; ; k += base {
			if at == len(label) {
				return nil, false
			}
			d := digit(label[at])
			at++
			i += int64(d) * w
			// RFC 3492 §6.4. This bounds w, too: a digit that is not the last has added it.
			if d < 0 || i > math.MaxInt32 {
				return nil, false
			}
			t := threshold(k, bias)
			if d < t {
				break
			}
			w *= int64(base - t)
		}
		own = own.add(0)
		bias = adapt(int(i-before), len(own), before == 0)
		if n += int(i) / len(own); n > utf8.MaxRune {
			return nil, false
		}
		i %= int64(len(own))
		for j := int64(len(own) - 1); j > i; j-- {
			own[j] = own[j-1]
		}
		own[i] = rune(n)
		i++
	}
	return own, true
}

// digit is the value of a digit, -1 of what is none. RFC 3492 §5.
func digit(r rune) int {
	switch {
	case 'a' <= r && r <= 'z':
		return int(r - 'a')
	case '0' <= r && r <= '9':
		return int(r - '0' + 26)
	}
	return -1
}

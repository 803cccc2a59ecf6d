// Package idna turns an international host name into the name that is asked for in
// DNS: bücher.example into xn--bcher-kva.example.
//
// It does what golang.org/x/net/idna does by Lookup.ToASCII, as net/http does: UTS
// #46, not transitional, with Unicode 15.0, of ASCII only letters, digits and hyphens,
// and each label held to the rules for hyphens, joiners and directions. That package
// and golang.org/x/text below it add 257 KB to a program, this one 41: it knows no other
// profile, and its tables are compressed until the first host that needs them. Tests
// compare the two, and same in idna_test.go names the differences.
//
// Five words to read it by. A label is what stands between two dots. An A-label is
// one in ASCII that stands for others (xn--bcher-kva), a U-label what it stands for
// (bücher). A mark is a character that sits on the one before it, such as an accent.
// NFC is the form of a text in which letter and mark are one character, if there is
// such a one.
package idna

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxName is how many characters a name may have that is mapped, and not yet in NFC,
// where one may stand for three. DNS has 253.
const maxName = 1023

// ToASCII is host in lower case, each of its labels in ASCII. The first character or
// label that cannot be is the error; so is what is no UTF-8. A caller that has ASCII,
// and does not want its A-labels checked, need not ask: the tables take their memory at
// the first call, whatever it is for.
//
// Lengths are the caller's business, empty labels too. But more than maxName characters
// are an error: the time for an A-label grows with the square.
//
// UTS #46 §4.
func ToASCII(host string) (string, error) {
	tables.once.Do(unpack)
	mapped := make(runes, 0, 128)
	bidi := false // something runs from right to left
	// Step 1: letters become small, variants of a character the usual one, other dots a
	// dot, and what shows nothing goes. Bytes that are no UTF-8 come as U+FFFD, which is
	// disallowed.
	for _, r := range host {
		if len(mapped) > maxName {
			break // whatever comes: a host of a megabyte would take forty
		}
		if small := r | ('a' - 'A'); 'a' <= small && small <= 'z' {
			mapped = mapped.add(small) // the tables say the same
			continue
		}
		c := of(r)
		switch c.status() {
		case disallowed:
			return "", fmt.Errorf("idna: disallowed rune %U", r)
		case replaced:
			for _, r := range becomes(r) {
				mapped = mapped.add(r)
			}
		case valid:
			mapped = mapped.add(r)
		}
		bidi = bidi || c.rightToLeft()
	}
	if len(mapped) > maxName {
		return "", fmt.Errorf("idna: more than %d characters", maxName)
	}
	// Step 2.
	mapped = nfc(mapped)

	// Steps 3 and 4.
	out := make(runes, 0, 128)
	keep := true // each label may be beside one that runs from right to left
	for rest, more := mapped, true; more; {
		var label runes
		label, rest, more = rest.cut()
		label, ok, rtl := uLabel(label)
		if !ok {
			return "", invalid(label)
		}
		bidi = bidi || rtl
		keep = keep && keepsDirection(label)
		out = encode(out, label)
		if more {
			out = out.add('.')
		}
	}
	if bidi && !keep {
		return "", invalid(mapped)
	}
	return string(out), nil
}

func invalid(label runes) error { return fmt.Errorf("idna: invalid label %q", string(label)) }

// uLabel is label as a U-label, and whether it may be one; if not, it is what the error
// shows. rtl says whether something in an A-label runs from right to left.
func uLabel(label runes) (_ runes, ok, rtl bool) {
	// RFC 5890 §2.3.2.1: so begins an A-label.
	if len(label) < 4 || string(label[:4]) != "xn--" {
		return label, fits(label), false
	}
	label = label[4:]
	own, ok := decoded(label)
	// What is ASCII has no A-label: it would be a second name.
	if !ok || isASCII(own) && len(own) > 0 {
		return label, false, false
	}
	for _, r := range own {
		c := of(r)
		// UTS #46 §4.1, criterion 6.
		ok = ok && c.status() == valid
		rtl = rtl || c.rightToLeft()
	}
	// Criterion 1.
	return own, ok && slices.Equal(nfc(own), own) && fits(own), rtl
}

// runes are characters in a row.
type runes []rune

// add is append. It is not inlined, nor are some others here that are called from many
// places: the package would be twice as large.
//
//go:noinline
func (b runes) add(r rune) runes { return append(b, r) }

// cut splits a name at its first dot.
//
//go:noinline
func (b runes) cut() (label, rest runes, more bool) {
	for i, r := range b {
		if r == '.' {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// isASCII reports whether b is ASCII.
func isASCII(b runes) bool {
	for _, r := range b {
		if r >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

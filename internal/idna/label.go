package idna

// Here are the rules for labels: the criteria of UTS #46 §4.1, but for those that
// mapping and NFC have seen to.

// fits reports whether a U-label keeps the rules for hyphens, marks and joiners.
func fits(label runes) bool {
	if len(label) == 0 {
		return true
	}
	// Criterion 3: no hyphen is first or last. Criterion 5: no mark is first.
	if label[0] == '-' || label[len(label)-1] == '-' || of(label[0]).mark() {
		return false
	}
	// Criterion 2: two hyphens, third and fourth, are for A-labels. RFC 5891 §4.2.3.1
	// counts characters; this counts bytes, as golang.org/x/net/idna does.
	if head := string(label[:min(len(label), 4)]); len(head) >= 4 && head[2:4] == "--" {
		return false
	}
	for _, r := range label {
		if r == zwnj || r == zwj {
			return joinersFit(label)
		}
	}
	return true
}

// Two characters that show nothing, and say whether those beside them are joined. In
// a name they are a way to deceive, but where a script needs them.
const (
	zwnj = '\u200c' // zero width non-joiner
	zwj  = '\u200d' // zero width joiner
)

// joinersFit reports whether the joiners in label are where they mean something.
// Criterion 7.
func joinersFit(label runes) bool {
	var (
		virama bool // the last character was one: the sign that a consonant has no vowel
		before bool // what came so far joins with what comes next
		after  bool // a ZWNJ stands where it parts two letters, if the next one joins
	)
	for _, r := range label {
		c := of(r)
		joins := c.joins()
		switch {
		case r == zwnj || r == zwj:
			// RFC 5892 appendix A.1 and A.2: behind a virama both may be. Appendix A.1: a
			// ZWNJ may be between two letters that would join, too.
			after = r == zwnj && before && !virama
			if !after && !virama {
				return false
			}
			before = false
		case joins == joinsLeft && after:
			return false
		case joins == joinsLeft || joins == joinsBoth:
			before, after = true, false
		// A letter that joins with the one before it alone is not told apart here from
		// one that does not join, nor does golang.org/x/net/idna: either ends it.
		case joins == joinsNot:
			before, after = false, false
		}
		virama = c.ccc() == cccVirama && !after
	}
	return !after
}

// keepsDirection reports whether a label keeps its characters together where it is
// shown beside others that run the other way. Criterion 8: the Bidi Rule, RFC 5893 §2.
func keepsDirection(label runes) bool {
	ends := true // it could end here
	var first, number bidi
	for i, r := range label {
		b := of(r).bidi()
		switch {
		case i == 0:
			// Rule 1: L, R or AL come first.
			if b != bidiL && b != bidiR {
				return false
			}
			first = b
		case b == bidiL || b == bidiR:
			// Rules 2 and 5: all letters run as the first one does.
			if b != first {
				return false
			}
			ends = true
		case b == bidiEN || b == bidiAN:
			// Rule 5, and 4: from right to left there is one kind of digits.
			if first == bidiL && b == bidiAN || first == bidiR && number != 0 && number != b {
				return false
			}
			number, ends = b, true
		// Rules 3 and 6: marks may follow what is at the end.
		case b != bidiNSM:
			ends = false
		}
	}
	return ends
}

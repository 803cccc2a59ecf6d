package idna

// Here names get the form NFC of UAX #15: decompose, put marks in order, compose.

// Hangul syllables are made of two or three letters by arithmetic. Unicode 15.0,
// §3.12.
const (
	hangulBase = 0xac00
	hangulL    = 0x1100 // leading consonants
	hangulV    = 0x1161 // vowels
	hangulT    = 0x11a7 // one below the trailing consonants
	countL     = 19
	countV     = 21
	countT     = 28 // with "none"
)

// firstMark is the first mark, and of all that any other character is put together
// with.
const firstMark = 0x300

// joiner, the combining grapheme joiner, ends a run of marks, and maxMarks is after
// how many: no name needs as many, and what puts them in order takes a time that
// grows with their square. UAX #15 §13, as golang.org/x/text/unicode/norm has it.
const (
	joiner   = '\u034f'
	maxMarks = 30
)

// nfc is name in NFC: name itself if it is. What name has must be valid.
func nfc(name runes) runes {
	for _, r := range name {
		// What is valid is NFC by itself, and together but for what follows another.
		if r >= firstMark && of(r).back() {
			return compose(decompose(name))
		}
	}
	return name
}

// decompose is name in as many characters as can be, marks in order: NFD.
func decompose(name runes) runes {
	out := make(runes, 0, 2*len(name))
	marks := 0
	for _, r := range name {
		if !of(r).back() {
			marks = 0
		} else if marks == maxMarks {
			out = out.add(joiner)
			marks = 0
		}
		from := len(out)
		out = addParts(out, r)
		for ; from < len(out); from++ {
			if of(out[from]).back() {
				marks++
			}
		}
	}
	return out
}

// addParts adds what r is made of, each mark in its place.
func addParts(out runes, r rune) runes {
	if s := r - hangulBase; 0 <= s && s < countL*countV*countT {
		out = out.add(hangulL + s/(countV*countT)).add(hangulV + s/countT%countV)
		if s%countT > 0 {
			out = out.add(hangulT + s%countT)
		}
		return out
	}
	c := of(r)
	if c.parts() > 0 {
		two := becomes(r)
		return addParts(addParts(out, two[0]), two[1])
	}
	// Unicode 15.0 §3.11, D109: in the order of their classes, and equal ones as they were.
	out = out.add(r)
	if c.ccc() > 0 {
		for i := len(out) - 1; i > 0 && of(out[i-1]).ccc() > c.ccc(); i-- {
			out[i-1], out[i] = out[i], out[i-1]
		}
	}
	return out
}

// compose puts together, in place, what decompose took apart.
func compose(name runes) runes {
	out := name[:0]
	base := -1 // where the last character is that is no mark
	var last uint8
	for _, r := range name {
		ccc := of(r).ccc()
		// Unicode 15.0 §3.11, D115: what stands between two keeps them apart, unless its class is
		// lower.
		if base >= 0 && (base == len(out)-1 || last < ccc) {
			if c := together(out[base], r); c != 0 {
				out[base] = c
				continue
			}
		}
		if ccc == 0 {
			base = len(out)
		}
		last = ccc
		out = out.add(r)
	}
	return out
}

// together is the character that a and b make, 0 if there is none.
func together(a, b rune) rune {
	l, v := a-hangulL, b-hangulV
	if 0 <= l && l < countL && 0 <= v && v < countV {
		return hangulBase + (l*countV+v)*countT
	}
	s, trail := a-hangulBase, b-hangulT
	if 0 <= s && s < countL*countV*countT && s%countT == 0 && 0 < trail && trail < countT {
		return a + trail
	}
	if at := *slot(a, b); at > 0 {
		return tables.sources[at].is
	}
	return 0
}

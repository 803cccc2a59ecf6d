package idna

// traits is what many characters have in common.
type traits uint32

// status says what becomes of a character. UTS #46 §5.
func (t traits) status() status { return status(t & 3) }

type status uint8

const (
	disallowed status = iota
	valid
	replaced // by others
	ignored
)

// bidi is the direction of a character: Bidi_Class of UAX #9, as far as RFC 5893 tells
// them apart. What is replaced has bidiR or bidiL.
func (t traits) bidi() bidi { return bidi(t >> 2 & 7) }

type bidi uint8

const (
	bidiL   bidi = iota // from left to right
	bidiR               // from right to left: R and AL
	bidiEN              // European digits
	bidiAN              // Arabic digits
	bidiNSM             // marks
	bidiON              // neither: ES, CS, ET, ON and BN
)

// rightToLeft reports whether one such character makes the label that it is in one
// from right to left. RFC 5893 §1.4.
func (t traits) rightToLeft() bool { return t.bidi() == bidiR || t.bidi() == bidiAN }

// joins says which neighbours a letter joins with, in scripts that do: Joining_Type in
// RFC 5892 appendix A.1.
func (t traits) joins() joins { return joins(t >> 5 & 3) }

type joins uint8

const (
	joinsNot  joins = iota // U, and R with it
	joinsLeft              // L: with what comes next
	joinsBoth              // D: with both
	joinsThru              // T: as if it were not there
)

// mark reports whether it is a mark: General_Category M.
func (t traits) mark() bool { return t>>7&1 > 0 }

// back reports whether it changes places with marks, or makes another character with
// the one before it.
func (t traits) back() bool { return t>>8&1 > 0 }

// ccc is the canonical combining class: marks are in the order of theirs, and what has
// 0 stays where it is.
func (t traits) ccc() uint8 { return uint8(t >> 9) }

// parts is how many characters take its place, if it is replaced. If it is valid it is
// what two others make, or parts is 0; Hangul is told otherwise.
func (t traits) parts() int { return int(t >> 17) }

// cccVirama is the class of viramas.
const cccVirama = 9

package sfv

import (
	"fmt"
	"strconv"
	"strings"
)

// maxInput bounds the bytes of one field. It leaves room for every minimum of
// RFC 9651, section 3, such as 1024 dictionary members with keys of 64 bytes.
const maxInput = 256 << 10

// ParseError says where and why a field is not the structured field it was
// parsed as. The Parse functions return no other error.
type ParseError struct {
	// Offset is the index of the byte that cannot be there, counted from 0 in
	// the field lines joined by ", ". It is the length of the field if the field
	// ends too early, and 256 KiB if it is too long.
	Offset int
	// Problem is a short text in lower case. It holds no more of the field than
	// that one byte.
	Problem string
}

// Error returns the offset and the problem in one line.
func (e *ParseError) Error() string {
	return "sfv: byte " + strconv.Itoa(e.Offset) + ": " + e.Problem
}

// scanner is a field and how much of it has been consumed. The RFC removes
// characters from the front of its input string; the scanner moves pos.
type scanner struct {
	in  string
	pos int
}

// parse runs read over the combined field lines, all of them.
func parse[T any](lines []string, read func(*scanner) (T, error)) (T, error) {
	var none T
	in, err := combine(lines)
	if err != nil {
		return none, err
	}
	s := &scanner{in: in}
	// RFC 9651, section 4.2, steps 2 to 7: spaces around the value, no tabs.
	s.skipSP()
	v, err := read(s)
	if err != nil {
		return none, err
	}
	s.skipSP()
	if !s.done() {
		return none, s.want("the end of the field")
	}
	return v, nil
}

// combine joins the field lines into one value.
func combine(lines []string) (string, error) {
	// RFC 9651, section 4.2 and RFC 9110, section 5.3.
	const comma = ", "
	size := 0
	for i, line := range lines {
		if i > 0 {
			size += len(comma)
		}
		// Checked for each line, so that the sum cannot overflow.
		if size += len(line); size > maxInput {
			return "", faultAt(maxInput, "field is longer than 256 KiB")
		}
	}
	return strings.Join(lines, comma), nil
}

func (s *scanner) done() bool { return s.pos == len(s.in) }

// peek returns the next byte, or 0 at the end: NUL has no place in any value,
// so the two need not be told apart.
func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.in[s.pos]
}

// take consumes the next byte if it is c.
func (s *scanner) take(c byte) bool {
	if s.done() || s.in[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

// takeWhile consumes the bytes that belong to set and returns them.
func (s *scanner) takeWhile(set *byteSet) string {
	start := s.pos
	for !s.done() && set.has(s.in[s.pos]) {
		s.pos++
	}
	return s.in[start:s.pos]
}

func (s *scanner) skipSP() {
	for s.take(' ') {
	}
}

// skipOWS skips spaces and tabs (RFC 9110, section 5.6.3).
func (s *scanner) skipOWS() {
	for s.take(' ') || s.take('\t') {
	}
}

// nextMember moves to the next member of a list or dictionary. It reports
// whether there is one.
func (s *scanner) nextMember() (bool, error) {
	// RFC 9651, sections 4.2.1 and 4.2.2: white space between members may hold
	// tabs, because whoever combined the lines may have used them.
	s.skipOWS()
	if s.done() {
		return false, nil
	}
	comma := s.pos
	if !s.take(',') {
		return false, s.want(`"," before the next member`)
	}
	s.skipOWS()
	if s.done() {
		return false, faultAt(comma, "no member follows the last comma")
	}
	return true, nil
}

// want is the error for a next byte that is not what the grammar asks for.
func (s *scanner) want(what string) error {
	if s.done() {
		return faultAt(s.pos, "want "+what+", found the end of the field")
	}
	return faultAt(s.pos, fmt.Sprintf("want %s, found %q", what, s.in[s.pos:s.pos+1]))
}

func faultAt(offset int, problem string) error {
	return &ParseError{Offset: offset, Problem: problem}
}

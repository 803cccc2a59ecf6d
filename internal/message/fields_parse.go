package message

import (
	"bytes"
	"fmt"
	"math"
)

// SetIndex empties f and gives it storage for the index: the next Parse does
// not allocate if the fields fit. Nobody else may use storage.
func (f *Fields) SetIndex(storage []Span) {
	*f = Fields{idx: storage[:0], reuse: true}
}

// Parse validates and indexes text[from:] in one pass: field lines, each with
// its line end, without the empty line after the last. It borrows text, and
// replaces obs-fold in it by spaces. The index goes into the storage of SetIndex
// or of the last Parse, unless a Detach came between.
//
// After an error, a *Malformed, f is empty.
func (f *Fields) Parse(text []byte, from, maxFields int) error {
	_, err := f.parse(text, from, maxFields, false)
	return err
}

// ParseOpen is Parse of a section that ends with an empty line, behind which text
// may go on. It returns where that empty line ends, or 0 if it is not there yet:
// then f is empty.
func (f *Fields) ParseOpen(text []byte, from, maxFields int) (int, error) {
	return f.parse(text, from, maxFields, true)
}

func (f *Fields) parse(text []byte, from, maxFields int, open bool) (after int, err error) {
	idx := f.storage(text[from:], maxFields)
	*f = Fields{idx: idx, reuse: true}
	if uint64(len(text)) > math.MaxUint32 {
		return 0, NewOver("field lines are over 4 GiB")
	}
	var names uint64
	var at scan
	at.begin(text, from)
	i := from
	for {
		var more uint64
		i, idx, more = at.plain(i, idx[:len(idx):min(cap(idx), maxFields)])
		names |= more
		if i == len(text) {
			break
		}
		if open && (text[i] == '\r' || text[i] == '\n') {
			if after = emptyLine(text, i); after > 0 {
				break
			}
			if i+1 == len(text) {
				return 0, nil
			}
		}
		if len(idx) >= maxFields {
			return 0, NewOver(fmt.Sprintf("more than %d fields", maxFields))
		}
		colon, end, next, err := at.odd(i, from, open)
		if err != nil || next == 0 {
			return 0, err
		}
		names |= nameBit(text[i], colon-i)
		value, end := trim(text, colon+1, end)
		idx = append(idx, Span{uint32(i), uint32(colon), uint32(value), uint32(end)})
		i = next
	}
	if open && after == 0 {
		return 0, nil
	}
	*f = Fields{text: borrow(text[:i]), idx: idx, names: names, lines: uint32(from), borrowed: true, reuse: true, loose: true}
	return after, nil
}

// emptyLine is where the empty line at i ends, 0 if none is there (RFC 9112,
// section 2.2: a single LF may count as a line end).
func emptyLine(text []byte, i int) int {
	switch {
	case text[i] == '\n':
		return i + 1
	case i+1 < len(text) && text[i+1] == '\n':
		return i + 2
	}
	return 0
}

// storage is empty room for an index.
func (f *Fields) storage(lines []byte, maxFields int) []Span {
	if f.reuse && cap(f.idx) > 0 {
		return f.idx[:0]
	}
	return make([]Span, 0, min(bytes.Count(lines, lf), maxFields))
}

var lf = []byte{'\n'}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// odd is line for any line. next is 0 if more of it may come.
func (s *scan) odd(i, from int, open bool) (colon, end, next int, err error) {
	text := s.text
	colon = s.nameEnd(i)
	if open && colon == len(text) {
		return 0, 0, 0, nil
	}
	// RFC 9112 §5.1: no whitespace between name and colon.
	if colon == i || colon == len(text) || text[colon] != ':' {
		return 0, 0, 0, nameError(text, i, colon, i == from)
	}
	end, next = s.value(colon + 1)
	if next < 0 {
		if open && (end == len(text) || end+1 == len(text) && text[end] == '\r') {
			return 0, 0, 0, nil
		}
		return 0, 0, 0, valueError(text[i:colon], text, end)
	}
	return colon, end, next, nil
}

// value finds the end of the value that begins at i, and the line after it. next is
// -1 if a byte is there that must not be, at end.
func (s *scan) value(i int) (end, next int) {
	b := s.text
	for {
		i = s.end(i)
		if i >= len(b) {
			return len(b), -1
		}
		switch {
		case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
			next = i + 2
		case b[i] == '\n':
			next = i + 1
		case b[i] == '\t':
			i++
			continue
		default:
			return i, -1
		}
		if next == len(b) || !blank(b[next]) {
			return i, next
		}
		// RFC 9112 §5.2: a user agent replaces obs-fold by spaces.
		for ; i < next; i++ {
			b[i] = ' '
		}
	}
}

// nameError says what is wrong with the line at start, whose name ended at end.
func nameError(text []byte, start, end int, first bool) error {
	line := text[start:]
	if n := bytes.IndexByte(line, '\n'); n >= 0 {
		line = bytes.TrimSuffix(line[:n], []byte{'\r'})
	} else if end > start && end < len(text) && bytes.IndexByte(line, ':') < 0 {
		// The rest of the line may hold a colon, but the byte is wrong all the same.
		return NewMalformed(fmt.Sprintf("byte 0x%02x in a field's name", text[end]), text[start:end])
	}
	colon := bytes.IndexByte(line, ':')
	switch {
	case first && len(line) > 0 && blank(line[0]):
		// RFC 9112 §2.2: whitespace before the first field line.
		return &Malformed{What: "whitespace before the first field"}
	case colon == 0:
		return &Malformed{What: "a field without a name"}
	case colon < 0:
		return NewMalformed("a field line without a colon", line[:min(len(line), 16)])
	case blank(text[end]) && trimOWS(string(text[end:start+colon])) == "":
		return NewMalformed("whitespace between a field's name and the colon", line[:colon])
	}
	return NewMalformed(fmt.Sprintf("byte 0x%02x in a field's name", text[end]), line[:colon])
}

// valueError says what is wrong with a value at text[at]. It does not show the
// value, which may be a secret.
func valueError(name, text []byte, at int) error {
	switch {
	case at == len(text):
		return NewMalformed("no line end after a field", name)
	case text[at] == '\r':
		// RFC 9112 §2.2: a CR alone is invalid.
		return NewMalformed("CR without LF in the value of a field", name)
	}
	return NewMalformed(fmt.Sprintf("byte 0x%02x in the value of a field", text[at]), name)
}

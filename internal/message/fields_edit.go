package message

import (
	"errors"
	"iter"
	"math"
	"slices"
)

var errFieldsSize = errors.New("fields are over 4 GiB")

// Add appends a line. Whitespace around value is cut. It says what is wrong with
// name or value, and leaves f as it was.
func (f *Fields) Add(name, value string) error {
	value = trimOWS(value)
	if err := CheckField(name, value); err != nil {
		return err
	}
	if f.borrowed || f.loose {
		b := f.builder(1)
		b.add(name, value)
		return b.into(f)
	}
	text := f.text[f.lines:] + name + ": " + value + "\r\n"
	if uint64(len(text)) > math.MaxUint32 {
		return errFieldsSize
	}
	at := uint32(len(f.text)) - f.lines
	idx := append(make([]Span, 0, len(f.idx)+1), f.idx...)
	*f = Fields{text: text, idx: append(idx, lineSpan(at, name, value))}
	return nil
}

// AddAll appends many lines at once; that takes a few allocations where as many
// calls of Add take two each. Where one line is wrong it adds none.
func (f *Fields) AddAll(lines iter.Seq2[string, string]) error {
	b := f.builder(8)
	for name, value := range lines {
		value = trimOWS(value)
		if err := CheckField(name, value); err != nil {
			return err
		}
		b.add(name, value)
	}
	return b.into(f)
}

// Set replaces all lines of that name by one, at the place of the first or else
// at the end.
func (f *Fields) Set(name, value string) error {
	first := f.find(name, 0)
	if first < 0 {
		return f.Add(name, value)
	}
	value = trimOWS(value)
	if err := CheckField(name, value); err != nil {
		return err
	}
	var b builder
	for i := range f.idx {
		if i == first {
			b.add(name, value)
		} else if i < first || !equalFold(f.name(i), name) {
			b.add(f.name(i), f.value(i))
		}
	}
	return b.into(f)
}

// Del removes all lines of that name.
func (f *Fields) Del(name string) {
	if !f.Has(name) {
		return
	}
	var b builder
	for i := range f.idx {
		if !equalFold(f.name(i), name) {
			b.add(f.name(i), f.value(i))
		}
	}
	b.into(f) // cannot be larger than it was
}

// Hide removes all lines of those names from the index, without the new memory that
// Del takes: it is for whoever has just parsed f and made no copy.
func (f *Fields) Hide(names ...string) {
	kept := f.idx[:0]
	for i, span := range f.idx {
		if name := f.name(i); !slices.ContainsFunc(names, func(n string) bool { return equalFold(n, name) }) {
			kept = append(kept, span)
		}
	}
	f.loose = f.loose || len(kept) < len(f.idx)
	f.idx = kept
}

// Lines returns all lines as they go onto the wire, "Name: value\r\n" each. Of
// fields that were added or set it is the text itself.
func (f Fields) Lines() string {
	if f.borrowed || f.loose {
		return string(f.AppendLines(nil))
	}
	return f.text[f.lines:]
}

// AppendLines appends what Lines returns.
func (f Fields) AppendLines(dst []byte) []byte {
	if !f.loose {
		return append(dst, f.text[f.lines:]...)
	}
	for i := range f.idx {
		dst = appendLine(dst, f.name(i), f.value(i))
	}
	return dst
}

// appendLine is inlined nowhere: four appends are much code.
//
//go:noinline
func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// lineSpan is the index of a line that appendLine put at at.
func lineSpan(at uint32, name, value string) Span {
	nameEnd := at + uint32(len(name))
	return Span{at, nameEnd, nameEnd + 2, nameEnd + 2 + uint32(len(value))}
}

// builder makes new lines in memory of its own.
type builder struct {
	text []byte
	idx  []Span
}

// builder begins with the lines of f and room for some more.
func (f *Fields) builder(more int) builder {
	b := builder{
		text: make([]byte, 0, len(f.text)+more*32),
		idx:  make([]Span, 0, len(f.idx)+more),
	}
	for i := range f.idx {
		b.add(f.name(i), f.value(i))
	}
	return b
}

func (b *builder) add(name, value string) {
	if uint64(len(b.text)) <= math.MaxUint32 {
		b.idx = append(b.idx, lineSpan(uint32(len(b.text)), name, value))
		b.text = appendLine(b.text, name, value)
	}
}

// into makes f what was built; nobody may use b after.
func (b *builder) into(f *Fields) error {
	if uint64(len(b.text)) > math.MaxUint32 {
		return errFieldsSize
	}
	*f = Fields{text: borrow(b.text), idx: slices.Clip(b.idx)}
	return nil
}

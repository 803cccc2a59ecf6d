package message

import (
	"iter"
	"strings"
	"unsafe"
)

// Span is where one field lies in the text of its Fields.
type Span struct {
	name, nameEnd   uint32
	value, valueEnd uint32
}

// Fields is an ordered list of fields over one text. It is a value: the zero
// Fields is empty, and a copy is never changed through another one: Add, Set and
// Del write to new memory. It has no lazy state, so any number of goroutines may
// read it.
//
// What Parse fills borrows the text that it was given, until Detach or CopyInto.
// Meanwhile the methods that return strings return copies, and copies of the
// Fields itself are valid only as long as it is.
//
// Names compare without regard to case (RFC 9110, section 5.1); order and case
// stay as they were received or added. Get, Is and AppendValue look at one field
// line; HasToken, Tokens and Combined take all lines of a name as one list
// (RFC 9110, section 5.3).
type Fields struct {
	text     string // the lines are text[lines:]; a parsed head's start line lies before
	idx      []Span
	names    uint64 // nameBit of every name; 0: not counted
	lines    uint32
	borrowed bool // text belongs to somebody else, who may change it
	reuse    bool // Parse may write to idx: it is not a Detach's
	loose    bool // the lines may have other forms than "Name: value\r\n"
}

// Len is the number of field lines.
func (f Fields) Len() int { return len(f.idx) }

// Size is how many bytes CopyInto copies.
func (f *Fields) Size() int { return len(f.text) }

// Borrowed reports whether the text belongs to somebody else.
func (f Fields) Borrowed() bool { return f.borrowed }

// Get returns the value of the first line with that name, or "".
func (f Fields) Get(name string) string {
	i := f.find(name, 0)
	if i < 0 {
		return ""
	}
	return f.give(f.value(i))
}

// Values returns the values of all lines with that name, in their order.
func (f Fields) Values(name string) []string {
	var all []string
	for i := f.find(name, 0); i >= 0; i = f.find(name, i+1) {
		all = append(all, f.give(f.value(i)))
	}
	return all
}

// Combined returns the values of all lines with that name, joined by ", "
// (RFC 9110, section 5.3). It is of no use for Set-Cookie, which is no list.
func (f Fields) Combined(name string) string {
	i := f.find(name, 0)
	if i < 0 {
		return ""
	}
	if f.find(name, i+1) < 0 {
		return f.give(f.value(i))
	}
	return strings.Join(f.Values(name), ", ")
}

// Has reports whether there is a line with that name.
func (f Fields) Has(name string) bool { return f.find(name, 0) >= 0 }

// Is reports whether there is exactly one line with that name and its value is
// exactly value: two lines make a list, which is not the same.
func (f Fields) Is(name, value string) bool {
	i, alone := f.Only(name)
	return alone && f.value(i) == value
}

// IsFold is Is without regard to the case of ASCII letters.
func (f Fields) IsFold(name, value string) bool {
	i, alone := f.Only(name)
	return alone && equalFold(f.value(i), value)
}

// AppendValue appends what Get would return.
func (f Fields) AppendValue(dst []byte, name string) []byte {
	if i := f.find(name, 0); i >= 0 {
		dst = append(dst, f.value(i)...)
	}
	return dst
}

// All yields name and value of every line, in order.
func (f Fields) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) { f.each(yield) }
}

// each is All, which would be copied into all that range over it.
//
//go:noinline
func (f *Fields) each(yield func(name, value string) bool) {
	for i := range f.idx {
		if !yield(f.give(f.name(i)), f.give(f.value(i))) {
			return
		}
	}
}

// Index is the place of the first line with that name at or after place from, or
// -1.
func (f *Fields) Index(name string, from int) int { return f.find(name, from) }

// Peek returns the line at place i without a copy: for looking only, since the
// strings change with a borrowed text.
func (f *Fields) Peek(i int) (name, value string) { return f.name(i), f.value(i) }

// Detach makes text and index f's own: strings that f returns from now on are
// substrings of it, and the storage of the index is its owner's again. It
// allocates once where f borrows, never else.
func (f *Fields) Detach() {
	if f.borrowed {
		f.detach(0)
	}
}

// detach is Detach of what is borrowed. It returns more bytes of the same allocation,
// which are zero.
func (f *Fields) detach(more int) []byte {
	// One allocation without pointers holds both: a response in memory costs a
	// quarter less of the collector's time than with an index in the Response.
	const span = int(unsafe.Sizeof(Span{}))
	n := len(f.idx)
	own := make([]Span, n+(len(f.text)+more+span-1)/span)
	copy(own, f.idx)
	var rest []byte
	if size := len(f.text); size+more > 0 {
		text := unsafe.Slice((*byte)(unsafe.Pointer(&own[n])), size+more)
		copy(text, f.text)
		f.text, rest = borrow(text[:size]), text[size:]
	}
	f.idx = own[:n:n]
	f.borrowed, f.reuse = false, false
	return rest
}

// CopyInto copies the text to buf, from its start, and goes on with the copy. It
// returns buf, grown where needed. f is valid until buf is written again.
func (f *Fields) CopyInto(buf []byte) []byte {
	buf = append(buf[:0], f.text...)
	f.text = borrow(buf)
	f.borrowed = true
	return buf
}

// Reset empties f. Index storage stays for the next Parse, but not beyond Detach.
func (f *Fields) Reset() {
	if f.reuse {
		f.SetIndex(f.idx)
	} else {
		*f = Fields{}
	}
}

// borrow is b as a string, without a copy.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// give is s for those who keep it.
func (f *Fields) give(s string) string {
	if f.borrowed {
		return clone(s)
	}
	return s
}

// clone is strings.Clone, which give must not take into its callers: 4 KB.
//
//go:noinline
func clone(s string) string { return strings.Clone(s) }

func (f *Fields) name(i int) string {
	s := &f.idx[i]
	return f.text[s.name:s.nameEnd]
}

func (f *Fields) value(i int) string {
	s := &f.idx[i]
	return f.text[s.value:s.valueEnd]
}

// find is the index of the first line with that name at or after from, or -1.
func (f *Fields) find(name string, from int) int {
	if f.names != 0 && name != "" && f.names&nameBit(name[0], len(name)) == 0 {
		return -1
	}
	for i := from; i < len(f.idx); i++ {
		s := &f.idx[i]
		if int(s.nameEnd-s.name) != len(name) {
			continue
		}
		// Most are written as they are asked for: 50 instructions instead of 130.
		if t := f.text[s.name:s.nameEnd]; t == name || equalFold(t, name) {
			return i
		}
	}
	return -1
}

// nameBit is one of 64 bits for a name with that first byte and length, whatever
// its case: most names that a response lacks are found out without a look at the
// others. Framing and keep-alive of six fields take 76 ns without it, 58 with.
func nameBit(first byte, length int) uint64 {
	return 1 << ((uint(first|0x20) + uint(length)*7) & 63)
}

// Names is a set of names, which has more than were put in.
type Names uint64

// NamesOf is the set of these names.
func NamesOf(names ...string) (set Names) {
	for _, name := range names {
		set |= Names(nameBit(name[0], len(name)))
	}
	return set
}

// MayHave is false where no line has a name of the set: one look instead of one for
// each name.
func (f *Fields) MayHave(set Names) bool { return f.names == 0 || f.names&uint64(set) != 0 }

// Only is the place of the first line with that name, or -1, and whether there is no
// other.
func (f *Fields) Only(name string) (i int, alone bool) {
	i = f.find(name, 0)
	return i, i >= 0 && f.find(name, i+1) < 0
}

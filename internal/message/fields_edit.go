package message

import "iter"

// Add appends a line.
func (f *Fields) Add(name, value string) error { panic("soon") }

// Set replaces all lines of that name by one, at the place of the first.
func (f *Fields) Set(name, value string) error { panic("soon") }

// Del removes all lines of that name.
func (f *Fields) Del(name string) { panic("soon") }

// AddAll appends many lines at once, which costs less than many calls of Add.
func (f *Fields) AddAll(lines iter.Seq2[string, string]) error { panic("soon") }

// Lines returns all lines as they go onto the wire.
func (f Fields) Lines() string { panic("soon") }

// AppendLines appends what Lines returns; it never allocates but for dst.
func (f Fields) AppendLines(dst []byte) []byte { panic("soon") }

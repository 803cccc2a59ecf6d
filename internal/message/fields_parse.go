package message

// SetIndex gives storage for the index. Parse uses it as long as it fits.
func (f *Fields) SetIndex(storage []Span) {
	*f = Fields{idx: storage[:0], parsed: true}
}

// Parse reads the field lines of text[from:].
func (f *Fields) Parse(text []byte, from int, maxFields int) error { panic("soon") }

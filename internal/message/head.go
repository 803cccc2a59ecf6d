package message

// Head is a response head. What Fields says of borrowed text holds for Reason
// too.
type Head struct {
	Status       int
	Major, Minor uint8
	Reason       string // may be empty; never a reason to decide anything
	Fields       Fields
	Decoded      string // codings that the reader of the body does not see

	reason, reasonEnd uint32 // where Reason is in the text of Fields; 0, 0: nowhere
}

// Parse takes text as the head's text: the reason phrase is text[reason:end],
// the field lines begin at from. It borrows text, as Fields.Parse does.
func (h *Head) Parse(text []byte, reason, end, from, maxFields int) error {
	if err := h.Fields.Parse(text, from, maxFields); err != nil {
		return err
	}
	h.Reason, h.reason, h.reasonEnd = "", uint32(reason), uint32(end)
	h.rebase()
	return nil
}

// ParseOpen is Parse of a head behind which text may go on, as Fields.ParseOpen.
func (h *Head) ParseOpen(text []byte, reason, end, from, maxFields int) (int, error) {
	after, err := h.Fields.ParseOpen(text, from, maxFields)
	if after == 0 || err != nil {
		return 0, err
	}
	h.Reason, h.reason, h.reasonEnd = "", uint32(reason), uint32(end)
	h.rebase()
	return after, nil
}

// Detach makes all strings of h its own; they never change from now on. It
// allocates once.
func (h *Head) Detach() {
	h.Fields.Detach()
	h.rebase()
}

// DetachWith is Detach with a copy of body in the same allocation.
func (h *Head) DetachWith(body []byte) []byte {
	own := h.Fields.detach(len(body))
	h.rebase()
	copy(own, body)
	return own
}

// CopyInto moves the borrowed text to buf, from its start, and returns buf,
// grown where needed. h is valid until buf is written again.
func (h *Head) CopyInto(buf []byte) []byte {
	buf = h.Fields.CopyInto(buf)
	h.rebase()
	return buf
}

// Reset empties h and keeps the index storage of its Fields.
func (h *Head) Reset() {
	f := h.Fields
	f.Reset()
	*h = Head{Fields: f}
}

func (h *Head) rebase() {
	if h.reasonEnd != 0 {
		h.Reason = h.Fields.text[h.reason:h.reasonEnd]
	}
}

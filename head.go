package sonde

import "sonde/internal/message"

// Head is the head of a response.
type Head struct {
	Status Status
	Header Header
	Proto  Proto

	reason string
}

// Reason is the reason phrase that an HTTP/1 server sent after the status. It may
// be empty and means nothing.
func (h *Head) Reason() string { return h.reason }

func newHead(h *message.Head) Head {
	return Head{Status: Status(h.Status), Header: Header{h.Fields}, Proto: Proto{h.Major, h.Minor}, reason: h.Reason}
}

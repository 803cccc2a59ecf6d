package sonde

import (
	"strings"

	"sonde/internal/message"
)

// Head is the head of a response.
type Head struct {
	Status Status
	Header Header
	Proto  Proto

	decoded  string
	reason   string
	borrowed bool // reason lies in memory of DoInto's, which changes
}

// Reason is the reason phrase that an HTTP/1 server sent after the status. It may
// be empty and means nothing.
func (h *Head) Reason() string {
	if h.borrowed {
		return strings.Clone(h.reason)
	}
	return h.reason
}

// Decoded is the content codings that were taken off the body, such as "gzip", in
// the order in which the server applied them; "" is none. The fields Content-Encoding
// and Content-Length, which were of the encoded body, are gone then.
func (h *Head) Decoded() string { return h.decoded }

func newHead(h *message.Head) Head {
	return Head{
		Status: Status(h.Status), Header: Header{h.Fields}, Proto: Proto{h.Major, h.Minor},
		decoded: h.Decoded, reason: h.Reason, borrowed: h.Fields.Borrowed(),
	}
}

// clone is h in memory of its own: the text and also the index of its fields may
// be those of a response that DoInto fills again.
func (h *Head) clone() Head {
	c := *h
	c.Header.f = message.Fields{}
	c.Header.f.AddAll(h.Header.f.All()) // valid: they were parsed
	c.reason, c.borrowed = strings.Clone(h.reason), false
	return c
}

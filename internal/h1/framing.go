package h1

import "sonde/internal/message"

// FramingKind says how the end of a body is found.
type FramingKind uint8

// The kinds of framing.
const (
	None       FramingKind = iota // there is no body
	Length                        // after Framing.Length bytes
	ByChunks                      // by the chunked coding
	UntilClose                    // when the connection ends
)

// Framing is how the body of a response is framed.
type Framing struct {
	Kind      FramingKind
	Length    int64
	Ambiguous bool
}

// ResponseFraming decides it.
func ResponseFraming(method string, h *message.Head) (Framing, error) { panic("soon") }

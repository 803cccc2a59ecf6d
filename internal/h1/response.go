package h1

import "sonde/internal/message"

// Limits bounds a head. A zero field means its default.
type Limits struct {
	Head   int // bytes of a head, from the status line to the empty line; 256 KiB
	Fields int // field lines; 1000
}

// ParseHead reads the response head at the start of buf.
func ParseHead(buf []byte, from int, h *message.Head, lim Limits) (n, next int, err error) {
	panic("soon")
}

package h1

import "sonde/internal/message"

// AppendRequest appends the head of r, up to and with the empty line.
func AppendRequest(dst []byte, r *message.Request) []byte { panic("soon") }

// CheckRequest says whether the framing fields that r carries by hand agree with its body.
func CheckRequest(r *message.Request) error { panic("soon") }

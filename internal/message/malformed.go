package message

import (
	"errors"
	"strconv"
	"strings"
)

// ErrLimit is in the chain of every error that says that a peer went past a
// limit: of bytes, of fields, of chunk extensions.
var ErrLimit = errors.New("over the limit")

// Malformed says that what a peer sent breaks the rules of HTTP, or goes past a
// limit. It is what every decoder returns.
type Malformed struct {
	What string // lower-case, says which rule
	Near string // a short excerpt; "" where it could hold a secret
	Over bool   // a limit, not a rule of grammar
}

// excerptLen bounds the excerpt in a text.
const excerptLen = 40

// NewMalformed is a Malformed with a short excerpt of near, copied. Some 60 places
// call it, none of them often: inlined it would be a good part of their code.
//
//go:noinline
func NewMalformed[T string | []byte](what string, near T) *Malformed {
	if len(near) > excerptLen {
		return &Malformed{What: what, Near: string(near[:excerptLen]) + "…"}
	}
	return &Malformed{What: what, Near: strings.Clone(string(near))}
}

// NewOver is a Malformed about a limit.
//
//go:noinline
func NewOver(what string) *Malformed { return &Malformed{What: what, Over: true} }

func (m *Malformed) Error() string {
	if m.Near == "" {
		return m.What
	}
	return m.What + ": " + strconv.Quote(m.Near)
}

// Unwrap returns ErrLimit for an error about a limit.
func (m *Malformed) Unwrap() error {
	if m.Over {
		return ErrLimit
	}
	return nil
}

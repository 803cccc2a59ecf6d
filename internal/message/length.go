package message

import (
	"fmt"
	"io"
)

// WrongLength says that a request's body is not as long as was declared.
type WrongLength struct {
	Declared int64
	Got      int64 // if it is longer, no more than was read of it
}

// Error says which of both it is.
func (e *WrongLength) Error() string {
	if e.Got > e.Declared {
		return fmt.Sprintf("the body is longer than the %d bytes declared", e.Declared)
	}
	return fmt.Sprintf("the body ended after %d of the %d bytes declared: %v", e.Got, e.Declared, io.ErrUnexpectedEOF)
}

// Unwrap returns io.ErrUnexpectedEOF for a body that is too short.
func (e *WrongLength) Unwrap() error {
	if e.Got > e.Declared {
		return nil
	}
	return io.ErrUnexpectedEOF
}

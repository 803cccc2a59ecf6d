package message

import (
	"errors"
	"iter"
	"time"
)

// ErrAbsent is what the typed getters return when there is no such field.
var ErrAbsent = errors.New("no such field")

// HasToken reports whether the list of all lines with that name has the member
// token, without regard to case. A comma within a quoted-string separates
// nothing.
func (f Fields) HasToken(name, token string) bool { panic("soon") }

// Tokens yields the members of the list that all lines with that name make.
func (f Fields) Tokens(name string) iter.Seq[string] { panic("soon") }

// Int is the value as a decimal integer.
func (f Fields) Int(name string) (int64, error) { panic("soon") }

// Time is the value as an HTTP date.
func (f Fields) Time(name string) (time.Time, error) { panic("soon") }

// MediaType is the value as a media type.
func (f Fields) MediaType(name string) (MediaType, error) { panic("soon") }

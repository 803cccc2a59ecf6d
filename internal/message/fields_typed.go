package message

import (
	"errors"
	"iter"
	"math"
	"strings"
	"time"
)

// ErrAbsent is what the typed getters return when there is no such field.
var ErrAbsent = errors.New("no such field")

// HasToken reports whether the list that all lines with that name make has the
// member token, without regard to case. A comma within a quoted-string separates
// nothing.
func (f Fields) HasToken(name, token string) bool {
	for i := f.find(name, 0); i >= 0; i = f.find(name, i+1) {
		if HasMember(f.value(i), token) {
			return true
		}
	}
	return false
}

// Tokens yields the members of the list that all lines with that name make, with
// their parameters if they have some. Empty members are passed over (RFC 9110,
// section 5.6.1.2).
func (f Fields) Tokens(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := f.find(name, 0); i >= 0; i = f.find(name, i+1) {
			list := f.give(f.value(i))
			for list != "" {
				var member string
				member, list = CutMember(list)
				if member != "" && !yield(member) {
					return
				}
			}
		}
	}
}

// single is the value of a field that is no list. Lines that repeat it with the
// same value count as one; other values are an error.
func (f *Fields) single(name string) (string, error) {
	first := f.find(name, 0)
	if first < 0 {
		return "", ErrAbsent
	}
	value := f.value(first)
	for i := f.find(name, first+1); i >= 0; i = f.find(name, i+1) {
		if f.value(i) != value {
			return "", NewMalformed("different values in the lines of a field", f.name(first))
		}
	}
	return value, nil
}

// Int is the value as a decimal integer, with a "-" before it or not. The error
// is ErrAbsent or a *Malformed.
func (f Fields) Int(name string) (int64, error) {
	value, err := f.single(name)
	if err != nil {
		return 0, err
	}
	digits, negative := strings.CutPrefix(value, "-")
	n, ok := ParseDigits(digits)
	if !ok {
		return 0, NewMalformed("not an integer", value)
	}
	if negative {
		n = -n
	}
	return n, nil
}

// Time is the value as an HTTP date, in any of its three forms. The error is
// ErrAbsent or a *Malformed.
func (f Fields) Time(name string) (time.Time, error) {
	value, err := f.single(name)
	if err != nil {
		return time.Time{}, err
	}
	return ParseTime(value)
}

// MediaType is the value as a media type. The error is ErrAbsent or a
// *Malformed; where only the parameters are wrong the type is there too.
func (f Fields) MediaType(name string) (MediaType, error) {
	value, err := f.single(name)
	if err != nil {
		return MediaType{}, err
	}
	return ParseMediaType(f.give(value))
}

// ParseDigits reads 1*DIGIT that fits an int64: no sign, no space.
func ParseDigits(s string) (n int64, ok bool) {
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, s != ""
}

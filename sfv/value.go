package sfv

import (
	"errors"
	"fmt"
	"time"
)

// Value is a bare item: an item without its parameters (RFC 9651, section 3.3).
// It holds one of eight types, which are what the Parse functions produce:
//
//	int64          Integer, at most 15 digits
//	Decimal        Decimal
//	string         String, printable ASCII only
//	Token          Token
//	[]byte         Byte Sequence
//	bool           Boolean
//	time.Time      Date, whole seconds, in UTC
//	DisplayString  Display String, any Unicode text
//
// The Append functions also take an int as an Integer and a float64 as a
// Decimal, so that untyped constants work. A float64 is taken for the shortest
// decimal number that identifies it, rounded to three places, half to even. A
// time.Time is rounded down to the second. Any other type is an error, and so is
// the zero value, nil.
type Value any

// parseValue reads a bare item.
func (s *scanner) parseValue() (Value, error) {
	// RFC 9651, section 4.2.3.1: the first byte decides the type.
	switch c := s.peek(); {
	case c == '-' || digitBytes.has(c):
		return s.parseNumber()
	case c == '"':
		return s.parseString()
	case tokenStart.has(c):
		return s.parseToken()
	case c == ':':
		return s.parseBytes()
	case c == '?':
		return s.parseBool()
	case c == '@':
		return s.parseDate()
	case c == '%':
		return s.parseDisplayString()
	}
	return nil, s.want("a value")
}

// appendValue writes a bare item.
func appendValue(dst []byte, v Value) ([]byte, error) {
	// RFC 9651, section 4.1.3.1.
	switch v := v.(type) {
	case int64:
		return appendInteger(dst, v)
	case int:
		return appendInteger(dst, int64(v))
	case Decimal:
		return appendDecimal(dst, v)
	case float64:
		d, err := roundFloat(v)
		if err != nil {
			return nil, err
		}
		return appendDecimal(dst, d)
	case string:
		return appendString(dst, v)
	case Token:
		return appendToken(dst, v)
	case []byte:
		return appendBytes(dst, v), nil
	case bool:
		return appendBool(dst, v), nil
	case time.Time:
		return appendDate(dst, v)
	case DisplayString:
		return appendDisplayString(dst, v)
	case nil:
		return nil, errors.New("value is missing")
	default:
		return nil, fmt.Errorf("type %T is no bare item", v)
	}
}

func (s *scanner) parseBool() (Value, error) {
	// RFC 9651, section 4.2.8.
	s.take('?')
	switch {
	case s.take('1'):
		return true, nil
	case s.take('0'):
		return false, nil
	}
	return nil, s.want(`"0" or "1" after "?"`)
}

func appendBool(dst []byte, v bool) []byte {
	// RFC 9651, section 4.1.9.
	if v {
		return append(dst, "?1"...)
	}
	return append(dst, "?0"...)
}

func (s *scanner) parseDate() (Value, error) {
	// RFC 9651, section 4.2.9: an integer, never a decimal.
	s.take('@')
	start := s.pos
	v, err := s.parseNumber()
	if err != nil {
		return nil, err
	}
	sec, ok := v.(int64)
	if !ok {
		for s.in[start] != '.' {
			start++
		}
		return nil, faultAt(start, "date has a fraction")
	}
	return time.Unix(sec, 0).UTC(), nil
}

func appendDate(dst []byte, t time.Time) ([]byte, error) {
	// RFC 9651, section 4.1.10.
	dst, err := appendInteger(append(dst, '@'), t.Unix())
	if err != nil {
		return nil, fmt.Errorf("date: %w", err)
	}
	return dst, nil
}

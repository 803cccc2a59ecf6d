package sfv

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Token is a short identifier that is written without quotes, such as gzip or
// text/html (RFC 9651, section 3.3.4). It begins with a letter or "*" and goes
// on with letters, digits and any of !#$%&'*+-.^_`|~:/ only. A Token and a
// string of the same text are different values. The zero value is empty and
// cannot be serialized.
type Token string

// DisplayString is text for people, any valid UTF-8 (RFC 9651, section 3.3.8).
// It arrives as the peer sent it: it may hold control characters, so escape it
// before showing it. The zero value is the empty text.
type DisplayString string

func (s *scanner) parseString() (Value, error) {
	// RFC 9651, section 4.2.5.
	s.take('"')
	start := s.pos
	for !s.done() {
		switch c := s.in[s.pos]; {
		case c == '"':
			s.pos++
			return s.in[start : s.pos-1], nil
		case c == '\\':
			return s.parseEscapedString(start)
		case !printable(c):
			return nil, s.want("printable ascii in the string")
		}
		s.pos++
	}
	return nil, s.want("the closing quote of the string")
}

// parseEscapedString reads on from the first backslash of a string whose first
// character is at start.
func (s *scanner) parseEscapedString(start int) (Value, error) {
	var b strings.Builder
	b.WriteString(s.in[start:s.pos])
	for !s.done() {
		c := s.in[s.pos]
		switch {
		case c == '"':
			s.pos++
			return b.String(), nil
		case c == '\\':
			s.pos++
			if c = s.peek(); c != '"' && c != '\\' {
				return nil, s.want(`a quote or a backslash after the backslash`)
			}
		case !printable(c):
			return nil, s.want("printable ascii in the string")
		}
		b.WriteByte(c)
		s.pos++
	}
	return nil, s.want("the closing quote of the string")
}

func appendString(dst []byte, v string) ([]byte, error) {
	// RFC 9651, section 4.1.6.
	dst = append(dst, '"')
	for i := range len(v) {
		c := v[i]
		if !printable(c) {
			return nil, fmt.Errorf("string: byte %d is not printable ascii", i)
		}
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"'), nil
}

func (s *scanner) parseToken() (Value, error) {
	// RFC 9651, section 4.2.6. The caller has seen the first byte, and what may
	// begin a token may also go on.
	return Token(s.takeWhile(&tokenBytes)), nil
}

func appendToken(dst []byte, v Token) ([]byte, error) {
	// RFC 9651, section 4.1.7.
	if v == "" {
		return nil, errors.New("token is empty")
	}
	if !tokenStart.has(v[0]) {
		return nil, errors.New("token: byte 0 cannot begin a token")
	}
	for i := range len(v) {
		if !tokenBytes.has(v[i]) {
			return nil, fmt.Errorf("token: byte %d cannot be in a token", i)
		}
	}
	return append(dst, v...), nil
}

func (s *scanner) parseDisplayString() (Value, error) {
	// RFC 9651, section 4.2.10.
	s.take('%')
	if !s.take('"') {
		return nil, s.want(`a quote after "%"`)
	}
	start := s.pos
	var b strings.Builder
	for !s.done() {
		c := s.in[s.pos]
		switch {
		case c == '"':
			s.pos++
			if text := b.String(); utf8.ValidString(text) {
				return DisplayString(text), nil
			}
			return nil, faultAt(escapedOffset(s.in, start, badRune(b.String())), "display string is not utf-8")
		case c == '%':
			var err error
			if c, err = s.parseOctet(); err != nil {
				return nil, err
			}
		case printable(c):
			s.pos++
		default:
			return nil, s.want("printable ascii in the display string")
		}
		b.WriteByte(c)
	}
	return nil, s.want("the closing quote of the display string")
}

// parseOctet reads "%" and two digits of base 16.
func (s *scanner) parseOctet() (byte, error) {
	s.take('%')
	var octet byte
	for range 2 {
		// RFC 9651, section 4.2.10: the digits a to f in lower case only.
		switch c := s.peek(); {
		case digitBytes.has(c):
			octet = octet<<4 | (c - '0')
		case 'a' <= c && c <= 'f':
			octet = octet<<4 | (c - 'a' + 10)
		default:
			return 0, s.want("a lower-case hex digit")
		}
		s.pos++
	}
	return octet, nil
}

// badRune returns the index of the first byte of text that is not UTF-8.
func badRune(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// escapedOffset returns where the n-th byte of a display string stands in the
// field, if the display string begins at pos.
func escapedOffset(in string, pos, n int) int {
	for range n {
		if in[pos] == '%' {
			pos += len("ff")
		}
		pos++
	}
	return pos
}

func appendDisplayString(dst []byte, v DisplayString) ([]byte, error) {
	// RFC 9651, section 4.1.11.
	if !utf8.ValidString(string(v)) {
		return nil, fmt.Errorf("display string: byte %d is not utf-8", badRune(string(v)))
	}
	const hex = "0123456789abcdef"
	dst = append(dst, `%"`...)
	for i := range len(v) {
		c := v[i]
		if c == '%' || c == '"' || !printable(c) {
			dst = append(dst, '%', hex[c>>4], hex[c&0xf])
			continue
		}
		dst = append(dst, c)
	}
	return append(dst, '"'), nil
}

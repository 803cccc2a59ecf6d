package message

import (
	"errors"
	"fmt"
)

// CheckMethod says what is wrong with a method (RFC 9110, section 9.1).
func CheckMethod(method string) error {
	if method == "" {
		return errors.New("the method is empty")
	}
	if !tchar.all(method) {
		return fmt.Errorf("the method %s is not a token", excerpt(method))
	}
	return nil
}

// CheckField says what is wrong with a field (RFC 9110, section 5.5). It shows
// no value.
func CheckField(name, value string) error {
	if name == "" {
		return errors.New("a field's name is empty")
	}
	for i := range len(name) {
		if !tchar.has(name[i]) {
			return fmt.Errorf("byte 0x%02x in the field name %s", name[i], excerpt(name))
		}
	}
	for i := range len(value) {
		if !inner.has(value[i]) {
			return fmt.Errorf("byte 0x%02x in the value of field %s", value[i], name)
		}
	}
	return nil
}

// CheckTarget says what is wrong with a request target of any form: it has only
// visible ASCII, and no fragment (RFC 9112, section 3.2).
func CheckTarget(target string) error {
	if target == "" {
		return errors.New("the request target is empty")
	}
	for i := range len(target) {
		switch c := target[i]; {
		case c == ' ':
			return errors.New("a space in the request target: write %20")
		case c == '#':
			return errors.New("a fragment in the request target")
		case c >= 0x80:
			return fmt.Errorf("byte 0x%02x in the request target: write %%%02X", c, c)
		case !vchar.has(c):
			return fmt.Errorf("byte 0x%02x in the request target", c)
		}
	}
	return nil
}

// CheckAuthority says what is wrong with the value of Host or :authority.
func CheckAuthority(authority string) error {
	for i := range len(authority) {
		switch c := authority[i]; {
		case c == '@':
			return errors.New("the host holds a user")
		case !vchar.has(c) || c == '/' || c == '?' || c == '#' || c == '\\':
			return fmt.Errorf("byte 0x%02x in the host", c)
		}
	}
	return nil
}

// CheckTrailer says whether a field may be sent in a trailer section: not if it
// frames or routes the message, authenticates, or says how to read the content
// (RFC 9110, section 6.5.1).
func CheckTrailer(name string) error {
	if err := CheckField(name, ""); err != nil {
		return err
	}
	for _, not := range [...]string{
		"Transfer-Encoding", "Content-Length", "Host", "Trailer", "TE", "Connection", "Keep-Alive",
		"Proxy-Connection", "Upgrade", "Expect", "Max-Forwards", "Cache-Control", "Range",
		"Content-Encoding", "Content-Type", "Content-Range", "Authorization", "Proxy-Authorization",
		"Cookie", "Set-Cookie",
	} {
		if equalFold(name, not) {
			return fmt.Errorf("the field %s may not be sent as a trailer", name)
		}
	}
	return nil
}

// excerpt is the start of s, quoted.
func excerpt(s string) string {
	if len(s) > excerptLen {
		return fmt.Sprintf("%q…", s[:excerptLen])
	}
	return fmt.Sprintf("%q", s)
}

// InvalidByte is the index of the first byte of text that a field value, or a
// reason phrase, must not have, or -1.
func InvalidByte(text []byte) int {
	for i, c := range text {
		if !inner.has(c) {
			return i
		}
	}
	return -1
}

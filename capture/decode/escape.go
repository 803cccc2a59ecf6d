package decode

import "unicode/utf16"

const hexdigits = "0123456789abcdef"

// AppendEscaped appends text that came from the wire so that a terminal shows it
// and does nothing else: printable ASCII stays as it is, a backslash is doubled,
// and every other byte becomes \n, \r, \t or \x and two digits. Letters beyond
// ASCII are escaped too: some of them turn the direction of what follows, and
// what the terminal takes bytes for is not known. The result is unambiguous.
//
// Whatever prints what a peer chose goes through this function.
func AppendEscaped[T ~string | ~[]byte](dst []byte, s T) []byte {
	for i := range len(s) {
		dst = appendByte(dst, s[i])
	}
	return dst
}

// AppendEscapedLines is AppendEscaped for text of many lines: line feeds and tabs
// stay, and so do carriage returns before a line feed, silently dropped.
func AppendEscapedLines[T ~string | ~[]byte](dst []byte, s T) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n' || c == '\t':
			dst = append(dst, c)
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
		default:
			dst = appendByte(dst, c)
		}
	}
	return dst
}

func appendByte(dst []byte, c byte) []byte {
	switch {
	case c == '\\':
		return append(dst, '\\', '\\')
	case c >= ' ' && c < 0x7f:
		return append(dst, c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'x', hexdigits[c>>4], hexdigits[c&15])
}

// AppendJSON appends s as a JSON string, quotes included. Bytes that are not
// UTF-8 become U+FFFD, as encoding/json does. All that comes out is printable
// ASCII, so that the text is safe on a terminal too.
func AppendJSON[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for _, r := range string(s) {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r >= ' ' && r < 0x7f:
			dst = append(dst, byte(r))
		case r < 0x10000:
			dst = appendUnicode(dst, r)
		default:
			high, low := utf16.EncodeRune(r)
			dst = appendUnicode(appendUnicode(dst, high), low)
		}
	}
	return append(dst, '"')
}

func appendUnicode(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u',
		hexdigits[r>>12&15], hexdigits[r>>8&15], hexdigits[r>>4&15], hexdigits[r&15])
}

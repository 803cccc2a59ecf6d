package dns

// maxName is the longest name in wire form (RFC 1035, section 2.3.4).
const maxName = 255

// appendName appends the name at b[at:] in presentation form, and returns what
// follows it. A pointer must lead back before the labels that it continues, so
// the walk ends.
func appendName(dst, b []byte, at int) (out []byte, next int, err error) {
	start, size, limit := len(dst), 0, at
	next = -1
	for {
		if at >= len(b) {
			return dst, 0, ErrTruncated
		}
		n := int(b[at])
		switch {
		case n == 0:
			if next < 0 {
				next = at + 1
			}
			if len(dst) == start {
				dst = append(dst, '.')
			}
			return dst, next, nil
		case n >= 0xc0:
			if at+1 >= len(b) {
				return dst, 0, ErrTruncated
			}
			if next < 0 {
				next = at + 2
			}
			at = (n&0x3f)<<8 | int(b[at+1])
			if at >= limit {
				return dst, 0, ErrName
			}
			limit = at
			continue
		case n > 63:
			return dst, 0, ErrName
		}
		if at+1+n > len(b) {
			return dst, 0, ErrTruncated
		}
		if size += n + 1; size >= maxName {
			return dst, 0, ErrName
		}
		for _, c := range b[at+1 : at+1+n] {
			dst = appendChar(dst, c)
		}
		dst = append(dst, '.')
		at += 1 + n
	}
}

// appendChar appends one byte of a label (RFC 1035, section 5.1).
func appendChar(dst []byte, c byte) []byte {
	switch {
	case c == '.' || c == '\\' || c == '"':
		return append(dst, '\\', c)
	case c > ' ' && c < 0x7f:
		return append(dst, c)
	}
	return append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
}

package sfv

import "encoding/base64"

func (s *scanner) parseBytes() (Value, error) {
	// RFC 9651, section 4.2.7.
	s.take(':')
	start := s.pos
	text := s.takeWhile(&base64Bytes)
	pad := 0
	for s.take('=') {
		pad++
	}
	if !s.take(':') {
		return nil, s.want(`base64 or the closing ":"`)
	}
	// RFC 9651, section 4.2.7, step 7: padding may be absent; RFC 4648, section
	// 3.2: if present, it fills the last group of four.
	if pad > 0 && (pad > 2 || (len(text)+pad)%4 != 0) {
		return nil, faultAt(start+len(text), "base64 has the wrong padding")
	}
	// A last group of one digit holds less than a byte.
	if len(text)%4 == 1 {
		return nil, faultAt(start+len(text)-1, "base64 ends with a lone digit")
	}
	// Pad bits that are not zero are accepted, as section 4.2.7 advises: this
	// encoding is not the Strict one.
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, faultAt(start, "base64 cannot be decoded")
	}
	return b, nil
}

func appendBytes(dst, v []byte) []byte {
	// RFC 9651, section 4.1.8: with padding, pad bits zero.
	dst = append(dst, ':')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, ':')
}

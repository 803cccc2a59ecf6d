package message

import (
	"bytes"
	"strings"
	"testing"
)

// slowFields reads field lines up to an empty line, one byte after the other, as the
// sections of RFC 9112 and RFC 9110 say it. after is where the empty line ends, 0
// where it is not there; ok is false where a byte is wrong or may not be there.
func slowFields(text []byte, most int) (fields [][2]string, after int, ok bool) {
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\n':
			return fields, i + 1, true
		case text[i] == '\r' && i+1 == len(text):
			return nil, 0, true
		case text[i] == '\r' && text[i+1] == '\n':
			return fields, i + 2, true
		case len(fields) == most:
			return nil, 0, false
		}
		start := i
		for i < len(text) && strings.IndexByte("!#$%&'*+-.^_`|~", text[i]) >= 0 || i < len(text) && (text[i]|0x20 >= 'a' && text[i]|0x20 <= 'z' || text[i] >= '0' && text[i] <= '9') {
			i++
		}
		if i == len(text) {
			return nil, 0, true
		}
		if i == start || text[i] != ':' {
			return nil, 0, false
		}
		name := string(text[start:i])
		var value []byte
		for i++; ; {
			if i == len(text) {
				return nil, 0, true
			}
			c, end := text[i], 0
			switch {
			case c == '\n':
				end = 1
			case c == '\r' && i+1 == len(text):
				return nil, 0, true
			case c == '\r' && text[i+1] == '\n':
				end = 2
			case c < ' ' && c != '\t' || c == 0x7f:
				return nil, 0, false
			}
			if end == 0 {
				value = append(value, c)
				i++
				continue
			}
			if i += end; i < len(text) && (text[i] == ' ' || text[i] == '\t') {
				value = append(value, "  "[:end]...) // obs-fold
				continue
			}
			break
		}
		fields = append(fields, [2]string{name, strings.Trim(string(value), " \t")})
	}
	return nil, 0, true
}

// FuzzFieldsReference: what vectors find is what one byte after the other gives,
// whatever lies behind the text, and however little room there is.
func FuzzFieldsReference(f *testing.F) {
	for _, s := range []string{
		"", "\r", "\r\n", "\n", "A: b\r\n\r\nrest", "A:b\n\n", "A: b\r\n c\r\n\t\r\n\r\n", "A: b\r\n \r\n", "A : b\r\n\r\n", "A: b\rc\r\n\r\n",
		"A: b\r\n\rX", "A", "A:", "A: b\r", twentyFields + "\r\n", strings.Repeat("x", 300) + ": " + strings.Repeat("y ", 300) + "\r\n\r\n",
		"!#$%&'*+-.^_`|~09: \x80\xff\t\r\n\r\n", "A: \x7f\r\n\r\n", "A:" + strings.Repeat(" ", 254) + "\r\n\r\n", "é: b\r\n\r\n", ": b\r\n\r\n",
	} {
		f.Add([]byte(s), []byte("\r\n\r\n"), 3)
	}
	f.Fuzz(func(t *testing.T, text, behind []byte, most int) {
		most = min(max(most, 1), 40)
		want, after, ok := slowFields(text, most)
		room := append(append(append([]byte(nil), text...), behind...), make([]byte, 2*blockSize)...)
		tight := bytes.Clone(text)
		for _, b := range [][]byte{room[:len(text)], tight[:len(text):len(text)]} {
			for _, index := range []int{0, 2, 40} {
				var got Fields
				got.SetIndex(make([]Span, 0, index))
				n, err := got.ParseOpen(bytes.Clone(b), 0, most)
				if cap(b) > len(b) { // with what lies behind
					full := append([]byte(nil), room...)
					n, err = got.ParseOpen(full[:len(text)], 0, most)
					if !bytes.Equal(full[len(text):], room[len(text):]) {
						t.Fatal("bytes behind the text were changed")
					}
				}
				// An error may be seen before the rest has come, and only then.
				if (err == nil) != ok || n != after {
					t.Fatalf("%q, %d fields: %d, %v, want %d, %t", text, most, n, err, after, ok)
				}
				if n == 0 {
					continue
				}
				if got.Len() != len(want) {
					t.Fatalf("%q: %d fields, want %q", text, got.Len(), want)
				}
				for i, w := range want {
					if name, value := got.Peek(i); name != w[0] || value != w[1] {
						t.Fatalf("%q: field %d is %q %q, want %q", text, i, name, value, w)
					}
					if at := got.Index(w[0], 0); at < 0 || at > i {
						t.Fatalf("%q: %q is found at %d", text, w[0], at)
					}
				}
			}
		}
	})
}

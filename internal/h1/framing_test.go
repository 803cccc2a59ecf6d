package h1_test

import (
	"errors"
	"math"
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

// head is a response head with that status line end, such as "1.1 200", and
// fields.
func head(t testing.TB, start, fields string) *message.Head {
	t.Helper()
	var h message.Head
	if _, _, err := h1.ParseHead([]byte("HTTP/"+start+" X\r\n"+fields+"\r\n"), 0, &h, h1.Limits{}); err != nil {
		t.Fatal(err)
	}
	return &h
}

func TestResponseFraming(t *testing.T) {
	const chunked, five = "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n"
	type F = h1.Framing
	for _, c := range []struct {
		name, method, start, fields string
		want                        h1.Framing
		err                         string
	}{
		// RFC 9112, section 6.3, rule by rule.
		{"1: HEAD", "HEAD", "1.1 200", five, F{}, ""},
		{"1: HEAD with a wrong length", "HEAD", "1.1 200", "Content-Length: x\r\n", F{}, ""},
		{"1: 100", "POST", "1.1 100", five, F{}, ""},
		{"1: 101", "GET", "1.1 101", chunked, F{}, ""},
		{"1: 204", "GET", "1.1 204", "", F{}, ""},
		{"1: 204 with a length of 0", "GET", "1.1 204", "Content-Length: 0\r\n", F{}, ""},
		{"1: 204 with a length", "GET", "1.1 204", five, F{Ambiguous: true}, ""},
		{"1: 204 chunked", "GET", "1.1 204", chunked, F{Ambiguous: true}, ""},
		{"1: 304", "GET", "1.1 304", five, F{}, ""},
		{"1: 304 chunked", "GET", "1.1 304", chunked, F{}, ""},
		{"1: head in lower case is another method", "head", "1.1 200", five, F{Kind: h1.Length, Length: 5}, ""},
		{"2: CONNECT", "CONNECT", "1.1 200", five + chunked, F{}, ""},
		{"2: CONNECT refused", "CONNECT", "1.1 407", five, F{Kind: h1.Length, Length: 5}, ""},
		{"3: TE.CL", "GET", "1.1 200", chunked + five, F{Kind: h1.ChunkedBody, Ambiguous: true}, ""},
		{"3: CL.TE", "GET", "1.1 200", five + chunked, F{Kind: h1.ChunkedBody, Ambiguous: true}, ""},
		{"3: with a wrong length", "GET", "1.1 200", "Content-Length: -1\r\n" + chunked, F{Kind: h1.ChunkedBody, Ambiguous: true}, ""},
		{"4: chunked", "GET", "1.1 200", chunked, F{Kind: h1.ChunkedBody}, ""},
		{"4: case", "GET", "1.1 200", "tRANSFER-eNCODING: ChUnKeD\r\n", F{Kind: h1.ChunkedBody}, ""},
		{"4: empty members", "GET", "1.1 200", "Transfer-Encoding: ,chunked , \r\n", F{Kind: h1.ChunkedBody}, ""},
		{"4: not last", "GET", "1.1 200", "Transfer-Encoding: chunked, identity\r\n", F{}, `a transfer coding after chunked: "identity"`},
		{"4: not last, in two lines", "GET", "1.1 200", chunked + "Transfer-Encoding: identity\r\n", F{}, `a transfer coding after chunked: "identity"`},
		{"4: identity", "GET", "1.1 200", "Transfer-Encoding: identity\r\n" + five, F{Kind: h1.UntilClose, Ambiguous: true}, ""},
		{"4: identity first", "GET", "1.1 200", "Transfer-Encoding: identity, chunked\r\n", F{Kind: h1.ChunkedBody}, ""},
		{"5: not digits", "GET", "1.1 200", "Content-Length: five\r\n", F{}, `not a Content-Length: "five"`},
		{"5: a sign", "GET", "1.1 200", "Content-Length: +5\r\n", F{}, `not a Content-Length: "+5"`},
		{"5: negative", "GET", "1.1 200", "Content-Length: -5\r\n", F{}, `not a Content-Length: "-5"`},
		{"5: hexadecimal", "GET", "1.1 200", "Content-Length: 0x5\r\n", F{}, `not a Content-Length: "0x5"`},
		{"5: a fraction", "GET", "1.1 200", "Content-Length: 5.0\r\n", F{}, `not a Content-Length: "5.0"`},
		{"5: a space", "GET", "1.1 200", "Content-Length: 5 5\r\n", F{}, `not a Content-Length: "5 5"`},
		{"5: empty", "GET", "1.1 200", "Content-Length:\r\n", F{}, "not a Content-Length"},
		{"5: overflow", "GET", "1.1 200", "Content-Length: 9223372036854775808\r\n", F{}, `not a Content-Length: "9223372036854775808"`},
		{"5: overflow of 64 bits to 5", "GET", "1.1 200", "Content-Length: 18446744073709551621\r\n", F{}, `not a Content-Length: "18446744073709551621"`},
		{"5: two", "GET", "1.1 200", five + "Content-Length: 6\r\n", F{}, `different values of Content-Length: "5 and 6"`},
		{"5: two in a list", "GET", "1.1 200", "Content-Length: 5, 6\r\n", F{}, `different values of Content-Length: "5 and 6"`},
		{"5: an empty member", "GET", "1.1 200", "Content-Length: 5,\r\n", F{}, `different values of Content-Length: "5 and "`},
		{"5: the same number written in two ways", "GET", "1.1 200", "Content-Length: 5, 05\r\n", F{}, `different values of Content-Length: "5 and 05"`},
		{"5: obs-fold", "GET", "1.1 200", "Content-Length: 1\r\n 2\r\n", F{}, `not a Content-Length: "1   2"`},
		{"6: a length", "GET", "1.1 200", five, F{Kind: h1.Length, Length: 5}, ""},
		{"6: zero", "GET", "1.1 205", "Content-Length: 0\r\n", F{Kind: h1.Length}, ""},
		{"6: leading zeros", "GET", "1.1 200", "Content-Length: 005\r\n", F{Kind: h1.Length, Length: 5}, ""},
		{"6: the largest", "GET", "1.1 200", "Content-Length: 9223372036854775807\r\n", F{Kind: h1.Length, Length: math.MaxInt64}, ""},
		{"6: identical lines", "GET", "1.1 200", five + five, F{Kind: h1.Length, Length: 5}, ""},
		{"6: an identical list", "GET", "1.1 200", "Content-Length: 5, 5 ,5\r\n", F{Kind: h1.Length, Length: 5}, ""},
		{"8: neither", "GET", "1.1 200", "", F{Kind: h1.UntilClose}, ""},

		{"an unknown coding", "GET", "1.1 200", "Transfer-Encoding: gzip, chunked\r\n", F{}, `a transfer coding that is not understood: "gzip"`},
		{"an unknown coding last", "GET", "1.1 200", "Transfer-Encoding: chunked, gzip\r\n", F{}, `a transfer coding that is not understood: "gzip"`},
		{"nearly chunked", "GET", "1.1 200", "Transfer-Encoding: xchunked\r\n", F{}, `a transfer coding that is not understood: "xchunked"`},
		{"chunked with a parameter", "GET", "1.1 200", "Transfer-Encoding: chunked;a=b\r\n", F{}, `a transfer coding that is not understood: "chunked;a=b"`},
		{"chunked in quotes", "GET", "1.1 200", "Transfer-Encoding: \"chunked\"\r\n", F{}, `a transfer coding that is not understood: "\"chunked\""`},
		{"chunked without a comma", "GET", "1.1 200", "Transfer-Encoding: chunked chunked\r\n", F{}, `a transfer coding that is not understood: "chunked chunked"`},
		{"chunked twice", "GET", "1.1 200", "Transfer-Encoding: chunked, chunked\r\n", F{}, "the chunked transfer coding twice"},
		{"chunked twice, in two lines", "GET", "1.1 200", chunked + chunked, F{}, "the chunked transfer coding twice"},
		{"no coding", "GET", "1.1 200", "Transfer-Encoding:\r\n" + five, F{}, "Transfer-Encoding without a coding"},
		{"no coding but commas", "GET", "1.1 200", "Transfer-Encoding: , ,\r\n", F{}, "Transfer-Encoding without a coding"},
		// RFC 9112, section 6.1: faulty framing, whatever else is there.
		{"chunked in HTTP/1.0", "GET", "1.0 200", chunked, F{Kind: h1.ChunkedBody, Ambiguous: true}, ""},
		{"a length in HTTP/1.0", "GET", "1.0 200", five, F{Kind: h1.Length, Length: 5}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := h1.ResponseFraming(c.method, head(t, c.start, c.fields))
			if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("%+v, %v; want %+v, %s", got, err, c.want, c.err)
			}
			var m *message.Malformed
			if err != nil && !errors.As(err, &m) {
				t.Errorf("%T", err)
			}
		})
	}
}

package h1_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

// dechunk decodes body, given in pieces of at most step bytes. used is how much
// of it was taken.
func dechunk(c *h1.Chunked, body []byte, step int) (data []byte, used int, err error) {
	for !c.Done && used < len(body) {
		src := body[used:min(used+step, len(body))]
		if c.Left > 0 {
			k := int(min(int64(len(src)), c.Left))
			data = append(data, src[:k]...)
			used += k
			c.Left -= int64(k)
			continue
		}
		n, err := c.Advance(src)
		used += n
		if err != nil {
			return data, used, err
		}
		if n < len(src) && c.Left == 0 && !c.Done {
			return data, used, errors.New("stopped without a reason")
		}
	}
	return data, used, nil
}

func TestChunked(t *testing.T) {
	for _, c := range []struct{ name, in, rest, data, trailer string }{
		{"empty", "0\r\n\r\n", "", "", ""},
		{"two chunks", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "", "hello world", ""},
		{"bytes after it", "1\r\na\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "a", ""},
		{"hexadecimal", "A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", "", "01234567890123456789a", ""},
		{"CRLF in the data", "4\r\n\r\n0\r\r\n0\r\n\r\n", "", "\r\n0\r", ""},
		{"leading zeros", "0000000000000001\r\na\r\n0000\r\n\r\n", "", "a", ""},
		// RFC 9112, section 7.1.1.
		{"extensions", "1;a;b=c;d=\"e;\\\"f\"\r\na\r\n0;last\r\n\r\n", "", "a", ""},
		{"spaces around an extension", "1 ; a = b\t\r\na\r\n0\r\n\r\n", "", "a", ""},
		// docs/leniency.md: spaces after a chunk size
		{"spaces after the size", "1   \r\na\r\n0 \t\r\n\r\n", "", "a", ""},
		{"a trailer", "1\r\na\r\n0\r\nX-Sum: 5\r\nY:z\r\n\r\n", "\r\n", "a", "X-Sum: 5\r\nY: z\r\n"},
		{"a folded trailer", "0\r\nX: a\r\n b\r\n\r\n", "x", "", "X: a   b\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d h1.Chunked
			for step := 1; step <= len(c.in)+1; step++ {
				d.Reset(0, 0)
				data, used, err := dechunk(&d, []byte(c.in+c.rest), step)
				if err != nil || !d.Done || used != len(c.in) || string(data) != c.data || d.Trailer().Lines() != c.trailer {
					t.Fatalf("pieces of %d: %q, %d bytes, done %v, trailer %q, %v", step, data, used, d.Done, d.Trailer().Lines(), err)
				}
				for cut := range len(c.in) {
					d.Reset(0, 0)
					if _, used, err := dechunk(&d, []byte(c.in[:cut]), step); err != nil || d.Done || used != cut {
						t.Fatalf("cut at %d: done %v, %d bytes, %v", cut, d.Done, used, err)
					}
				}
			}
		})
	}
}

func TestChunkedRejects(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no size", "\r\nhello", `no chunk size where one must be: "\r"`},
		{"an extension without a size", ";a\r\n", `no chunk size where one must be: ";"`},
		{"not hexadecimal", "g\r\n", `no chunk size where one must be: "g"`},
		{"a sign", "+5\r\nhello\r\n", `no chunk size where one must be: "+"`},
		{"negative", "-5\r\nhello\r\n", `no chunk size where one must be: "-"`},
		{"a space before the size", " 5\r\nhello\r\n", `no chunk size where one must be: " "`},
		{"0x", "0x5\r\nhello\r\n", `a byte that does not belong in the line of a chunk size: "x"`},
		{"two sizes", "5 5\r\nhello\r\n", `a byte that does not belong in the line of a chunk size: "5"`},
		{"an underscore", "1_0\r\n", `a byte that does not belong in the line of a chunk size: "_"`},
		{"NUL in an extension", "5;a\x00\r\nhello\r\n", `a byte that does not belong in the line of a chunk size: "\x00"`},
		{"DEL in an extension", "5;\x7f\r\nhello\r\n", `a byte that does not belong in the line of a chunk size: "\x7f"`},
		{"LF after the size", "5\nhello\r\n0\r\n\r\n", `LF without CR in the line of a chunk size: "\n"`},
		{"LF in an extension", "5;a\nhello\r\n0\r\n\r\n", `LF without CR in the line of a chunk size: "\n"`},
		{"CR in an extension", "5;a\rb\r\nhello\r\n", `CR without LF in the line of a chunk size: "b"`},
		{"two CRs", "5\r\r\nhello\r\n", `CR without LF in the line of a chunk size: "\r"`},
		{"data too long", "5\r\nhello!\r\n0\r\n\r\n", `no CRLF after the data of a chunk: "!"`},
		{"LF after the data", "5\r\nhello\n0\r\n\r\n", `no CRLF after the data of a chunk: "\n"`},
		{"CR after the data", "5\r\nhello\r0\r\n\r\n", `no CRLF after the data of a chunk: "0"`},
		{"nothing after the data", "5\r\nhello0\r\n\r\n", `no CRLF after the data of a chunk: "0"`},
		{"63 bits", "8000000000000000\r\n", "a chunk size that does not fit"},
		{"64 bits and 5", "10000000000000005\r\nhello", "a chunk size that does not fit"},
		{"endless zeros", strings.Repeat("0", 17), "a chunk size that does not fit"},
		{"endless extension", "5;" + strings.Repeat("a", 16<<10), "chunk extensions of more than 16384 bytes"},
		{"endless spaces", "5" + strings.Repeat(" ", 16<<10+1), "chunk extensions of more than 16384 bytes"},
		{"many extensions", strings.Repeat("1;aaaa\r\nx\r\n", 4000), "chunk extensions of more than 16384 bytes"},
		{"LF for the empty line", "0\r\n\n", "LF without CR in the trailer section"},
		{"LF after the last chunk", "0\n\r\n", `LF without CR in the line of a chunk size: "\n"`},
		{"LF after a trailer field", "0\r\nA: b\n\r\n", "LF without CR in the trailer section"},
		{"CR at the end", "0\r\n\rx", `CR without LF at the end of a chunked body: "x"`},
		{"a trailer without a colon", "0\r\ngarbage\r\n\r\n", `a field line without a colon: "garbage"`},
		{"a trailer with a space before the colon", "0\r\nA : b\r\n\r\n", `whitespace between a field's name and the colon: "A "`},
		{"a trailer with a CR", "0\r\nA: b\rc\r\n\r\n", `CR without LF in the value of a field: "A"`},
		{"a trailer that begins with space", "0\r\n A: b\r\n\r\n", "whitespace before the first field"},
		{"endless trailer", "0\r\nA: " + strings.Repeat("x", 256<<10), "a trailer section of more than 262144 bytes"},
		{"endless trailers", "0\r\n" + strings.Repeat("A: b\r\n", 1001) + "\r\n", "more than 1000 fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 3, len(c.in)} {
				var d h1.Chunked
				d.Reset(0, 0)
				_, _, err := dechunk(&d, []byte(c.in), step)
				var m *message.Malformed
				if !errors.As(err, &m) || err.Error() != c.want {
					t.Fatalf("pieces of %d: %v\nwant %s", step, err, c.want)
				}
			}
		})
	}
}

func TestChunkedLargest(t *testing.T) {
	var d h1.Chunked
	d.Reset(0, 0)
	if n, err := d.Advance([]byte("7fffffffffffffff\r\n")); n != 18 || err != nil || d.Left != 1<<63-1 {
		t.Fatal(n, err, d.Left)
	}
}

// TestChunkedTrailerIsOwn keeps a trailer while its decoder goes on.
func TestChunkedTrailerIsOwn(t *testing.T) {
	var d h1.Chunked
	var kept []message.Fields
	for i := range 3 {
		d.Reset(100, 10)
		body := fmt.Appendf(nil, "0\r\nX: %d\r\n\r\n", i)
		if _, _, err := dechunk(&d, body, 4); err != nil {
			t.Fatal(err)
		}
		clear(body)
		kept = append(kept, d.Trailer())
	}
	d.Reset(0, 0)
	for i, f := range kept {
		if got := f.Get("x"); got != fmt.Sprint(i) {
			t.Errorf("%d: %q", i, got)
		}
	}
	if got := d.Trailer(); got.Len() != 0 {
		t.Error("a trailer after Reset")
	}
}

func TestChunkedAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	body := []byte("5;x\r\nhello\r\n0\r\n\r\n")
	var d h1.Chunked
	buf := make([]byte, 0, 100)
	var none message.Fields
	if n := testing.AllocsPerRun(100, func() {
		d.Reset(0, 0)
		n, err := d.Advance(body)
		d.Left = 0
		m, err2 := d.Advance(body[n+5:])
		if err != nil || err2 != nil || !d.Done || n+5+m != len(body) {
			t.Error(err, err2)
		}
		buf = h1.AppendChunkSize(buf[:0], 1000)
		buf = h1.AppendLastChunk(buf, none)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAppendChunks(t *testing.T) {
	var trailer message.Fields
	trailer.Add("X-Sum", "1")
	var body []byte
	for _, data := range []string{"hello", strings.Repeat("x", 300)} {
		body = h1.AppendChunkSize(body, int64(len(data)))
		body = append(body, data...)
		body = append(body, "\r\n"...)
	}
	body = h1.AppendLastChunk(body, trailer)
	want := "5\r\nhello\r\n12c\r\n" + strings.Repeat("x", 300) + "\r\n0\r\nX-Sum: 1\r\n\r\n"
	if string(body) != want {
		t.Fatalf("%q", body)
	}
	var d h1.Chunked
	d.Reset(0, 0)
	data, used, err := dechunk(&d, body, 7)
	if err != nil || used != len(body) || !slices.Equal(data, []byte("hello"+strings.Repeat("x", 300))) {
		t.Fatalf("%q, %d, %v", data, used, err)
	}
}

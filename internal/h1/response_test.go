package h1_test

import (
	"errors"
	"strings"
	"testing"

	"sonde/internal/h1"
	"sonde/internal/message"
)

func TestParseHead(t *testing.T) {
	for _, c := range []struct {
		name, in, rest string
		status         int
		minor          uint8
		reason, lines  string
	}{
		{"RFC 9112, section 1", "HTTP/1.1 200 OK\r\nDate: Mon, 27 Jul 2009 12:28:53 GMT\r\nContent-Length: 51\r\n\r\n", "Hello",
			200, 1, "OK", "Date: Mon, 27 Jul 2009 12:28:53 GMT\r\nContent-Length: 51\r\n"},
		{"no fields", "HTTP/1.1 404 Not Found\r\n\r\n", "", 404, 1, "Not Found", ""},
		{"an empty reason", "HTTP/1.1 200 \r\nA: b\r\n\r\n", "", 200, 1, "", "A: b\r\n"},
		{"a reason beyond ASCII", "HTTP/1.1 200 Geh\xc3\xb6rt\t!\r\n\r\n", "", 200, 1, "Geh\xc3\xb6rt\t!", ""},
		{"HTTP/1.0", "HTTP/1.0 301 Moved\r\n\r\n", "HTTP/1.1 ", 301, 0, "Moved", ""},
		{"informational", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 103, 1, "Early Hints", "Link: </a>\r\n"},
		{"a status of no class", "HTTP/1.1 999 What\r\n\r\n", "", 999, 1, "What", ""},
		// docs/leniency.md
		{"no reason and no space", "HTTP/1.1 200\r\nA: b\r\n\r\n", "", 200, 1, "", "A: b\r\n"},
		{"spaces before the status", "HTTP/1.0   401 No\r\nA: b\r\n\r\n", "HTTP", 401, 0, "No", "A: b\r\n"},
		{"spaces before the status, no reason", "HTTP/1.1  200\r\n\r\n", "", 200, 1, "", ""},
		{"LF", "HTTP/1.1 200 OK\nA: b\n\n", "\n", 200, 1, "OK", "A: b\r\n"},
		{"LF after CRLF", "HTTP/1.1 200 OK\r\nA: b\r\n\n", "\r\n", 200, 1, "OK", "A: b\r\n"},
		{"CRLF after LF", "HTTP/1.1 200 OK\nA: b\n\r\n", "x", 200, 1, "OK", "A: b\r\n"},
		{"obs-fold", "HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\r\n", "", 200, 1, "OK", "A: b    c\r\n"},
		{"a later minor version", "HTTP/1.2 200 OK\r\n\r\n", "", 200, 2, "OK", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(h *message.Head, n int, err error) {
				t.Helper()
				if err != nil || n != len(c.in) {
					t.Fatalf("%d bytes, %v", n, err)
				}
				if h.Status != c.status || h.Major != 1 || h.Minor != c.minor || h.Reason != c.reason || h.Fields.Lines() != c.lines {
					t.Fatalf("%+v %q", h, h.Fields.Lines())
				}
			}
			var h message.Head
			n, _, err := h1.ParseHead([]byte(c.in+c.rest), 0, &h, h1.Limits{})
			check(&h, n, err)
			// The same, byte by byte, in a buffer that moves each time.
			h = message.Head{Status: 1, Reason: "old"}
			for from, size := 0, 0; ; size++ {
				n, next, err := h1.ParseHead([]byte(c.in + c.rest)[:size:size], from, &h, h1.Limits{})
				if n == 0 && err == nil && size < len(c.in) {
					if next != size || h.Status != 1 {
						t.Fatalf("%d bytes: next %d, %+v", size, next, h)
					}
					from = next
					continue
				}
				check(&h, n, err)
				break
			}
		})
	}
}

func TestParseHeadRejects(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct{ name, in, want string }{
		{"another protocol", "SSH-2.0-OpenSSH_9.6\r\n", `not an HTTP response: "SSH-2.0-OpenSSH_9.6\r\n"`},
		{"the first byte tells", "S", `not an HTTP response: "S"`},
		{"lower case", "http/1.1 200 OK\r\n\r\n", `not an HTTP response: "http/1.1 200 OK\r\n\r\n"`},
		{"HTTP/0.9", "<html>hello</html>", `not an HTTP response: "<html>hello</html>"`},
		{"TLS", "\x15\x03\x01\x00\x02\x02\x16", `a TLS record, not an HTTP response: "\x15\x03\x01\x00\x02"`},
		{"HTTP/2", "\x00\x00\x12\x04\x00\x00\x00\x00\x00", `an HTTP/2 frame, not an HTTP/1 response: "\x00\x00\x12\x04"`},
		{"an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", "an empty line before the status line"},
		{"HTTP/2 in text", "HTTP/2.0 200 OK\r\n\r\n", `not version 1 of HTTP in an answer to an HTTP/1.1 request: "HTTP/2.0"`},
		{"HTTP/2 for short", "HTTP/2 200 OK\r\n\r\n", `not a status line: "HTTP/2 200 OK"`},
		{"two digits in the version", "HTTP/1.10 200 OK\r\n\r\n", `not a status line: "HTTP/1.10 200 OK"`},
		{"no status", "HTTP/1.1\r\n\r\n", `not a status line: "HTTP/1.1"`},
		{"no status after a space", "HTTP/1.1 \r\n\r\n", `not a status code of three digits: "HTTP/1.1 "`},
		{"a tab before the status", "HTTP/1.1 \t200 OK\r\n\r\n", `not a status code of three digits: "HTTP/1.1 \t200 OK"`},
		{"spaces and no status", "HTTP/1.1   \r\n\r\n", `not a status code of three digits: "HTTP/1.1   "`},
		{"two digits", "HTTP/1.1 20 OK\r\n\r\n", `not a status code of three digits: "HTTP/1.1 20 OK"`},
		{"four digits", "HTTP/1.1 2000 OK\r\n\r\n", `no space after the status code: "HTTP/1.1 2000 OK"`},
		{"a sign", "HTTP/1.1 +20 OK\r\n\r\n", `not a status code of three digits: "HTTP/1.1 +20 OK"`},
		{"status 099", "HTTP/1.1 099 OK\r\n\r\n", `not a status code of three digits: "HTTP/1.1 099 OK"`},
		{"no space before the reason", "HTTP/1.1 200OK\r\n\r\n", `no space after the status code: "HTTP/1.1 200OK"`},
		{"a tab before the reason", "HTTP/1.1 200\tOK\r\n\r\n", `no space after the status code: "HTTP/1.1 200\tOK"`},
		{"CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", "byte 0x0d in the reason phrase"},
		{"NUL in the reason", "HTTP/1.1 200 O\x00K\r\n\r\n", "byte 0x00 in the reason phrase"},
		{"whitespace before the first field", ok + " A: b\r\n\r\n", "whitespace before the first field"},
		{"space before a colon", ok + "Content-Length : 5\r\n\r\n", `whitespace between a field's name and the colon: "Content-Length "`},
		{"bare CR in a value", ok + "A: b\rContent-Length: 5\r\n\r\n", `CR without LF in the value of a field: "A"`},
		{"CR before the empty line", ok + "A: b\r\n\r\r\n\r\n", `a field line without a colon: "\r"`},
		{"NUL in a value", ok + "A: \x00\r\n\r\n", `byte 0x00 in the value of a field: "A"`},
		{"no colon", ok + "Content-Length 5\r\n\r\n", `a field line without a colon: "Content-Length 5"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h message.Head
			n, _, err := h1.ParseHead([]byte(c.in), 0, &h, h1.Limits{})
			var m *message.Malformed
			if n != 0 || !errors.As(err, &m) || err.Error() != c.want {
				t.Errorf("%d, %v\nwant %s", n, err, c.want)
			}
		})
	}
}

func TestParseHeadLimits(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n"
	var h message.Head
	for _, c := range []struct {
		in   string
		lim  h1.Limits
		want string
	}{
		{head, h1.Limits{Head: len(head), Fields: 2}, ""},
		{head + "body", h1.Limits{Head: len(head), Fields: 2}, ""},
		{head, h1.Limits{Head: len(head) - 1}, "a response head of more than 30 bytes"},
		{head[:20], h1.Limits{Head: 20}, "a response head of more than 20 bytes"},
		{head[:19], h1.Limits{Head: 20}, ""},
		{head, h1.Limits{Fields: 1}, "more than 1 fields"},
		{"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 256<<10), h1.Limits{}, "a response head of more than 262144 bytes"},
		{"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1001) + "\r\n", h1.Limits{}, "more than 1000 fields"},
	} {
		_, _, err := h1.ParseHead([]byte(c.in), 0, &h, c.lim)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%.40q: %v", c.in, err)
		case c.want != "" && (err == nil || err.Error() != c.want || !errors.Is(err, message.ErrLimit)):
			t.Errorf("%.40q: %v, want %s", c.in, err, c.want)
		}
	}
}

// TestParseHeadIsLinear lets a large head drip in: a second look at old bytes
// would take minutes.
func TestParseHeadIsLinear(t *testing.T) {
	in := []byte("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 200<<10) + "\r\n" + strings.Repeat("B: c\r\n", 900) + "\r\n")
	var h message.Head
	from := 0
	for size := 1; size < len(in); size++ {
		n, next, err := h1.ParseHead(in[:size], from, &h, h1.Limits{})
		if n != 0 || err != nil {
			t.Fatal(n, err)
		}
		from = next
	}
	if n, _, err := h1.ParseHead(in, from, &h, h1.Limits{}); n != len(in) || err != nil || h.Fields.Len() != 901 {
		t.Fatal(n, err)
	}
}

// TestParseHeadPoison writes over the buffer after the head was moved out of it.
func TestParseHeadPoison(t *testing.T) {
	for _, move := range []string{"Detach", "CopyInto"} {
		buf := []byte("HTTP/1.1 200 Fine\r\nA: b\r\n c\r\n\r\n")
		var h message.Head
		if _, _, err := h1.ParseHead(buf, 0, &h, h1.Limits{}); err != nil {
			t.Fatal(err)
		}
		if move == "Detach" {
			h.Detach()
		} else {
			h.CopyInto(make([]byte, 0, 64))
		}
		for i := range buf {
			buf[i] = 0xdb
		}
		if h.Reason != "Fine" || h.Fields.Get("a") != "b   c" {
			t.Errorf("%s: %+v", move, h)
		}
	}
}

func TestParseHeadAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	buf := benchHead(20)
	var h message.Head
	h.Fields.SetIndex(make([]message.Span, 0, 32))
	if n := testing.AllocsPerRun(100, func() {
		h1.ParseHead(buf[:100], 0, &h, h1.Limits{})
		h1.ParseHead(buf, 100, &h, h1.Limits{})
		f, err := h1.ResponseFraming("GET", &h)
		if reuse, _, _, _ := h1.KeepAlive(&h, f); !reuse || err != nil || f.Length != 200 {
			t.Error(reuse, f, err)
		}
		h.Reset()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

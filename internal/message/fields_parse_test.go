package message

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func parse(t testing.TB, lines string) Fields {
	t.Helper()
	var f Fields
	if err := f.Parse([]byte(lines), 0, 100); err != nil {
		t.Fatalf("Parse(%q): %v", lines, err)
	}
	return f
}

func TestFieldsParse(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"none", "", ""},
		{"one", "Host: example.com\r\n", "Host: example.com\r\n"},
		{"no space", "A:b\r\n", "A: b\r\n"},
		{"spaces and tabs around", "A: \t b c\t \r\n", "A: b c\r\n"},
		{"empty value", "A:\r\nB: \r\n", "A: \r\nB: \r\n"},
		{"order, case and repeats stay", "b: 1\r\nA: 2\r\nB: 3\r\n", "b: 1\r\nA: 2\r\nB: 3\r\n"},
		{"colons in the value", "A: b:c: d\r\n", "A: b:c: d\r\n"},
		{"all of tchar", "!#$%&'*+-.^_`|~09azAZ: x\r\n", "!#$%&'*+-.^_`|~09azAZ: x\r\n"},
		{"obs-text", "A: \x80\xff\r\n", "A: \x80\xff\r\n"},
		{"tab in the value", "A: b\tc\r\n", "A: b\tc\r\n"},
		// docs/leniency.md: obs-fold
		{"obs-fold", "A: b\r\n c\r\nD: e\r\n", "A: b   c\r\nD: e\r\n"},
		{"obs-fold with a tab", "A: b\r\n\tc\r\n", "A: b  \tc\r\n"},
		{"obs-fold before the value", "A:\r\n b\r\n", "A: b\r\n"},
		{"obs-fold of nothing", "A: b\r\n  \r\nC: d\r\n", "A: b\r\nC: d\r\n"},
		{"obs-fold twice", "A: b\r\n c\r\n d\r\n", "A: b   c   d\r\n"},
		{"obs-fold cannot hide a field", "A: b\r\n Content-Length: 5\r\n", "A: b   Content-Length: 5\r\n"},
		// docs/leniency.md: LF as a line end
		{"LF", "A: b\nC: d\n", "A: b\r\nC: d\r\n"},
		{"LF with obs-fold", "A: b\n c\n", "A: b  c\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, c.lines)
			if got := f.Lines(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFieldsParseRejects(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"space before the colon", "Content-Length : 5\r\n", "whitespace between a field's name and the colon: \"Content-Length \""},
		{"tab before the colon", "A\t: b\r\n", "whitespace between a field's name and the colon: \"A\\t\""},
		{"space in the name", "A B: c\r\n", "byte 0x20 in a field's name: \"A B\""},
		{"no name", ": x\r\n", "a field without a name"},
		{"no colon", "garbage\r\n", "a field line without a colon: \"garbage\""},
		{"leading space", " A: b\r\n", "whitespace before the first field"},
		{"leading tab", "\tA: b\r\n", "whitespace before the first field"},
		{"NUL in the name", "A\x00: b\r\n", "byte 0x00 in a field's name: \"A\\x00\""},
		{"obs-text in the name", "\xc3\xa4: b\r\n", "byte 0xc3 in a field's name: \"ä\""},
		{"CR in the name", "A\rB: b\r\n", "byte 0x0d in a field's name: \"A\\rB\""},
		{"NUL in the value", "A: b\x00c\r\n", "byte 0x00 in the value of a field: \"A\""},
		{"DEL in the value", "A: b\x7fc\r\n", "byte 0x7f in the value of a field: \"A\""},
		{"escape in the value", "A: \x1b[2J\r\n", "byte 0x1b in the value of a field: \"A\""},
		{"bare CR", "A: b\rC: d\r\n", "CR without LF in the value of a field: \"A\""},
		{"two CRs", "A: b\r\r\n", "CR without LF in the value of a field: \"A\""},
		{"CR at the end", "A: b\r", "CR without LF in the value of a field: \"A\""},
		{"no line end", "A: b", "no line end after a field: \"A\""},
		{"empty line", "A: b\r\n\r\nC: d\r\n", "a field line without a colon"},
		{"name alone at the end", "A", "a field line without a colon: \"A\""},
		{"a space in a line that is not whole", "A b", "byte 0x20 in a field's name: \"A\""},
		{"a secret is not shown", "Set-Cookie: secret\x01\r\n", "byte 0x01 in the value of a field: \"Set-Cookie\""},
		{"long name", strings.Repeat("x", 60) + "\x01: b\r\n", "byte 0x01 in a field's name: \"" + strings.Repeat("x", 40) + "…\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, "Old: 1\r\n")
			err := f.Parse([]byte(c.lines), 0, 100)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			var m *Malformed
			if !errors.As(err, &m) || errors.Is(err, ErrLimit) {
				t.Errorf("%#v is not a Malformed about grammar", err)
			}
			if f.Len() != 0 || f.Lines() != "" {
				t.Error("fields after an error")
			}
		})
	}
}

// TestFieldsParseEveryByte puts every byte at every place of a value as long as
// two words, so that neither the wide nor the narrow path can differ.
func TestFieldsParseEveryByte(t *testing.T) {
	for c := range 256 {
		for at := range 19 {
			value := []byte("aaaaaaaaaaaaaaaaaaa")
			value[at] = byte(c)
			line := "N: " + string(value) + "\r\n"
			var f Fields
			err := f.Parse([]byte(line), 0, 10)
			bad := c < 0x20 && c != '\t' || c == 0x7f
			if c == '\n' {
				continue // ends the line
			}
			if bad != (err != nil) {
				t.Fatalf("byte %#02x at %d: %v", c, at, err)
			}
			if !bad && f.Get("n") != strings.Trim(string(value), " \t") {
				t.Fatalf("byte %#02x at %d: %q", c, at, f.Get("n"))
			}
		}
	}
}

func TestFieldsParseLimit(t *testing.T) {
	lines := []byte(strings.Repeat("A: b\r\n", 4))
	var f Fields
	if err := f.Parse(lines, 0, 4); err != nil {
		t.Fatal(err)
	}
	err := f.Parse(lines, 0, 3)
	if !errors.Is(err, ErrLimit) || err.Error() != "more than 3 fields" {
		t.Fatal(err)
	}
}

func TestFieldsParseFrom(t *testing.T) {
	text := []byte("HTTP/1.1 200 OK\r\nA: b\r\n")
	var f Fields
	if err := f.Parse(text, 17, 10); err != nil {
		t.Fatal(err)
	}
	check := func(state string) {
		t.Helper()
		if f.Len() != 1 || f.Get("a") != "b" || f.Lines() != "A: b\r\n" {
			t.Errorf("%s: %q", state, f.Lines())
		}
	}
	check("borrowed")
	f.CopyInto(nil)
	check("copied")
	f.Detach()
	check("detached")
	if err := f.Add("C", "d"); err != nil || f.Lines() != "A: b\r\nC: d\r\n" {
		t.Errorf("%q, %v", f.Lines(), err)
	}
}

func TestFieldsAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	lines := []byte(twentyFields)
	var f, detached Fields
	f.SetIndex(make([]Span, 0, 32))
	buf := make([]byte, 0, 4096)
	var value []byte
	for _, c := range []struct {
		name string
		want float64
		run  func()
	}{
		{"Parse", 0, func() { f.Parse(lines, 0, 100) }},
		{"CopyInto", 0, func() { buf = f.CopyInto(buf) }},
		{"borrowed", 0, func() {
			if !f.Is("Content-Length", "200") || !f.IsFold("connection", "Keep-Alive") || !f.Has("etag") ||
				!f.HasToken("Connection", "keep-alive") || f.Get("nowhere") != "" {
				t.Error("wrong answer")
			}
			if n, err := f.Int("Content-Length"); n != 200 || err != nil {
				t.Error(n, err)
			}
			if d, err := f.Time("Date"); d.Year() != 2025 || err != nil {
				t.Error(d, err)
			}
			value = f.AppendValue(value[:0], "Server")
			buf = f.AppendLines(buf[:0])
		}},
		{"Detach", 1, func() { f.Parse(lines, 0, 100); detached = f; detached.Detach() }},
		{"a new index", 1, func() { var f Fields; f.Parse(lines, 0, 100) }},
		{"detached", 0, func() {
			for name, value := range detached.All() {
				if name == value {
					t.Error("wrong answer")
				}
			}
			for token := range detached.Tokens("vary") {
				if token != "Accept-Encoding" {
					t.Error("wrong answer")
				}
			}
			if m, err := detached.MediaType("Content-Type"); m.Type != "application/json" || err != nil {
				t.Error(m, err)
			}
		}},
		{"Add", 2, func() { var f Fields; f.Add("Accept", "text/html") }},
	} {
		if got := testing.AllocsPerRun(100, c.run); got != c.want {
			t.Errorf("%s: %v allocations, want %v", c.name, got, c.want)
		}
	}
}

func ExampleFields() {
	var f Fields
	f.Add("Accept", "text/html")
	f.Add("accept", "application/json;q=0.5")
	f.Set("Range", "bytes=0-99")
	for token := range f.Tokens("Accept") {
		fmt.Println(token)
	}
	fmt.Printf("%q\n", f.Lines())
	// Output:
	// text/html
	// application/json;q=0.5
	// "Accept: text/html\r\naccept: application/json;q=0.5\r\nRange: bytes=0-99\r\n"
}

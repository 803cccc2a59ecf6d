package sfv

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// TestParseErrors checks that bad fields fail, and where.
func TestParseErrors(t *testing.T) {
	tests := []struct {
		kind   string
		in     string
		offset int
	}{
		// RFC 9651, section 4.2: the whole field must be used up.
		{"item", "", 0},
		{"item", "  ", 2},
		{"item", "\t1", 0},
		{"item", "1\t", 1},
		{"item", "1 2", 2},
		{"item", "1, 2", 1},
		{"item", "1\x00", 1},
		{"item", "ü", 0},
		{"item", "(1)", 0},
		{"item", "=", 0},
		// RFC 9651, section 4.2.4.
		{"item", "-", 1},
		{"item", "--1", 1},
		{"item", "- 1", 1},
		{"item", "+1", 0},
		{"item", ".5", 0},
		{"item", "-.5", 1},
		{"item", "1.", 2},
		{"item", "1.a", 2},
		{"item", "1..2", 2},
		{"item", "1.5.2", 3},
		{"item", "1e3", 1},
		{"item", "0x1", 1},
		{"item", "1_0", 1},
		{"item", "1.2345", 5},
		{"item", "1000000000000000", 15},
		{"item", "-1000000000000000", 16},
		{"item", "0000000000000000", 15},
		{"item", "1000000000000.0", 13},
		{"item", "1234567890123456.0", 15},
		// RFC 9651, section 4.2.5.
		{"item", `"`, 1},
		{"item", `"a`, 2},
		{"item", `"a\`, 3},
		{"item", `"\a"`, 2},
		{"item", `"\"`, 3},
		{"item", `"\"a`, 4},
		{"item", "\"a\tb\"", 2},
		{"item", "\"\\\\\x7f\"", 3},
		{"item", "\"\x00\"", 1},
		{"item", `"ü"`, 1},
		{"item", "'a'", 0},
		{"item", `"a"b`, 3},
		// RFC 9651, section 4.2.6.
		{"item", "a@b", 1},
		{"item", "aü", 1},
		{"item", "_a", 0},
		// RFC 9651, section 4.2.7.
		{"item", ":", 1},
		{"item", ":AQI=", 5},
		{"item", ":A:", 1},
		{"item", ":AQIDA:", 5},
		{"item", ":AQ=:", 3},
		{"item", ":AQI==:", 4},
		{"item", ":AQID=:", 5},
		{"item", ":AQIDA===:", 6},
		{"item", ":=:", 1},
		{"item", ":A=QI:", 3},
		{"item", ":AQ I:", 3},
		{"item", ":AQ\nI:", 3},
		{"item", ":AQ-_:", 3},
		// RFC 9651, section 4.2.8.
		{"item", "?", 1},
		{"item", "?2", 1},
		{"item", "?t", 1},
		{"item", "?10", 2},
		// RFC 9651, section 4.2.9.
		{"item", "@", 1},
		{"item", "@a", 1},
		{"item", "@1.5", 2},
		{"item", "@-12.0", 4},
		{"item", "@1000000000000000", 16},
		// RFC 9651, section 4.2.10.
		{"item", "%", 1},
		{"item", "%a", 1},
		{"item", `%"`, 2},
		{"item", `%"a`, 3},
		{"item", `%"%`, 3},
		{"item", `%"%6`, 4},
		{"item", `%"%6"`, 4},
		{"item", `%"%C3%BC"`, 3},
		{"item", `%"%cG"`, 4},
		{"item", `%"ü"`, 2},
		{"item", "%\"\t\"", 2},
		{"item", `%"a%ff"`, 3},
		{"item", `%"a%c3%bcb%e2%28%a1"`, 10},
		{"item", `%"%ed%a0%80"`, 2}, // a surrogate
		{"item", `%"%c0%80"`, 2},    // NUL in two bytes
		{"item", `%"%ef%bf%bd%f4%90%80%80"`, 11},
		// RFC 9651, sections 4.2.3.2 and 4.2.3.3.
		{"item", "1;", 2},
		{"item", "1; ", 3},
		{"item", "1;A", 2},
		{"item", "1;1a", 2},
		{"item", "1;a=", 4},
		{"item", "1;a= 1", 4},
		{"item", "1;a =1", 4},
		{"item", "1;\ta", 2},
		{"item", "1 ;a", 2},
		{"item", "1;a=(1)", 4},
		{"item", "1;;a", 2},
		{"item", "1;aB", 3},
		// RFC 9651, sections 4.2.1 and 4.2.1.2.
		{"list", "\t1", 0},
		{"list", ",1", 0},
		{"list", "1,", 1},
		{"list", "1 , ", 2},
		{"list", "1,,2", 2},
		{"list", "1 2", 2},
		{"list", "1;a=1 2", 6},
		{"list", "(1", 2},
		{"list", "(", 1},
		{"list", "(1 ", 3},
		{"list", "(1,2)", 2},
		{"list", "(1\t2)", 2},
		{"list", "(\t1)", 1},
		{"list", "(1(2))", 2},
		{"list", "((1))", 1},
		{"list", `("a""b")`, 4},
		{"list", "1)", 1},
		{"list", ")", 0},
		{"list", "(1);", 4},
		// RFC 9651, section 4.2.2.
		{"dictionary", "=1", 0},
		{"dictionary", "A=1", 0},
		{"dictionary", `"a"=1`, 0},
		{"dictionary", "a=", 2},
		{"dictionary", "a= 1", 2},
		{"dictionary", "a =1", 2},
		{"dictionary", "a=1,", 3},
		{"dictionary", "a=1 b=2", 4},
		{"dictionary", "a,,b", 2},
		{"dictionary", "a=1,\xa0b", 4},
		{"dictionary", "a=1 ;b", 4},
		{"dictionary", "a;b=(1)", 4},
		{"dictionary", "(a)", 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %q", tt.kind, tt.in), func(t *testing.T) {
			got, err := parseAs(tt.kind, tt.in)
			if err == nil {
				t.Fatalf("parsed as %#v", got)
			}
			var bad *ParseError
			if !errors.As(err, &bad) || bad.Offset != tt.offset {
				t.Fatalf("got %v, want an error at byte %d", err, tt.offset)
			}
			checkParseError(t, err, tt.in)
			if v := reflect.ValueOf(got); !v.IsZero() {
				t.Errorf("a value beside the error: %#v", got)
			}
		})
	}
}

// TestParseErrorLines checks that an offset counts through all lines.
func TestParseErrorLines(t *testing.T) {
	_, err := ParseList("1", "", "2")
	const want = `sfv: byte 3: want a value, found ","`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

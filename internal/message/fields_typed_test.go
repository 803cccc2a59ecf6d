package message

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestHasTokenAndTokens(t *testing.T) {
	for _, c := range []struct {
		lines string
		token string
		has   bool
		all   []string
	}{
		{"L: close\r\n", "Close", true, []string{"close"}},
		{"L: keep-alive, close\r\n", "close", true, []string{"keep-alive", "close"}},
		{"L: a\r\nM: close\r\nl: b,close\r\n", "close", true, []string{"a", "b", "close"}},
		{"L: closed, notclose\r\n", "close", false, []string{"closed", "notclose"}},
		{"L: ,, a ,\t,b,\r\n", "", true, []string{"a", "b"}}, // an empty member is a member to HasToken alone
		{"L:\r\n", "close", false, nil},
		{`L: "close, close"` + "\r\n", "close", false, []string{`"close, close"`}},
		{`L: a="x\", close", b` + "\r\n", "close", false, []string{`a="x\", close"`, "b"}},
		{`L: "unclosed, close` + "\r\n", "close", false, []string{`"unclosed, close`}},
		{`L: "\` + "\r\n", "close", false, []string{`"\`}},
		{"L: close;q=1\r\n", "close", false, []string{"close;q=1"}},
		{"X: close\r\n", "close", false, nil},
	} {
		f := parse(t, c.lines)
		if got := f.HasToken("l", c.token); got != c.has {
			t.Errorf("%q: HasToken = %v", c.lines, got)
		}
		if got := slices.Collect(f.Tokens("l")); !slices.Equal(got, c.all) {
			t.Errorf("%q: Tokens = %q", c.lines, got)
		}
	}
	f := parse(t, "L: a, b, c\r\n")
	for token := range f.Tokens("L") {
		if token == "b" {
			return
		}
	}
}

func TestInt(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  int64
		err   string
	}{
		{"N: 0\r\n", 0, ""},
		{"N: 007\r\n", 7, ""},
		{"N: -12\r\n", -12, ""},
		{"N: 9223372036854775807\r\n", math.MaxInt64, ""},
		{"N: 5\r\nn: 5\r\n", 5, ""},
		{"N: 9223372036854775808\r\n", 0, `not an integer: "9223372036854775808"`},
		{"N: 99999999999999999999\r\n", 0, `not an integer: "99999999999999999999"`},
		{"N: +5\r\n", 0, `not an integer: "+5"`},
		{"N: --5\r\n", 0, `not an integer: "--5"`},
		{"N: 5 5\r\n", 0, `not an integer: "5 5"`},
		{"N: 0x5\r\n", 0, `not an integer: "0x5"`},
		{"N:\r\n", 0, "not an integer"},
		{"N: 5\r\nn: 6\r\n", 0, `different values in the lines of a field: "N"`},
		{"M: 5\r\n", 0, "no such field"},
	} {
		f := parse(t, c.lines)
		got, err := f.Int("n")
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%q: %d, %v", c.lines, got, err)
		}
	}
	var none Fields
	_, err1 := none.Int("a")
	_, err2 := none.Time("a")
	_, err3 := none.MediaType("a")
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, ErrAbsent) {
			t.Error(err)
		}
	}
}

func TestMediaType(t *testing.T) {
	for _, c := range []struct {
		in, kind string
		params   []string
		bad      bool
	}{
		{in: "text/html", kind: "text/html"},
		{in: " Text/HTML ", kind: "text/html"},
		// RFC 9110, section 8.3.1: four ways to say the same.
		{in: "text/html;charset=utf-8", kind: "text/html", params: []string{"charset", "utf-8"}},
		{in: "Text/HTML;Charset=\"utf-8\"", kind: "text/html", params: []string{"Charset", "utf-8"}},
		{in: "text/html; charset=\"utf-8\"", kind: "text/html", params: []string{"charset", "utf-8"}},
		{in: "text/html;charset=UTF-8", kind: "text/html", params: []string{"charset", "UTF-8"}},
		{in: `a/b ; x="q\"\\;," ; y=z`, kind: "a/b", params: []string{"x", `q"\;,`, "y", "z"}},
		{in: `a/b;x=""`, kind: "a/b", params: []string{"x", ""}},
		{in: "a/b;", kind: "a/b"},
		{in: "a/b;;; c=d;", kind: "a/b", params: []string{"c", "d"}},
		{in: "application/vnd.api+json", kind: "application/vnd.api+json"},
		{in: "a/b; c", kind: "a/b", bad: true},
		{in: "a/b; c=", kind: "a/b", bad: true},
		{in: "a/b; c = d", kind: "a/b", bad: true},
		{in: "a/b; c=d e", kind: "a/b", bad: true},
		{in: `a/b; c="d`, kind: "a/b", bad: true},
		{in: `a/b; c="d\`, kind: "a/b", bad: true},
		{in: `a/b; c="d"e`, kind: "a/b", bad: true},
		{in: "", bad: true},
		{in: "text", bad: true},
		{in: "text/", bad: true},
		{in: "/html", bad: true},
		{in: "text/html/x", bad: true},
		{in: "text /html", bad: true},
	} {
		m, err := ParseMediaType(c.in)
		if m.Type != c.kind || (err != nil) != c.bad {
			t.Errorf("%q: %q, %v", c.in, m.Type, err)
		}
		var params []string
		for name, value := range m.Params() {
			params = append(params, name, value)
			if got, ok := m.Param(name); !ok || got != value {
				t.Errorf("%q: Param(%q) = %q", c.in, name, got)
			}
		}
		if !slices.Equal(params, c.params) {
			t.Errorf("%q: %q", c.in, params)
		}
	}
	if _, ok := (MediaType{}).Param("x"); ok {
		t.Error("a parameter of nothing")
	}
}

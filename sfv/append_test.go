package sfv

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestAppendValue covers the values that the parser never returns.
func TestAppendValue(t *testing.T) {
	tests := []struct {
		in   Value
		want string
	}{
		{5, "5"},
		{-999999999999999, "-999999999999999"},
		{[]byte(nil), "::"},
		{Decimal(0), "0.0"},
		{Decimal(-5), "-0.005"},
		{Decimal(120), "0.12"},
		// RFC 9651, section 4.1.5, step 2.
		{0.0, "0.0"},
		{math.Copysign(0, -1), "0.0"},
		{2.0, "2.0"},
		{-1.25, "-1.25"},
		{0.1 + 0.2, "0.3"},
		{0.0004, "0.0"},
		{-0.0004, "0.0"},
		{0.0005, "0.0"},
		{0.00050001, "0.001"},
		{0.0015, "0.002"},
		{0.0025, "0.002"},
		{-0.0025, "-0.002"},
		{0.0035, "0.004"},
		{9.9995, "10.0"},
		{0.9994999, "0.999"},
		{math.SmallestNonzeroFloat64, "0.0"},
		{999999999999.999, "999999999999.999"},
		{123456789012.0, "123456789012.0"},
		// RFC 9651, section 4.1.10: whole seconds, rounded down, whatever the zone.
		{time.Unix(1, 999_999_999), "@1"},
		{time.Unix(-1, 999_999_999), "@-1"},
		{time.Unix(1659578233, 0).In(time.FixedZone("", 3600)), "@1659578233"},
		{time.Time{}, "@-62135596800"},
		{DisplayString("a\n\x7f~ "), `%"a%0a%7f~ "`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) { checkText(t, item(tt.in), tt.want) })
	}
}

// TestAppendErrors checks that what has no text is refused, with a reason.
func TestAppendErrors(t *testing.T) {
	tests := []struct {
		name string
		in   any
		want string // a part of the error
	}{
		{"zero item", Item{}, "sfv: value is missing"},
		{"other integer type", item(uint8(1)), "type uint8 is no bare item"},
		{"pointer", item(new(int64)), "type *int64 is no bare item"},
		{"item as a value", item(item(1)), "type sfv.Item is no bare item"},
		// RFC 9651, section 4.1.4.
		{"integer", item(int64(1_000_000_000_000_000)), "integer has more than 15 digits"},
		{"negative integer", item(-1_000_000_000_000_000), "integer has more than 15 digits"},
		{"smallest integer", item(int64(math.MinInt64)), "integer has more than 15 digits"},
		// RFC 9651, section 4.1.5.
		{"decimal", item(Decimal(1_000_000_000_000_000)), "more than 12 digits"},
		{"smallest decimal", item(Decimal(math.MinInt64)), "more than 12 digits"},
		{"float64", item(1e12), "more than 12 digits"},
		{"float64 after rounding", item(999999999999.9999), "more than 12 digits"},
		{"huge float64", item(math.MaxFloat64), "at most 12 digits"},
		{"infinity", item(math.Inf(-1)), "at most 12 digits"},
		{"not a number", item(math.NaN()), "at most 12 digits"},
		// RFC 9651, section 4.1.6.
		{"string with a control", item("ab\n"), "string: byte 2"},
		{"string with DEL", item("\x7f"), "string: byte 0"},
		{"string not ascii", item("aü"), "string: byte 1"},
		// RFC 9651, section 4.1.7.
		{"empty token", item(Token("")), "token is empty"},
		{"token begins with a digit", item(Token("1a")), "token: byte 0"},
		{"token with a space", item(Token("a b")), "token: byte 1"},
		{"token with a quote", item(Token(`a"`)), "token: byte 1"},
		{"token not ascii", item(Token("aü")), "token: byte 1"},
		// RFC 9651, sections 4.1.10 and 4.1.11.
		{"date", item(time.Unix(1_000_000_000_000_000, 0)), "date: integer has more than 15 digits"},
		{"display string", item(DisplayString("ü\xff")), "display string: byte 2"},
		// RFC 9651, section 4.1.1.3.
		{"empty key", item(1, Param{"", 1}), `parameter "": key is empty`},
		{"key in upper case", item(1, Param{"A", 1}), "key: byte 0"},
		{"key begins with a digit", item(1, Param{"1", 1}), "key: byte 0"},
		{"key with a space", item(1, Param{"a b", 1}), "key: byte 1"},
		{"key that would inject", item(1, Param{"a;b", 1}), "key: byte 1"},
		{"key not ascii", item(1, Param{"aü", 1}), "key: byte 1"},
		{"same key", item(1, Param{"a", 1}, Param{"a", 2}), `parameter "a": key occurs twice`},
		{"parameter without a value", item(1, Param{Key: "a"}), `parameter "a": value is missing`},

		{"nil member", List{item(1), nil}, "sfv: member 1: member is missing"},
		{"pointer to an item", List{&Item{Value: 1}}, "type *sfv.Item is neither"},
		{"inner item", List{inner(item(1), Item{})}, "member 0: inner item 1: value is missing"},
		{"inner parameter", List{InnerList{Params: Params{{"A", 1}}}}, `member 0: parameter "A"`},

		{"dictionary key", Dictionary{{"A", item(1)}}, `sfv: member "A": key: byte 0`},
		{"same dictionary key", Dictionary{{"a", item(1)}, {"a", item(1)}}, `member "a": key occurs twice`},
		{"entry without a member", Dictionary{{Key: "a"}}, `member "a": member is missing`},
		{"entry with an empty item", Dictionary{{"a", Item{}}}, `member "a": value is missing`},
		{"parameter of true", Dictionary{{"a", item(true, Param{"A", 1})}}, `member "a": parameter "A"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := append(make([]byte, 0, 64), "before"...)
			got, err := appendAs(dst, tt.in)
			if err == nil {
				t.Fatalf("written as %q", got)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "sfv: ") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if string(got) != "before" {
				t.Errorf("dst is %q beside the error", got)
			}
		})
	}
}

// TestAppendKeeps checks that all three functions append.
func TestAppendKeeps(t *testing.T) {
	for _, v := range []any{item(1), List{item(1)}, Dictionary{{"a", item(1)}}, List(nil), Dictionary{}} {
		got, err := appendAs([]byte("before "), v)
		if err != nil || !strings.HasPrefix(string(got), "before ") {
			t.Errorf("%#v: got %q, %v", v, got, err)
		}
	}
}

func TestDecimal(t *testing.T) {
	tests := []struct {
		in    Decimal
		text  string
		float float64
	}{
		{0, "0.0", 0},
		{1, "0.001", 0.001},
		{-1500, "-1.5", -1.5},
		{300, "0.3", 0.3},
		{999_999_999_999_999, "999999999999.999", 999999999999.999},
		{math.MinInt64, "-9223372036854775.808", -9223372036854775.808},
	}
	for _, tt := range tests {
		if got := tt.in.String(); got != tt.text {
			t.Errorf("%d: got %s, want %s", int64(tt.in), got, tt.text)
		}
		if got := tt.in.Float64(); got != tt.float {
			t.Errorf("%d: got %v, want %v", int64(tt.in), got, tt.float)
		}
	}
}

func TestGet(t *testing.T) {
	dict := Dictionary{{"a", item(int64(1), Param{"p", true})}, {"b", inner()}}
	if m, ok := dict.Get("b"); !ok || m == nil {
		t.Errorf("b: got %v, %v", m, ok)
	}
	if m, ok := dict.Get("c"); ok || m != nil {
		t.Errorf("c: got %v, %v", m, ok)
	}
	a, ok := dict.Item("a")
	if !ok || a.Value != int64(1) {
		t.Errorf("a: got %v, %v", a, ok)
	}
	for _, key := range []string{"b", "c"} {
		if it, ok := dict.Item(key); ok || it.Value != nil {
			t.Errorf("%s: got the item %v, %v", key, it, ok)
		}
	}
	if v, ok := a.Params.Get("p"); !ok || v != true {
		t.Errorf("p: got %v, %v", v, ok)
	}
	if v, ok := a.Params.Get("q"); ok || v != nil {
		t.Errorf("q: got %v, %v", v, ok)
	}
}

package sfv

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func item(v Value, params ...Param) Item { return Item{Value: v, Params: params} }

func inner(items ...Item) InnerList { return InnerList{Items: items} }

func date(sec int64) time.Time { return time.Unix(sec, 0).UTC() }

// TestParseValue covers every type of bare item. The canonical text is the input
// unless the row has another one.
func TestParseValue(t *testing.T) {
	tests := []struct {
		in        string
		want      Value
		canonical string
	}{
		// RFC 9651, section 4.2.4.
		{"0", int64(0), ""},
		{"-0", int64(0), "0"},
		{"007", int64(7), "7"},
		{"-42", int64(-42), ""},
		{"999999999999999", int64(999999999999999), ""},
		{"-999999999999999", int64(-999999999999999), ""},
		{"1.5", Decimal(1500), ""},
		{"-1.25", Decimal(-1250), ""},
		{"0.001", Decimal(1), ""},
		{"-0.001", Decimal(-1), ""},
		{"1.0", Decimal(1000), ""},
		{"1.10", Decimal(1100), "1.1"},
		{"1.010", Decimal(1010), "1.01"},
		{"-0.0", Decimal(0), "0.0"},
		{"00.500", Decimal(500), "0.5"},
		{"999999999999.999", Decimal(999999999999999), ""},
		{"-999999999999.999", Decimal(-999999999999999), ""},
		// RFC 9651, section 4.2.5.
		{`""`, "", ""},
		{`"a b"`, "a b", ""},
		{`"a\"b\\c"`, `a"b\c`, ""},
		{`"\\"`, `\`, ""},
		{`"a,b;c=(d)"`, "a,b;c=(d)", ""},
		{`" !#[]~"`, " !#[]~", ""},
		// RFC 9651, section 4.2.6.
		{"a", Token("a"), ""},
		{"*", Token("*"), ""},
		{"A1:b/c", Token("A1:b/c"), ""},
		{"a!#$%&'*+-.^_`|~", Token("a!#$%&'*+-.^_`|~"), ""},
		// RFC 9651, section 4.2.7.
		{"::", []byte{}, ""},
		{":AQI=:", []byte{1, 2}, ""},
		{":AQI:", []byte{1, 2}, ":AQI=:"},
		{":AQJ=:", []byte{1, 2}, ":AQI=:"},
		{":AQ==:", []byte{1}, ""},
		{":++//:", []byte{0xfb, 0xef, 0xff}, ""},
		// RFC 9651, section 4.2.8.
		{"?0", false, ""},
		{"?1", true, ""},
		// RFC 9651, section 4.2.9.
		{"@0", date(0), ""},
		{"@-1", date(-1), ""},
		{"@-62135596800", date(-62135596800), ""},
		{"@253402214400", date(253402214400), ""},
		{"@999999999999999", date(999999999999999), ""},
		{"@-999999999999999", date(-999999999999999), ""},
		// RFC 9651, section 4.2.10.
		{`%""`, DisplayString(""), ""},
		{`%"f%c3%bc%c3%bc"`, DisplayString("füü"), ""},
		{`%"%f0%9f%92%a9"`, DisplayString("💩"), ""},
		{`%"%22%25\"`, DisplayString(`"%\`), ""},
		{`%"%61%00"`, DisplayString("a\x00"), `%"a%00"`},
		{`%"%ef%bf%bd"`, DisplayString("\uFFFD"), ""},
		{`%"%ef%bb%bfx"`, DisplayString("\uFEFFx"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseItem(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, item(tt.want)) {
				t.Fatalf("got %#v, want %#v", got.Value, tt.want)
			}
			checkText(t, got, orElse(tt.canonical, tt.in))
			// The same value as a parameter and inside the other structures.
			if want := item(int64(1), Param{"k", tt.want}); !reflect.DeepEqual(mustParse(t, "item", "1;k="+tt.in), any(want)) {
				t.Error("differs as a parameter")
			}
			if want := (List{inner(item(tt.want), item(tt.want))}); !reflect.DeepEqual(mustParse(t, "list", "("+tt.in+" "+tt.in+")"), any(want)) {
				t.Error("differs in an inner list")
			}
			if want := (Dictionary{{"k", item(tt.want)}}); !reflect.DeepEqual(mustParse(t, "dictionary", "k="+tt.in), any(want)) {
				t.Error("differs in a dictionary")
			}
		})
	}
}

// TestParseStructure covers lists, dictionaries, inner lists and parameters, and
// the combination of field lines.
func TestParseStructure(t *testing.T) {
	one, two, three := item(int64(1)), item(int64(2)), item(int64(3))
	yes := item(true)
	tests := []struct {
		kind      string
		lines     []string
		want      any
		canonical string
	}{
		{"item", []string{"  1  "}, one, "1"},
		{"item", []string{"1;a;b=2"}, item(int64(1), Param{"a", true}, Param{"b", int64(2)}), "1;a;b=2"},
		{"item", []string{"1;  a=?1; b=?0"}, item(int64(1), Param{"a", true}, Param{"b", false}), "1;a;b=?0"},
		{"item", []string{"1;a=1;b=2;a=3"}, item(int64(1), Param{"a", int64(3)}, Param{"b", int64(2)}), "1;a=3;b=2"},
		{"item", []string{"1;a=1;a"}, item(int64(1), Param{"a", true}), "1;a"},
		{"item", []string{"1;*a_-.*9=x"}, item(int64(1), Param{"*a_-.*9", Token("x")}), "1;*a_-.*9=x"},
		{"item", []string{`"a`, `b"`}, item("a, b"), `"a, b"`},

		{"list", nil, List(nil), ""},
		{"list", []string{""}, List(nil), ""},
		{"list", []string{"   "}, List(nil), ""},
		{"list", []string{"1"}, List{one}, "1"},
		{"list", []string{"1,2"}, List{one, two}, "1, 2"},
		{"list", []string{" 1 \t , \t 2 "}, List{one, two}, "1, 2"},
		{"list", []string{"1\t,\t2"}, List{one, two}, "1, 2"},
		{"list", []string{"1", "2, 3"}, List{one, two, three}, "1, 2, 3"},
		{"list", []string{"1 ", " 2"}, List{one, two}, "1, 2"},
		{"list", []string{"1, 1"}, List{one, one}, "1, 1"},
		{"list", []string{"()"}, List{inner()}, "()"},
		{"list", []string{"(  )"}, List{inner()}, "()"},
		{"list", []string{"(  1   2  ),3"}, List{inner(one, two), three}, "(1 2), 3"},
		{"list", []string{"(1;a 2);b"}, List{InnerList{
			Items:  []Item{item(int64(1), Param{"a", true}), two},
			Params: Params{{"b", true}},
		}}, "(1;a 2);b"},
		// The comma between two lines may end up inside a value.
		{"list", []string{`("a`, `b")`}, List{inner(item("a, b"))}, `("a, b")`},
		{"list", []string{"1\t"}, List{one}, "1"},

		{"dictionary", nil, Dictionary(nil), ""},
		{"dictionary", []string{" "}, Dictionary(nil), ""},
		{"dictionary", []string{"a"}, Dictionary{{"a", yes}}, "a"},
		{"dictionary", []string{"a=?1"}, Dictionary{{"a", yes}}, "a"},
		{"dictionary", []string{"a=?0"}, Dictionary{{"a", item(false)}}, "a=?0"},
		{"dictionary", []string{"a;x=1, b"}, Dictionary{{"a", item(true, Param{"x", int64(1)})}, {"b", yes}}, "a;x=1, b"},
		{"dictionary", []string{"a=?1;x"}, Dictionary{{"a", item(true, Param{"x", true})}}, "a;x"},
		{"dictionary", []string{"a=1,b=(1 2);c"}, Dictionary{{"a", one}, {"b", InnerList{
			Items: []Item{one, two}, Params: Params{{"c", true}},
		}}}, "a=1, b=(1 2);c"},
		{"dictionary", []string{"a=1", "b=2"}, Dictionary{{"a", one}, {"b", two}}, "a=1, b=2"},
		// RFC 9651, section 4.2.2: the last member of a key wins, in its first place.
		{"dictionary", []string{"a=1", "b=2", "a=3"}, Dictionary{{"a", three}, {"b", two}}, "a=3, b=2"},
		{"dictionary", []string{"a=1;x, a"}, Dictionary{{"a", yes}}, "a"},
		{"dictionary", []string{"z, *, a"}, Dictionary{{"z", yes}, {"*", yes}, {"a", yes}}, "z, *, a"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %q", tt.kind, tt.lines), func(t *testing.T) {
			got := mustParse(t, tt.kind, tt.lines...)
			if !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("\n got %#v\nwant %#v", got, tt.want)
			}
			checkText(t, got, tt.canonical)
		})
	}
}

// TestParseMinimums checks the sizes that RFC 9651, section 3 asks for.
func TestParseMinimums(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("k%063d", i) }
	var members, dict, params, items strings.Builder
	for i := range 1024 {
		fmt.Fprintf(&members, ", %d", i)
		fmt.Fprintf(&dict, ", %s=%d", key(i), i)
	}
	for i := range 256 {
		fmt.Fprintf(&params, ";%s=%d", key(i), i)
		fmt.Fprintf(&items, " %d", i)
	}
	tests := []struct{ name, kind, in string }{
		{"list", "list", members.String()[2:]},
		{"inner list", "list", "(" + items.String()[1:] + ")"},
		{"dictionary", "dictionary", dict.String()[2:]},
		{"parameters", "item", "1" + params.String()},
		{"string", "item", `"` + strings.Repeat("s", 1024) + `"`},
		{"token", "item", strings.Repeat("t", 512)},
		{"byte sequence", "item", ":" + strings.Repeat("AAAA", 16384/3+1) + ":"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkText(t, mustParse(t, tt.kind, tt.in), tt.in)
		})
	}
}

// TestParseManyKeys repeats every key of a dictionary and of parameters, beyond
// the number at which keyIndex changes its ways.
func TestParseManyKeys(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 10, 100} {
		var lines []string
		params := "1"
		for i := range 2 * n {
			lines = append(lines, fmt.Sprintf("k%d=%d", i%n, i))
			params += fmt.Sprintf(";k%d=%d", i%n, i)
		}
		dict := mustParse(t, "dictionary", lines...).(Dictionary)
		it := mustParse(t, "item", params).(Item)
		if len(dict) != n || len(it.Params) != n {
			t.Fatalf("%d keys: got %d members and %d parameters", n, len(dict), len(it.Params))
		}
		for i := range n {
			key, want := fmt.Sprintf("k%d", i), int64(n+i)
			if dict[i].Key != key || !reflect.DeepEqual(dict[i].Member, item(want)) {
				t.Errorf("%d keys: member %d is %v", n, i, dict[i])
			}
			if it.Params[i] != (Param{key, want}) {
				t.Errorf("%d keys: parameter %d is %v", n, i, it.Params[i])
			}
		}
	}
}

// TestParseBounded checks the limit on the size of a field, over all lines.
func TestParseBounded(t *testing.T) {
	fits := `"` + strings.Repeat("s", maxInput-2) + `"`
	mustParse(t, "item", fits)
	half := "1" + strings.Repeat(" ", maxInput/2-2)
	mustParse(t, "list", half, half)
	for _, lines := range [][]string{
		{fits + " "},
		{half + " ", half, half},
		{half, half + "  "},
		make([]string, maxInput),
	} {
		_, err := ParseList(lines...)
		var bad *ParseError
		if !errors.As(err, &bad) || bad.Offset != maxInput {
			t.Errorf("%d lines: got %v", len(lines), err)
		}
	}
}

func mustParse(t *testing.T, kind string, lines ...string) any {
	t.Helper()
	v, err := parseAs(kind, lines...)
	if err != nil {
		t.Fatalf("%s %.80q: %v", kind, lines, err)
	}
	return v
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

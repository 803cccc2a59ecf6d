package sfv

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzParse checks each input as each kind of field: nothing panics, an error
// says where, and what parses is written as canonical text, which parses to the
// same value and is written the same way again.
func FuzzParse(f *testing.F) {
	for _, seed := range []List{
		nil,
		{item(int64(-1)), item(Decimal(1500)), item("a\"b\\"), item(Token("*a/b:c"))},
		{item([]byte{0, 1, 2, 3}), item(true), item(date(-5)), item(DisplayString("é%\""))},
		{inner(), InnerList{Items: []Item{item(false, Param{"a", true})}, Params: Params{{"b", "c"}}}},
	} {
		text, err := AppendList(nil, seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, seed := range []string{
		"a, b;c=1, d=(1 2);e, a=3",
		" 1.50 ;  a=:AQI: ",
		"1\n2", "\"a\n b\"", "a=1\nb=2\na=3", "(\n)",
		`%"%C3"`, "1.2345", "@1.5", "a,", ":AQ=:", `"\a"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		lines := strings.Split(field, "\n")
		for _, kind := range []string{"item", "list", "dictionary"} {
			first, err := parseAs(kind, lines...)
			if err != nil {
				checkParseError(t, err, strings.Join(lines, ", "))
				continue
			}
			text, err := appendAs(nil, first)
			if err != nil {
				t.Fatalf("%s %q: parsed as %#v, which cannot be written: %v", kind, field, first, err)
			}
			second, err := parseAs(kind, string(text))
			if err != nil {
				t.Fatalf("%s %q: written as %q: %v", kind, field, text, err)
			}
			if !reflect.DeepEqual(first, second) {
				t.Fatalf("%s %q: written as %q\n got %#v\nwant %#v", kind, field, text, second, first)
			}
			checkText(t, second, string(text))
		}
	})
}

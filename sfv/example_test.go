package sfv_test

import (
	"errors"
	"fmt"
	"time"

	"sonde/sfv"
)

// Two field lines of one field are parsed as one list.
func ExampleParseList() {
	list, err := sfv.ParseList(`"a.example";hit`, `"b.example";ttl=30`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range list {
		if item, ok := m.(sfv.Item); ok {
			ttl, _ := item.Params.Get("ttl")
			fmt.Println(item.Value, ttl)
		}
	}
	// Output:
	// a.example <nil>
	// b.example 30
}

func ExampleItem() {
	item := sfv.Item{
		Value:  sfv.Token("require-corp"),
		Params: sfv.Params{{Key: "report-to", Value: "main"}},
	}
	field, err := sfv.AppendItem(nil, item)
	fmt.Printf("%s %v\n", field, err)

	// The zero Item stands for "not there".
	_, err = sfv.AppendItem(nil, sfv.Item{})
	fmt.Println(err)
	// Output:
	// require-corp;report-to="main" <nil>
	// sfv: value is missing
}

func ExampleValue() {
	values := []sfv.Value{
		42,
		0.5,
		"two words",
		sfv.Token("gzip"),
		[]byte("sonde"),
		true,
		time.Date(2024, 9, 30, 0, 0, 0, 0, time.UTC),
		sfv.DisplayString("naïve"),
	}
	for _, v := range values {
		field, _ := sfv.AppendItem(nil, sfv.Item{Value: v})
		item, _ := sfv.ParseItem(string(field))
		fmt.Printf("%s is %T\n", field, item.Value)
	}
	// Output:
	// 42 is int64
	// 0.5 is sfv.Decimal
	// "two words" is string
	// gzip is sfv.Token
	// :c29uZGU=: is []uint8
	// ?1 is bool
	// @1727654400 is time.Time
	// %"na%c3%afve" is sfv.DisplayString
}

func ExampleToken() {
	item, _ := sfv.ParseItem("text/html")
	_, isText := item.Value.(string)
	token, isToken := item.Value.(sfv.Token)
	fmt.Println(token, isText, isToken)
	// Output: text/html false true
}

func ExampleDecimal() {
	item, _ := sfv.ParseItem("0.3")
	d := item.Value.(sfv.Decimal)
	fmt.Println(d, d == 300, d.Float64())

	// Sums are exact, unlike those of float64.
	fmt.Println(sfv.Decimal(100) + sfv.Decimal(200))
	// Output:
	// 0.3 true 0.3
	// 0.3
}

func ExampleDisplayString() {
	item, _ := sfv.ParseItem(`%"caf%c3%a9 open %e2%9c%93"`)
	// %q, because the text is the peer's and may hold anything.
	fmt.Printf("%q\n", item.Value)
	// Output: "café open ✓"
}

func ExampleParams() {
	item, _ := sfv.ParseItem("u;q=0.5;fast")
	for _, p := range item.Params {
		fmt.Println(p.Key, p.Value)
	}
	q, _ := item.Params.Get("q")
	weight, ok := q.(sfv.Decimal)
	fmt.Println(weight, ok)
	// Output:
	// q 0.5
	// fast true
	// 0.5 true
}

func ExampleParam() {
	item := sfv.Item{Value: 1, Params: sfv.Params{
		sfv.Param{Key: "on", Value: true},
		sfv.Param{Key: "off", Value: false},
	}}
	field, _ := sfv.AppendItem(nil, item)
	fmt.Printf("%s\n", field)
	// Output: 1;on;off=?0
}

func ExampleList() {
	list := sfv.List{
		sfv.Item{Value: sfv.Token("br")},
		sfv.Item{Value: sfv.Token("gzip"), Params: sfv.Params{{Key: "q", Value: 0.8}}},
	}
	field, _ := sfv.AppendList([]byte("Example: "), list)
	fmt.Printf("%s\n", field)
	// Output: Example: br, gzip;q=0.8
}

func ExampleMember() {
	list, _ := sfv.ParseList("1, (2 3)")
	for _, m := range list {
		switch m := m.(type) {
		case sfv.Item:
			fmt.Println("item", m.Value)
		case sfv.InnerList:
			fmt.Println("inner list of", len(m.Items))
		}
	}
	// Output:
	// item 1
	// inner list of 2
}

func ExampleInnerList() {
	covered := sfv.InnerList{
		Items:  []sfv.Item{{Value: "@method"}, {Value: "@path"}},
		Params: sfv.Params{{Key: "keyid", Value: "k1"}},
	}
	field, _ := sfv.AppendDictionary(nil, sfv.Dictionary{{Key: "sig1", Member: covered}})
	fmt.Printf("%s\n", field)
	// Output: sig1=("@method" "@path");keyid="k1"
}

func ExampleDictionary() {
	// A Priority field (RFC 9218).
	dict, err := sfv.ParseDictionary("u=2, i")
	if err != nil {
		fmt.Println(err)
		return
	}
	u, _ := dict.Item("u")
	urgency, ok := u.Value.(int64)
	if !ok {
		urgency = 3 // absent or of another type: the field's default
	}
	_, incremental := dict.Get("i")
	fmt.Println(urgency, incremental)
	// Output: 2 true
}

func ExampleEntry() {
	dict := sfv.Dictionary{
		sfv.Entry{Key: "u", Member: sfv.Item{Value: 1}},
		sfv.Entry{Key: "i", Member: sfv.Item{Value: true}},
	}
	field, _ := sfv.AppendDictionary(nil, dict)
	fmt.Printf("%s\n", field)
	// Output: u=1, i
}

func ExampleParseError() {
	_, err := sfv.ParseDictionary("u=2, I")
	if bad, ok := errors.AsType[*sfv.ParseError](err); ok {
		fmt.Println(bad.Offset)
	}
	fmt.Println(err)
	// Output:
	// 5
	// sfv: byte 5: want a key, found "I"
}

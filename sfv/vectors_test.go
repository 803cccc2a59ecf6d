package sfv

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vectorsEnv names a directory that holds the JSON files of
// httpwg/structured-field-tests. They are not part of this project.
const vectorsEnv = "SONDE_SFV_VECTORS"

type vector struct {
	Name      string
	Raw       []string
	Type      string          `json:"header_type"`
	Expected  json.RawMessage `json:"expected"`
	MustFail  bool            `json:"must_fail"`
	CanFail   bool            `json:"can_fail"`
	Canonical []string
}

// TestVectors runs the public test suite for structured fields.
func TestVectors(t *testing.T) {
	dir := os.Getenv(vectorsEnv)
	if dir == "" {
		t.Skip(vectorsEnv + " does not name a directory with the JSON files of httpwg/structured-field-tests")
	}
	parse := runVectors(t, filepath.Join(dir, "*.json"), checkParse)
	serialize := runVectors(t, filepath.Join(dir, "serialisation-tests", "*.json"), checkSerialize)
	t.Logf("%d vectors for parsing, %d for serialization only", parse, serialize)
}

// runVectors calls check for each vector in the files and returns their number.
func runVectors(t *testing.T, pattern string, check func(*testing.T, vector)) int {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Another file of the same checkout, such as a package.json, is no array.
		if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
			continue
		}
		var vectors []vector
		if err := json.Unmarshal(text, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range vectors {
			t.Run(filepath.Base(file)+"/"+v.Name, func(t *testing.T) { check(t, v) })
		}
		n += len(vectors)
	}
	if n == 0 {
		t.Fatalf("no vectors in %s", pattern)
	}
	return n
}

func checkParse(t *testing.T, v vector) {
	got, err := parseAs(v.Type, v.Raw...)
	if v.MustFail {
		if err == nil {
			t.Fatalf("%q parsed as %#v, want an error", v.Raw, got)
		}
		checkParseError(t, err, strings.Join(v.Raw, ", "))
		return
	}
	if err != nil && v.CanFail {
		t.Skipf("%q: %v, as it may", v.Raw, err)
	}
	if err != nil {
		t.Fatalf("%q: %v", v.Raw, err)
	}
	want, err := fromJSON(v.Type, v.Expected)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q\n got %#v\nwant %#v", v.Raw, got, want)
	}
	canonical := v.Canonical
	if canonical == nil {
		canonical = v.Raw
	}
	checkText(t, want, strings.Join(canonical, ", "))
}

func checkSerialize(t *testing.T, v vector) {
	value, err := fromJSON(v.Type, v.Expected)
	if err != nil {
		t.Fatal(err)
	}
	if !v.MustFail {
		checkText(t, value, strings.Join(v.Canonical, ", "))
		return
	}
	if text, err := appendAs(nil, value); err == nil {
		t.Fatalf("%#v was written as %q, want an error", value, text)
	}
}

func checkText(t *testing.T, value any, want string) {
	t.Helper()
	got, err := appendAs(nil, value)
	if err != nil {
		t.Fatalf("%#v: %v", value, err)
	}
	if string(got) != want {
		t.Fatalf("%#v\n got %s\nwant %s", value, got, want)
	}
}

// fromJSON turns the expected structure of a vector into an Item, List or
// Dictionary. Empty slices become nil, which is what the parser returns.
func fromJSON(kind string, text json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var in []any
	if err := dec.Decode(&in); err != nil {
		return nil, err
	}
	switch kind {
	case "item":
		return itemFromJSON(in)
	case "list":
		var list List
		for _, e := range in {
			m, err := memberFromJSON(e)
			if err != nil {
				return nil, err
			}
			list = append(list, m)
		}
		return list, nil
	case "dictionary":
		var dict Dictionary
		for _, e := range in {
			pair := e.([]any)
			m, err := memberFromJSON(pair[1])
			if err != nil {
				return nil, err
			}
			dict = append(dict, Entry{Key: pair[0].(string), Member: m})
		}
		return dict, nil
	}
	return nil, fmt.Errorf("header_type %q", kind)
}

func memberFromJSON(e any) (Member, error) {
	pair := e.([]any)
	items, ok := pair[0].([]any)
	if !ok {
		return itemFromJSON(pair)
	}
	var inner InnerList
	for _, i := range items {
		item, err := itemFromJSON(i.([]any))
		if err != nil {
			return nil, err
		}
		inner.Items = append(inner.Items, item)
	}
	var err error
	inner.Params, err = paramsFromJSON(pair[1].([]any))
	return inner, err
}

func itemFromJSON(pair []any) (Item, error) {
	value, err := valueFromJSON(pair[0])
	if err != nil {
		return Item{}, err
	}
	params, err := paramsFromJSON(pair[1].([]any))
	return Item{Value: value, Params: params}, err
}

func paramsFromJSON(pairs []any) (Params, error) {
	var params Params
	for _, p := range pairs {
		pair := p.([]any)
		value, err := valueFromJSON(pair[1])
		if err != nil {
			return nil, err
		}
		params = append(params, Param{Key: pair[0].(string), Value: value})
	}
	return params, nil
}

func valueFromJSON(e any) (Value, error) {
	switch e := e.(type) {
	case bool, string:
		return e, nil
	case json.Number:
		return numberFromJSON(e)
	case map[string]any:
		switch e["__type"] {
		case "token":
			return Token(e["value"].(string)), nil
		case "displaystring":
			return DisplayString(e["value"].(string)), nil
		case "binary":
			return base32.StdEncoding.DecodeString(e["value"].(string))
		case "date":
			sec, err := e["value"].(json.Number).Int64()
			return time.Unix(sec, 0).UTC(), err
		}
	}
	return nil, fmt.Errorf("no value: %v", e)
}

// numberFromJSON gives a Decimal for a number that has one exactly, so that it
// equals what the parser returns. Other fractions stay a float64.
func numberFromJSON(n json.Number) (Value, error) {
	whole, frac, isDecimal := strings.Cut(n.String(), ".")
	if !isDecimal {
		return n.Int64()
	}
	if len(frac) > maxFractionDigits {
		return n.Float64()
	}
	d, err := strconv.ParseInt(whole+frac+strings.Repeat("0", maxFractionDigits-len(frac)), 10, 64)
	return Decimal(d), err
}

// parseAs parses lines as the kind of field that a vector names.
func parseAs(kind string, lines ...string) (any, error) {
	switch kind {
	case "item":
		return ParseItem(lines...)
	case "list":
		return ParseList(lines...)
	case "dictionary":
		return ParseDictionary(lines...)
	}
	return nil, fmt.Errorf("no such kind: %q", kind)
}

func appendAs(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case Item:
		return AppendItem(dst, v)
	case List:
		return AppendList(dst, v)
	case Dictionary:
		return AppendDictionary(dst, v)
	}
	return dst, fmt.Errorf("no such kind: %T", value)
}

// checkParseError holds for every error of a Parse function.
func checkParseError(t *testing.T, err error, field string) {
	t.Helper()
	var bad *ParseError
	if !errors.As(err, &bad) {
		t.Fatalf("error is a %T, want a *ParseError: %v", err, err)
	}
	if bad.Offset < 0 || bad.Offset > len(field) || bad.Problem == "" {
		t.Fatalf("error %+v does not fit a field of %d bytes", bad, len(field))
	}
}

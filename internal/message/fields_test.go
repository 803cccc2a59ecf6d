package message

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestFieldsLookup(t *testing.T) {
	f := parse(t, "Vary: a, b\r\nSet-Cookie: x=1\r\nVARY: c\r\nEmpty:\r\nset-cookie: y=2\r\nOnly: Value\r\n")
	f.Detach()
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"Get", f.Get("vary"), "a, b"},
		{"Get of an absent one", f.Get("var"), ""},
		{"Get of an empty one", f.Get("empty"), ""},
		{"Has", f.Has("EMPTY"), true},
		{"Has of an absent one", f.Has("Emptz"), false},
		{"Combined", f.Combined("Vary"), "a, b, c"},
		{"Combined of one", f.Combined("only"), "Value"},
		{"Combined of none", f.Combined("none"), ""},
		{"Is", f.Is("only", "Value"), true},
		{"Is compares case", f.Is("only", "value"), false},
		{"IsFold", f.IsFold("only", "vALUE"), true},
		{"Is with two lines", f.Is("vary", "a, b"), false},
		{"IsFold with two lines", f.IsFold("vary", "a, b"), false},
		{"Is of an absent one", f.Is("none", ""), false},
		{"AppendValue", string(f.AppendValue([]byte("="), "VARY")), "=a, b"},
		{"AppendValue of an absent one", string(f.AppendValue([]byte("="), "V")), "="},
		{"Len", f.Len(), 6},
		{"Values", strings.Join(f.Values("set-Cookie"), "|"), "x=1|y=2"},
		{"Values of none", len(f.Values("none")), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
	var all []string
	for name, value := range f.All() {
		all = append(all, name+"="+value)
		if len(all) == 3 {
			break
		}
	}
	if want := []string{"Vary=a, b", "Set-Cookie=x=1", "VARY=c"}; !slices.Equal(all, want) {
		t.Errorf("All: %q", all)
	}
}

func TestFieldsEdit(t *testing.T) {
	const start = "A: 1\r\nb: 2\r\na: 3\r\n"
	for _, c := range []struct {
		name string
		edit func(*Fields) error
		want string
	}{
		{"Add", func(f *Fields) error { return f.Add("C", "4") }, start + "C: 4\r\n"},
		{"Add cuts whitespace", func(f *Fields) error { return f.Add("C", " \t4 5\t ") }, start + "C: 4 5\r\n"},
		{"Add an empty value", func(f *Fields) error { return f.Add("C", "") }, start + "C: \r\n"},
		{"Set a new one", func(f *Fields) error { return f.Set("C", "4") }, start + "C: 4\r\n"},
		{"Set the first", func(f *Fields) error { return f.Set("a", "4") }, "a: 4\r\nb: 2\r\n"},
		{"Set one in the middle", func(f *Fields) error { return f.Set("B", "4") }, "A: 1\r\nB: 4\r\na: 3\r\n"},
		{"Del", func(f *Fields) error { f.Del("A"); return nil }, "b: 2\r\n"},
		{"Del none", func(f *Fields) error { f.Del("X"); return nil }, start},
		{"Del all", func(f *Fields) error { f.Del("A"); f.Del("B"); return nil }, ""},
		{"AddAll", func(f *Fields) error {
			return f.AddAll(func(yield func(string, string) bool) { _ = yield("C", "4") && yield("D", " 5") })
		},
			start + "C: 4\r\nD: 5\r\n"},
	} {
		for state, f := range states(t, start) {
			t.Run(c.name+"/"+state, func(t *testing.T) {
				before := f
				if err := c.edit(&f); err != nil {
					t.Fatal(err)
				}
				if got := f.Lines(); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if got := string(f.AppendLines(nil)); got != c.want {
					t.Errorf("AppendLines: got %q, want %q", got, c.want)
				}
				if got := before.Lines(); got != start {
					t.Errorf("the copy changed: %q", got)
				}
				if again := parse(t, c.want); !slices.Equal(again.idx, f.idx) && f.Lines() == f.text {
					t.Errorf("index %v, want %v", f.idx, again.idx)
				}
			})
		}
	}
}

// states gives fields with the same lines in each state that they can be in.
func states(t *testing.T, lines string) map[string]Fields {
	borrowed, copied, detached := parse(t, lines), parse(t, lines), parse(t, lines)
	copied.CopyInto(nil)
	detached.Detach()
	var built Fields
	for name, value := range detached.All() {
		if err := built.Add(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]Fields{"borrowed": borrowed, "copied": copied, "detached": detached, "built": built}
}

func TestFieldsEditRefuses(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"", "x", "a field's name is empty"},
		{"A B", "x", `byte 0x20 in the field name "A B"`},
		{"A:", "x", `byte 0x3a in the field name "A:"`},
		{"Ä", "x", `byte 0xc3 in the field name "Ä"`},
		{"A", "x\r\nB: y", "byte 0x0d in the value of field A"},
		{"A", "x\ny", "byte 0x0a in the value of field A"},
		{"A", "x\x00", "byte 0x00 in the value of field A"},
		{"A", "\x7f", "byte 0x7f in the value of field A"},
	} {
		f := parse(t, "A: 1\r\n")
		one := func(yield func(string, string) bool) { _ = yield("Fine", "1") && yield(c.name, c.value) }
		for what, err := range map[string]error{
			"Add": f.Add(c.name, c.value), "AddAll": f.AddAll(one), "CheckField": CheckField(c.name, c.value),
		} {
			if err == nil || err.Error() != c.want {
				t.Errorf("%s(%q, %q): %v, want %s", what, c.name, c.value, err, c.want)
			}
		}
		if c.name == "A" && f.Set("A", c.value) == nil {
			t.Errorf("Set(%q, %q) took it", c.name, c.value)
		}
		if f.Lines() != "A: 1\r\n" {
			t.Errorf("changed to %q", f.Lines())
		}
	}
}

// TestFieldsCopiesAreApart lets two copies grow in turn: neither may see what
// the other adds, though they began over the same memory.
func TestFieldsCopiesAreApart(t *testing.T) {
	for state, f := range states(t, "A: 1\r\n") {
		g := f
		f.Add("F", "1")
		g.Add("G", "1")
		h := f
		f.Add("F", "2")
		h.Add("H", "2")
		g.Del("A")
		h.Set("A", "9")
		for _, c := range []struct{ got, want string }{
			{f.Lines(), "A: 1\r\nF: 1\r\nF: 2\r\n"},
			{g.Lines(), "G: 1\r\n"},
			{h.Lines(), "A: 9\r\nF: 1\r\nH: 2\r\n"},
		} {
			if c.got != c.want {
				t.Errorf("%s: got %q, want %q", state, c.got, c.want)
			}
		}
	}
}

// TestFieldsPoison writes over the borrowed text after every call: what the
// calls returned must not change.
func TestFieldsPoison(t *testing.T) {
	const lines = "A: one\r\nB: two, three\r\nA: four\r\nContent-Type: a/b; c=\"d\"\r\nBad: x\r\n"
	poison := func(text []byte) {
		for i := range text {
			text[i] = 0xdb
		}
	}
	var kept []string
	keep := func(f *Fields) {
		kept = append(kept, f.Get("a"), f.Combined("a"), f.Combined("b"), f.Lines())
		kept = append(kept, f.Values("a")...)
		for name, value := range f.All() {
			kept = append(kept, name, value)
		}
		for token := range f.Tokens("B") {
			kept = append(kept, token)
		}
		m, _ := f.MediaType("content-type")
		c, _ := m.Param("c")
		_, intErr := f.Int("Bad")
		_, timeErr := f.Time("Bad")
		_, mediaErr := f.MediaType("Bad")
		_, sameErr := f.Int("A")
		kept = append(kept, m.Type, c, intErr.Error(), timeErr.Error(), mediaErr.Error(), sameErr.Error())
		copied := *f
		copied.Add("C", "five")
		kept = append(kept, copied.Lines())
		copied.Detach()
		kept = append(kept, copied.Lines())
	}
	text := []byte(lines)
	var f Fields
	if err := f.Parse(text, 0, 10); err != nil {
		t.Fatal(err)
	}
	keep(&f)
	buf := f.CopyInto(nil)
	poison(text)
	half := len(kept)
	keep(&f)
	poison(buf)
	want := slices.Clone(kept[half:])
	for i := range kept[:half] {
		if kept[i] != want[i] || strings.Contains(kept[i], "\xdb") {
			t.Errorf("%d: %q and %q", i, kept[i], want[i])
		}
	}
	if f.Get("a") != "" {
		t.Error("the poison does not reach the borrowed text")
	}
}

// TestFieldsDetachedKeepsItsIndex parses again into fields whose earlier
// content was detached and copied: the copy must stay.
func TestFieldsDetachedKeepsItsIndex(t *testing.T) {
	var f Fields
	f.SetIndex(make([]Span, 0, 8))
	for _, reset := range []bool{true, false} {
		if err := f.Parse([]byte("First: 1\r\n"), 0, 10); err != nil {
			t.Fatal(err)
		}
		f.Detach()
		kept := f
		if reset {
			f.Reset()
		}
		if err := f.Parse([]byte("X: 2\r\nY: 3\r\n"), 0, 10); err != nil {
			t.Fatal(err)
		}
		if kept.Lines() != "First: 1\r\n" || kept.Get("First") != "1" || f.Get("y") != "3" {
			t.Errorf("%q, %q", kept.Lines(), f.Lines())
		}
	}
}

func TestFieldsConcurrentReaders(t *testing.T) {
	f := parse(t, twentyFields)
	f.Detach()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				g := f
				g.Add("Mine", "1")
				if !f.HasToken("connection", "KEEP-ALIVE") || f.Get("Server") == "" || f.Has("Mine") {
					t.Error("wrong answer")
				}
			}
		})
	}
	all.Wait()
}

func TestHead(t *testing.T) {
	text := []byte("HTTP/1.1 404 Not Here\r\nA: b\r\n")
	var h Head
	if err := h.Parse(text, 13, 21, 23, 10); err != nil {
		t.Fatal(err)
	}
	buf := h.CopyInto(nil)
	clear(text)
	if h.Reason != "Not Here" || h.Fields.Get("A") != "b" {
		t.Errorf("%+v", h)
	}
	h.Detach()
	clear(buf)
	if h.Reason != "Not Here" || h.Fields.Get("A") != "b" {
		t.Errorf("%+v", h)
	}
	h.Reset()
	if h.Reason != "" || h.Fields.Len() != 0 {
		t.Errorf("%+v", h)
	}
	// A head that no text was parsed for keeps what it was given.
	h = Head{Status: 200, Reason: "Fine"}
	h.Fields.Add("A", "b")
	h.Detach()
	h.CopyInto(nil)
	if h.Reason != "Fine" || h.Fields.Get("A") != "b" {
		t.Errorf("%+v", h)
	}
}

package sse

import (
	"errors"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func msg(data string) Event { return Event{Type: "message", Data: data} }

// TestDecode: the standard's own examples, and its corners.
func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []Event
	}{
		{"lines of data", "data: YHOO\ndata: +2\ndata: 10\n\n", []Event{msg("YHOO\n+2\n10")}},
		{"ids, comments, an event that is cut off", ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
			[]Event{{"message", "first event", "1"}, msg("second event")}},
		{"empty data", "data\n\ndata\ndata\n\ndata:", []Event{msg(""), msg("\n")}},
		{"one space goes", "data:test\n\ndata: test\n\ndata:  test\n\n", []Event{msg("test"), msg("test"), msg(" test")}},
		{"types", "event: add\ndata: 1\n\nevent: gone\n\ndata: 2\n\nevent:\ndata: 3\n\n", []Event{{"add", "1", ""}, msg("2"), msg("3")}},
		{"CR, LF and CRLF", "data:1\rdata:2\ndata:3\r\n\r\ndata:4\r\rdata:5\n\r\n", []Event{msg("1\n2\n3"), msg("4"), msg("5")}},
		{"CR LF is one end, LF CR two", "data:1\n\rdata:2\r\n\n", []Event{msg("1"), msg("2")}},
		{"a mark", "\uFEFFdata:1\n\n", []Event{msg("1")}},
		{"two marks", "\uFEFF\uFEFFdata:1\n\ndata:2\n\n", []Event{msg("2")}},
		{"a mark later", "data:1\n\n\uFEFFdata:2\n\n", []Event{msg("1")}},
		{"an id stays", "id: 7\ndata: 1\n\ndata: 2\n\n", []Event{{"message", "1", "7"}, {"message", "2", "7"}}},
		{"an id without data", "id: 7\n\ndata: 2\n\n", []Event{{"message", "2", "7"}}},
		{"an id with NUL", "id: 7\ndata:1\n\nid: 8\x00\ndata:2\n\n", []Event{{"message", "1", "7"}, {"message", "2", "7"}}},
		{"unknown names, other cases, spaces", "Data: 1\ndata : 2\n data: 3\nfoo\n:data: 4\ndata:5\n\n", []Event{msg("5")}},
		{"a colon in the data", "data:a:b\n\n", []Event{msg("a:b")}},
		{"NUL in the data", "data:a\x00b\n\n", []Event{msg("a\x00b")}},
		{"no UTF-8", "data:a\xff\xe2\x82b\xf0\x90\x80\xed\xa0\x80\xc0\xaf\n\n",
			[]Event{msg("a\uFFFD\uFFFDb\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD")}},
		{"nothing", "", nil},
		{"a line without an end", "data:1\n\ndata:2\n", []Event{msg("1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				var got []Event
				for e, err := range Read(r) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, e)
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
		})
	}
}

// TestRetry: what the server says of when to ask again.
func TestRetry(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"":                               -1,
		"retry: 100\n":                   100 * time.Millisecond,
		"retry: 0\n":                     0,
		"retry:\n":                       -1,
		"retry: -1\n":                    -1,
		"retry: 1.5\n":                   -1,
		"retry: 100\nretry: x\n":         100 * time.Millisecond,
		"retry: 100":                     -1,
		"retry: 99999999999999999999\n":  1<<63 - 1,
		"retry: 9223372036854775807\n\n": 1<<63 - 1,
	} {
		d := NewDecoder(strings.NewReader(in), Limits{})
		if _, err := d.Next(); err != io.EOF {
			t.Error(err)
		}
		if d.Retry() != want {
			t.Errorf("%q: %v, want %v", in, d.Retry(), want)
		}
	}
}

// TestAtOnce: an event is there with the end of its line, though that be a CR
// that a LF could follow.
func TestAtOnce(t *testing.T) {
	pr, pw := io.Pipe()
	defer pr.Close()
	d := NewDecoder(pr, Limits{})
	for _, end := range []string{"\r\r", "\n\n", "\r\n\r\n", "\r\n\r"} {
		go io.WriteString(pw, "data:1"+end)
		if e, err := d.Next(); err != nil || e.Data != "1" {
			t.Errorf("%q: %v %v", end, e, err)
		}
	}
}

// TestLimits: a line and an event have bounds; an error of the reader comes
// through.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		in   string
		want error
	}{
		{"data:12345\n\n", nil},
		{"data:123456\n\n", ErrTooLarge},
		{": a comment\n", ErrTooLarge},
		{"data:1234\ndata:678\n\n", nil},
		{"data:1234\ndata:6789\n\n", ErrTooLarge},
		{strings.Repeat("data:\n", 9) + "\n", nil},
		{strings.Repeat("data:\n", 10) + "\n", ErrTooLarge},
	} {
		d := NewDecoder(iotest.DataErrReader(strings.NewReader(c.in)), Limits{Line: 10, Event: 9})
		if _, err := d.Next(); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.in, err, c.want)
		}
	}
	want := errors.New("broken")
	n := 0
	for e, err := range Read(io.MultiReader(strings.NewReader("data:1\n\n"), iotest.ErrReader(want))) {
		if n++; n == 1 && (err != nil || e.Data != "1") || n == 2 && err != want {
			t.Error(e, err)
		}
	}
	if n != 2 {
		t.Error(n, "rounds")
	}
	d := NewDecoder(strings.NewReader("data:"+strings.Repeat("x", 2<<20)+"\n\n"), Limits{Line: -1})
	if e, err := d.Next(); err != nil || len(e.Data) != 2<<20 {
		t.Error(len(e.Data), err)
	}
}

// FuzzRead: the same events, whatever the pieces in which they come, as a plain
// reading of the standard gives.
func FuzzRead(f *testing.F) {
	f.Add("data: 1\nid: 2\nevent: x\n\r\n\r\rdata\n\n")
	f.Add("\uFEFF: c\n\ndata:\xe2\x82\ndata: \r\n\r\nretry: 5\n")
	f.Fuzz(func(t *testing.T, in string) {
		want := reference(in)
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			var got []Event
			for e, err := range Read(r) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%q:\n got %q\nwant %q", in, got, want)
			}
		}
	})
}

var lineEnds = regexp.MustCompile("\r\n|\n|\r")

// reference reads the stream as a whole.
func reference(in string) (out []Event) {
	in = strings.TrimPrefix(string(replaceInvalid([]byte(in))), "\uFEFF")
	lines := lineEnds.Split(in, -1)
	e := Event{}
	for _, line := range lines[:len(lines)-1] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if e.Data != "" {
				if e.Data = strings.TrimSuffix(e.Data, "\n"); e.Type == "" {
					e.Type = "message"
				}
				out = append(out, e)
			}
			e = Event{ID: e.ID}
		case name == "data":
			e.Data += value + "\n"
		case name == "event":
			e.Type = value
		case name == "id" && !strings.Contains(value, "\x00"):
			e.ID = value
		}
	}
	return out
}

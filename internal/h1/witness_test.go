package h1

import (
	"net/http/httptrace"
	"reflect"
	"testing"

	"sonde/internal/event"
)

// TestWroteHead: lines of one name that follow one another are told as one field.
func TestWroteHead(t *testing.T) {
	var got [][]string
	log := &event.Log{Client: &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		got = append(got, append([]string{name}, values...))
	}}}
	wroteHead(log, 0, []byte("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nA: 2\r\nB: \r\nA: 3\r\n\r\n"), nil)
	want := [][]string{{"Host", "h"}, {"A", "1", "2"}, {"B", ""}, {"A", "3"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

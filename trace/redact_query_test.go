package trace_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"sonde/trace"
)

// Queries can hold what is nobody else's business.
func ExampleRedactQueries() {
	sink := trace.RedactQueries(trace.NewStableText(os.Stdout))
	sink.Record(trace.Event{Kind: trace.CallStart, Call: 1, Detail: &trace.Detail{Method: "GET", URL: "https://example.com/find?key=7#top"}})
	// Output:
	// 1    call-start      GET https://example.com/find?[redacted]#top
}

func TestRedactQueries(t *testing.T) {
	if trace.RedactQueries(nil) != nil {
		t.Error("of nothing it made something")
	}
	var rec trace.Recorder
	sink, cause := trace.RedactQueries(&rec), errors.New("over")
	for _, e := range []trace.Event{
		{Kind: trace.HeadWritten, Detail: &trace.Detail{Value: "GET /a?key=secret HTTP/1.1"}},
		{Kind: trace.FieldWritten, Detail: &trace.Detail{Name: "Referer", Value: "http://h/?secret?secret#f"}},
		{Kind: trace.Redirect, Detail: &trace.Detail{URL: "http://h/?"}},
		{Kind: trace.CallDone, Err: fmt.Errorf("to http://h/?secret: %w", cause)},
		{Kind: trace.HeadWritten, Detail: &trace.Detail{Value: `GET /?a="secret"&b=<secret>&c HTTP/1.1`}},
		{Kind: trace.FieldWritten, Detail: &trace.Detail{Name: "Link", Value: `<http://h/?secret>; rel="next"`}},
	} {
		sink.Record(e)
	}
	got := rec.Events()
	if got[0].Value() != "GET /a?[redacted] HTTP/1.1" || got[1].Value() != "http://h/?[redacted]#f" || got[2].URL() != "http://h/?" {
		t.Errorf("%+v", got)
	}
	if err := got[3].Err; strings.Contains(err.Error(), "secret") || !errors.Is(err, cause) {
		t.Error(err)
	}
	if got[4].Value() != "GET /?[redacted] HTTP/1.1" || got[5].Value() != `<http://h/?[redacted]>; rel="next"` {
		t.Errorf("%s, %s", got[4].Value(), got[5].Value())
	}
}

// TestFieldSink: a ring does without fields unless it is told, and a sink around
// others wants what one of them wants.
func TestFieldSink(t *testing.T) {
	without, with := trace.NewRing(1), trace.NewRing(1)
	with.Fields = true
	for _, tt := range []struct {
		sink trace.Sink
		want bool
	}{
		{without, false}, {with, true}, {trace.Tee(without, with), true}, {trace.Tee(without, trace.NewRing(2)), false},
		{trace.Tee(without, new(trace.Recorder)), true}, {trace.RedactQueries(without), false},
		{trace.RedactQueries(new(trace.Recorder)), true},
	} {
		if got := tt.sink.(trace.FieldSink).WantsFields(); got != tt.want {
			t.Errorf("%T: %v", tt.sink, got)
		}
	}
}

// fieldless counts events, and does without those of single fields.
type fieldless struct{ n int }

func (f *fieldless) Record(trace.Event) { f.n++ }
func (f *fieldless) WantsFields() bool  { return false }

// A sink that does without fields costs a client less.
func ExampleFieldSink() {
	var sink trace.FieldSink = new(fieldless)
	fmt.Println(trace.Tee(sink, trace.NewRing(10)).(trace.FieldSink).WantsFields())
	// Output: false
}

func TestRedactSignatures(t *testing.T) {
	for url, want := range map[string]string{
		"http://h/":                                   "http://h/",
		"http://h/?":                                  "http://h/?",
		"http://h/?a=b&c":                             "http://h/?a=b&c",
		"http://h/?Sig=x=y&a=b":                       "http://h/?Sig=REDACTED&a=b",
		"http://h/?sig":                               "http://h/?sig=REDACTED",
		"http://h/?signatures=1":                      "http://h/?signatures=1",
		"http://h/?x?sig=1":                           "http://h/?x?sig=REDACTED", // x may be a URL
		"http://h/#?sig=1":                            "http://h/#?sig=REDACTED",
		"to http://h/?a=1\nhttp://i/?sig=2\tx":        "to http://h/?a=1\nhttp://i/?sig=REDACTED\tx",
		`["http://h/?a=1","http://i/?sig=2&b"]`:       `["http://h/?a=1","http://i/?sig=REDACTED&b"]`,
		"http://h/?a&sig=1#b":                         "http://h/?a&sig=REDACTED#b",
		`http://h/?a="b&sig=1"2`:                      `http://h/?a="b&sig=REDACTED`,
		"302 Found to http://h/?sig=1: redirect loop": "302 Found to http://h/?sig=REDACTED: redirect loop",
		`a "http://h/?sig=1", b "http://i/?sig=2"`:    `a "http://h/?sig=REDACTED", b "http://i/?sig=REDACTED"`,
		"http://h/?X-Amz-Signature=1&X-Amz-Credential=6&X-Amz-Security-Token=2&AWSAccessKeyId=3&X-Goog-Signature=4&Signature=5": "http://h/?" +
			"X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&AWSAccessKeyId=REDACTED&X-Goog-Signature=REDACTED&Signature=REDACTED",
	} {
		if got := trace.RedactSignatures(url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

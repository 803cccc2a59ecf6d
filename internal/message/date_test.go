package message

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct{ in, want string }{
		// RFC 9110, section 5.6.7: one instant in three forms.
		{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
		{"Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z"},
		{"Mon, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"}, // not a Monday
		{"Thu, 29 Feb 2024 00:00:00 GMT", "2024-02-29T00:00:00Z"},
		{"Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z"}, // a leap second
		{"Sat, 01 Jan 0000 00:00:00 GMT", "0000-01-01T00:00:00Z"},
		// At most 50 years ahead of 4 March 2026.
		{"Wednesday, 04-Mar-76 00:00:00 GMT", "2076-03-04T00:00:00Z"},
		{"Wednesday, 04-Mar-76 00:00:01 GMT", "1976-03-04T00:00:01Z"},
		{"Wednesday, 05-Mar-25 00:00:00 GMT", "2025-03-05T00:00:00Z"},
		{"Saturday, 01-Jan-00 00:00:00 GMT", "2000-01-01T00:00:00Z"},
		{"Tuesday, 29-Feb-00 00:00:00 GMT", "2000-02-29T00:00:00Z"},
		{"Friday, 31-Dec-99 23:59:59 GMT", "1999-12-31T23:59:59Z"},

		{"", ""}, {"0", ""}, {"-1", ""},
		{"Tuesday, 29-Feb-97 00:00:00 GMT", ""},
		{"sun, 06 Nov 1994 08:49:37 GMT", ""},
		{"Sun, 06 nov 1994 08:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 08:49:37 gmt", ""},
		{"Sun, 06 Nov 1994 08:49:37 UTC", ""},
		{"Sun, 06 Nov 1994 08:49:37", ""},
		{"Sun, 6 Nov 1994 08:49:37 GMT", ""},
		{"Sun,06 Nov 1994 08:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 8:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 24:00:00 GMT", ""},
		{"Sun, 06 Nov 1994 08:60:00 GMT", ""},
		{"Sun, 06 Nov 1994 08:00:61 GMT", ""},
		{"Sun, 00 Nov 1994 08:00:00 GMT", ""},
		{"Sun, 31 Nov 1994 08:00:00 GMT", ""},
		{"Wed, 29 Feb 2023 00:00:00 GMT", ""},
		{"Sun, +6 Nov 1994 08:49:37 GMT", ""},
		{"Sun, 06 Nov -994 08:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 08-49-37 GMT", ""},
		{"Sun, 06 Xyz 1994 08:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 08:49:37 GMT ", ""},
		{"Someday, 06-Nov-94 08:49:37 GMT", ""},
		{"Sunday, 06-Nov-1994 08:49:37 GMT", ""},
		{"Sun Nov 06 08:49:37 1994 GMT", ""},
		{"Sun Nov   08:49:37 1994", ""},
		{"Mon Tue", ""}, {"Mon Tue, ", ""},
	} {
		got, err := parseTime(c.in, now)
		if c.want == "" {
			if err == nil {
				t.Errorf("%q: took it as %v", c.in, got)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%q: %v, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func TestAppendTime(t *testing.T) {
	at := time.Date(1994, 11, 6, 9, 49, 37, 5, time.FixedZone("CET", 3600))
	if got := string(AppendTime(nil, at)); got != "Sun, 06 Nov 1994 08:49:37 GMT" {
		t.Error(got)
	}
}

package message

import (
	"strings"
	"time"
)

const imfFixdate = "Mon, 02 Jan 2006 15:04:05 GMT"

// AppendTime appends t as an IMF-fixdate, the one form that may be sent.
func AppendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, imfFixdate)
}

const (
	shortDays = "Mon Tue Wed Thu Fri Sat Sun"
	longDays  = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
	months    = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
)

// ParseTime reads an HTTP date in any of its three forms (RFC 9110, section
// 5.6.7), which are case-sensitive. The name of the day is not compared with the
// date.
func ParseTime(s string) (time.Time, error) {
	return parseTime(s, time.Now)
}

func parseTime(s string, now func() time.Time) (time.Time, error) {
	var t time.Time
	ok := false
	day, rest, comma := strings.Cut(s, ", ")
	switch {
	case comma && word(shortDays, day) > 0:
		t, ok = parseIMF(rest)
	case comma && word(longDays, day) > 0:
		t, ok = parse850(rest, now)
	case len(s) > 4 && s[3] == ' ' && word(shortDays, s[:3]) > 0:
		t, ok = parseAsctime(s[4:])
	}
	if !ok {
		return time.Time{}, NewMalformed("not an HTTP date", s)
	}
	return t, nil
}

// parseIMF reads "06 Nov 1994 08:49:37 GMT".
func parseIMF(s string) (time.Time, bool) {
	if len(s) != 24 || s[2] != ' ' || s[6] != ' ' || s[11] != ' ' || s[20:] != " GMT" {
		return time.Time{}, false
	}
	return date(number(s[7:11]), word(months, s[3:6]), number(s[:2]), s[12:20])
}

// parse850 reads "06-Nov-94 08:49:37 GMT".
func parse850(s string, now func() time.Time) (time.Time, bool) {
	if len(s) != 22 || s[2] != '-' || s[6] != '-' || s[9] != ' ' || s[18:] != " GMT" {
		return time.Time{}, false
	}
	short := number(s[7:9])
	if short < 0 {
		return time.Time{}, false
	}
	// RFC 9110 §5.6.7: a date more than 50 years in the future is the most
	// recent year in the past with the same last digits.
	today := now().UTC()
	year := today.Year() - today.Year()%100 + 100 + short
	for {
		t, ok := date(year, word(months, s[3:6]), number(s[:2]), s[10:18])
		if ok && !t.After(today.AddDate(50, 0, 0)) {
			return t, true
		}
		// 29 February exists in some of these years only.
		if year -= 100; year < today.Year()-200 {
			return time.Time{}, false
		}
	}
}

// parseAsctime reads "Nov  6 08:49:37 1994".
func parseAsctime(s string) (time.Time, bool) {
	if len(s) != 20 || s[3] != ' ' || s[6] != ' ' || s[15] != ' ' {
		return time.Time{}, false
	}
	return date(number(s[16:]), word(months, s[:3]), number(strings.TrimPrefix(s[4:6], " ")), s[7:15])
}

// date is the time of valid parts; clock is "08:49:37".
func date(year, month, day int, clock string) (time.Time, bool) {
	hour, minute, second := number(clock[:2]), number(clock[3:5]), number(clock[6:])
	if clock[2] != ':' || clock[5] != ':' || year < 0 || month < 1 || day < 1 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
		second < 0 || second > 60 { // 60 is a leap second
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, 0, 0, time.UTC)
	if t.Day() != day {
		return time.Time{}, false
	}
	return t.Add(time.Duration(second) * time.Second), true
}

// number reads digits, or gives -1.
func number(s string) int {
	n, ok := ParseDigits(s)
	if !ok {
		return -1
	}
	return int(n)
}

// word is the place of w among words, from 1; 0 if it is not there.
func word(words, w string) int {
	for n := 1; words != ""; n++ {
		var next string
		if next, words, _ = strings.Cut(words, " "); next == w {
			return n
		}
	}
	return 0
}

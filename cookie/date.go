package cookie

import (
	"strings"
	"time"
)

// parseDate reads the many forms in which servers write dates. RFC 6265bis §5.1.1.
func parseDate(s string) (time.Time, bool) {
	var d date
	for len(s) > 0 {
		n := 0
		for n < len(s) && !delimiter(s[n]) {
			n++
		}
		if n > 0 {
			d.token(s[:n])
		}
		s = s[min(n+1, len(s)):]
	}
	return d.time()
}

// delimiter reports whether c stands between the parts of a date: white space and
// punctuation, but no colon.
func delimiter(c byte) bool {
	switch {
	case c == '\t', ' ' <= c && c <= '/', ';' <= c && c <= '@', '[' <= c && c <= '`', '{' <= c && c <= '~':
		return true
	}
	return false
}

// date is what was found so far; -1, and month 0, is nothing yet.
type date struct {
	found struct{ time, day, month, year bool }

	hour, minute, second, day, year int
	month                           time.Month
}

// token takes a token as the first of those parts that it could be and that are
// missing yet.
func (d *date) token(s string) {
	if !d.found.time {
		if h, m, sec, ok := clockTime(s); ok {
			d.hour, d.minute, d.second, d.found.time = h, m, sec, true
			return
		}
	}
	if !d.found.day {
		if n, rest, ok := number(s, 1, 2); ok && ends(rest) {
			d.day, d.found.day = n, true
			return
		}
	}
	if !d.found.month && len(s) >= 3 {
		const months = "janfebmaraprmayjunjulaugsepoctnovdec"
		if i := strings.Index(months, strings.ToLower(s[:3])); i >= 0 && i%3 == 0 {
			d.month, d.found.month = time.Month(i/3+1), true
			return
		}
	}
	if !d.found.year {
		if n, rest, ok := number(s, 2, 4); ok && ends(rest) {
			d.year, d.found.year = n, true
		}
	}
}

// clockTime reads hours, minutes and seconds.
func clockTime(s string) (h, m, sec int, ok bool) {
	var f [3]int
	for i := range f {
		if i > 0 {
			if s == "" || s[0] != ':' {
				return 0, 0, 0, false
			}
			s = s[1:]
		}
		if f[i], s, ok = number(s, 1, 2); !ok {
			return 0, 0, 0, false
		}
	}
	return f[0], f[1], f[2], ends(s)
}

// number reads from least to most digits.
func number(s string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && i < most && '0' <= s[i] && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i >= least
}

// ends reports whether a number cannot go on with rest.
func ends(rest string) bool { return rest == "" || rest[0] < '0' || rest[0] > '9' }

// time is the date, if there is all of one.
func (d *date) time() (time.Time, bool) {
	switch {
	case d.year >= 70 && d.year <= 99:
		d.year += 1900
	case d.year >= 0 && d.year <= 69:
		d.year += 2000
	}
	f := d.found
	if !f.time || !f.day || !f.month || !f.year || d.year < 1601 ||
		d.day < 1 || d.day > 31 || d.hour > 23 || d.minute > 59 || d.second > 59 {
		return time.Time{}, false
	}
	t := time.Date(d.year, d.month, d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return t, t.Day() == d.day
}

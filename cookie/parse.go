package cookie

import (
	"strconv"
	"strings"
	"time"
)

// received is a Set-Cookie field taken apart.
type received struct {
	name, value string
	domain      string // "": none
	path        string // "": the default
	hasPath     bool
	expires     time.Time // zero: none
	maxAge      time.Duration
	hasMaxAge   bool
	secure      bool
	httpOnly    bool
	sameSite    SameSite
}

// parse reads the value of a Set-Cookie field. RFC 6265bis §5.6.
func parse(s string) (r received, ok bool) {
	if hasControl(s) {
		return r, false
	}
	pair, rest, _ := strings.Cut(s, ";")
	name, value, found := strings.Cut(pair, "=")
	if !found {
		name, value = "", pair
	}
	r.name, r.value = trim(name), trim(value)
	if len(r.name)+len(r.value) > maxPair {
		return r, false
	}
	for rest != "" {
		var av string
		av, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(av, "=")
		if value = trim(value); len(value) <= maxAttribute {
			r.attribute(trim(name), value)
		}
	}
	return r, true
}

// attribute takes one attribute; of several with one name the last counts.
func (r *received) attribute(name, value string) {
	switch strings.ToLower(name) {
	case "expires":
		if t, ok := parseDate(value); ok {
			r.expires = t
		}
	case "max-age":
		if d, ok := parseMaxAge(value); ok {
			r.maxAge, r.hasMaxAge = d, true
		}
	case "domain":
		r.domain = strings.ToLower(strings.TrimPrefix(value, "."))
	case "path":
		r.path, r.hasPath = "", true
		if strings.HasPrefix(value, "/") {
			r.path = value
		}
	case "secure":
		r.secure = true
	case "httponly":
		r.httpOnly = true
	case "samesite":
		r.sameSite = parseSameSite(value)
	}
}

// parseMaxAge reads delta-seconds, and cuts them to the longest life.
// RFC 6265bis §5.6.2.
func parseMaxAge(s string) (time.Duration, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.ContainsFunc(digits, func(c rune) bool { return c < '0' || c > '9' }) {
		return 0, false
	}
	if digits != s {
		return 0, true
	}
	// What does not fit into 64 bits is more than the longest life, too.
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > int64(maxAge/time.Second) {
		return maxAge, true
	}
	return time.Duration(n) * time.Second, true
}

// trim removes white space as RFC 6265bis means it: space and tab.
func trim(s string) string { return strings.Trim(s, " \t") }

// hasControl reports whether s has a control character other than the tab.
func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

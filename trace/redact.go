package trace

import "strings"

// Sensitive reports whether the value of a field with that name can be a secret:
// Authorization, Cookie and their kind, and the session token that goes with a
// signature for AWS.
func Sensitive(name string) bool {
	for _, s := range [...]string{"cookie", "set-cookie", "authorization", "proxy-authorization",
		"cookie2", "x-amz-security-token"} {
		if sameName(name, s) {
			return true
		}
	}
	return false
}

// sameName reports whether name is that field, which is written in lower case.
func sameName(name, field string) bool {
	if len(name) != len(field) {
		return false
	}
	for i := range len(field) {
		if name[i]|0x20 != field[i] { // letters and hyphens have that bit in lower case
			return false
		}
	}
	return true
}

// Redact is value, or "[redacted]" where the field is Sensitive. Other fields,
// such as Location and Referer, lose the credentials of the URLs in them.
func Redact(name, value string) string {
	switch {
	case Sensitive(name):
		return "[redacted]"
	case !strings.Contains(value, "@"):
		return value
	case sameName(name, "location"), sameName(name, "content-location"), sameName(name, "referer"):
		return redactReference(value)
	}
	return RedactURLs(value)
}

// redactReference is a URL, or a reference to one, without credentials, also where only
// lax readers find them, as browsers are (WHATWG URL, "URL parsing"): to these a backslash
// is a slash, it takes any number of them after a scheme, and a password may have spaces
// in it.
func redactReference(ref string) string {
	const slashes = `/\`
	from := 0
	if i := strings.IndexAny(ref, ":?#"+slashes); i > 0 && ref[i] == ':' {
		from = i + 1
	}
	authority := strings.TrimLeft(ref[from:], slashes)
	if n := len(ref) - from - len(authority); from > 0 || n >= 2 {
		end := strings.IndexAny(authority, "?#"+slashes)
		if end < 0 {
			end = len(authority)
		}
		if at := strings.LastIndexByte(authority[:end], '@'); at >= 0 {
			ref = ref[:from+n] + authority[at+1:]
		}
	}
	return RedactURLs(ref)
}

// RedactURLs is text without the credentials of the URLs in it.
func RedactURLs(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "//")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString("//")
		// RFC 3986 §3.2: the authority ends at the next slash, "?" or "#"; in
		// running text also where a URL cannot go on.
		end := strings.IndexAny(rest, "/?#<>\" \t")
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			rest = rest[at+1:]
		}
		text = rest
	}
}

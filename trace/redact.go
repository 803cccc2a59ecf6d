package trace

import "strings"

// Sensitive reports whether the value of a field with that name can be a secret:
// Authorization, Cookie and their kind.
func Sensitive(name string) bool {
	for _, s := range [...]string{"cookie", "set-cookie", "authorization", "proxy-authorization"} {
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
	if Sensitive(name) {
		return "[redacted]"
	}
	return RedactURLs(value)
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

package trace

import "strings"

// Sensitive reports whether the value of a field with that name can be a secret:
// Authorization, Cookie and their kind.
func Sensitive(name string) bool {
	switch len(name) {
	case len("cookie"):
		return strings.EqualFold(name, "cookie")
	case len("set-cookie"):
		return strings.EqualFold(name, "set-cookie")
	case len("authorization"):
		return strings.EqualFold(name, "authorization")
	case len("proxy-authorization"):
		return strings.EqualFold(name, "proxy-authorization")
	}
	return false
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

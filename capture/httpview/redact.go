package httpview

import (
	"strings"
)

// redacted stands for what is not shown.
const redacted = "[redacted]"

// redact takes the credentials out of an exchange.
func redact(x *Exchange) {
	x.Target = RedactTarget(x.Target)
	x.RequestHeader = redactFields(x.RequestHeader)
	x.ResponseHeader = redactFields(x.ResponseHeader)
	x.RequestTrailer = redactFields(x.RequestTrailer)
	x.ResponseTrailer = redactFields(x.ResponseTrailer)
}

// redactFields returns the fields without their credentials. The slice that it
// is given stays as it is.
func redactFields(fields []Field) []Field {
	out := fields
	for i, f := range fields {
		v := RedactField(f.Name, f.Value)
		if v == f.Value {
			continue
		}
		if &out[0] == &fields[0] {
			out = append([]Field(nil), fields...)
		}
		out[i].Value = v
	}
	return out
}

// RedactField returns what may be shown of a header field's value: the scheme of
// credentials, the name of a cookie.
func RedactField(name, value string) string {
	switch name = strings.ToLower(name); {
	case name == ":path", name == "referer", name == "location", name == "content-location":
		return RedactTarget(value)
	case name == "authorization", name == "proxy-authorization":
		if scheme, _, ok := strings.Cut(value, " "); ok {
			return scheme + " " + redacted
		}
		return redacted
	case name == "cookie":
		parts := strings.Split(value, ";")
		for i, p := range parts {
			parts[i] = redactCookie(p)
		}
		return strings.Join(parts, ";")
	case name == "set-cookie":
		pair, attributes, _ := strings.Cut(value, ";")
		if attributes != "" {
			attributes = ";" + attributes
		}
		return redactCookie(pair) + attributes
	case secretName(name):
		return redacted
	}
	return value
}

func redactCookie(pair string) string {
	if name, _, ok := strings.Cut(pair, "="); ok {
		return name + "=" + redacted
	}
	return redacted
}

// secretName reports whether what has that name, in lower case, is likely to be
// a secret: better one too many.
func secretName(name string) bool {
	for _, word := range []string{
		"token", "secret", "passw", "api-key", "api_key", "apikey", "credential", "signature",
		"session", "auth-key", "access-key", "private-key", "-jwt", "jwt-", "cookie",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	switch name {
	case "x-auth", "jwt", "sig", "key", "code", "pwd", "auth", "authentication-info", "sec-websocket-key":
		return true
	}
	return false
}

// RedactTarget takes user information and what looks like a secret in the query
// out of a URL or a path.
func RedactTarget(target string) string {
	if scheme, rest, ok := strings.Cut(target, "://"); ok {
		end := len(rest)
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			end = i
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			target = scheme + "://" + redacted + rest[at:]
		}
	}
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if name, _, ok := strings.Cut(p, "="); ok && secretName(strings.ToLower(name)) {
			parts[i] = name + "=" + redacted
		}
	}
	return path + "?" + strings.Join(parts, "&")
}

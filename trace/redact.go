package trace

import "strings"

// Sensitive reports whether the value of a field with that name can be a secret:
// Authorization, Cookie and their kind.
func Sensitive(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie":
		return true
	}
	return false
}

// Redact is value, or "[redacted]" where the field is Sensitive.
func Redact(name, value string) string {
	if Sensitive(name) {
		return "[redacted]"
	}
	return value
}

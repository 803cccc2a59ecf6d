package trace_test

import (
	"testing"

	"sonde/trace"
)

// TestRedactReferences: fields that are a URL lose credentials that browsers would find
// in them, and nothing else.
func TestRedactReferences(t *testing.T) {
	for value, want := range map[string]string{
		"http://u:topsecret@h/":        "http://h/",
		"//u:topsecret@h/":             "//h/",
		"http://u:top secret@h/":       "http://h/",
		`http://u:top"secret@h/a?b`:    "http://h/a?b",
		"http://u:top<secret@h":        "http://h",
		`http:\\u:topsecret@h/`:        `http:\\h/`,
		`http:/\u:topsecret@h/`:        `http:/\h/`,
		`\\u:topsecret@h/`:             `\\h/`,
		"http:u:topsecret@h/":          "http:h/",
		"http:///u:topsecret@h/":       "http:///h/",
		"u:topsecret@h":                "u:h",
		"/users/@me":                   "/users/@me",
		"@me?next=http://u:secret@h/":  "@me?next=http://h/",
		"/to?u=a@b":                    "/to?u=a@b",
		"http://h/users/@me":           "http://h/users/@me",
		"http://h?a@b":                 "http://h?a@b",
		"http://h/to/http://u:x@i/?a@": "http://h/to/http://i/?a@",
	} {
		for _, name := range []string{"Location", "content-location", "REFERER"} {
			if got := trace.Redact(name, value); got != want {
				t.Errorf("%s: %s becomes %s, want %s", name, value, got, want)
			}
		}
	}
}

package trace

import "strings"

// RedactQueries returns a Sink that hands events to s without what URLs have as
// their query, which can hold keys and names: "?[redacted]" stands there instead.
// It goes for URLs, first lines, the values of fields, and the texts of errors;
// errors.Is and errors.As still see the errors themselves. Without it queries are
// told as they are. A nil s gives nil.
func RedactQueries(s Sink) Sink {
	if s == nil {
		return nil
	}
	return queryless{s}
}

type queryless struct{ Sink }

// WantsFields is the sink's own; see FieldSink.
func (q queryless) WantsFields() bool {
	f, ok := q.Sink.(FieldSink)
	return !ok || f.WantsFields()
}

// Record hands e on.
func (q queryless) Record(e Event) {
	if strings.Contains(e.URL(), "?") || strings.Contains(e.Value(), "?") {
		own := *e.Detail // the events that it is shared with keep it
		own.URL, own.Value = withoutQueries(own.URL), withoutQueries(own.Value)
		e.Detail = &own
	}
	if e.Err != nil && strings.Contains(e.Err.Error(), "?") {
		e.Err = querylessError{e.Err}
	}
	q.Sink.Record(e)
}

type querylessError struct{ err error }

func (e querylessError) Error() string { return withoutQueries(e.err.Error()) }
func (e querylessError) Unwrap() error { return e.err }

// withoutQueries is text with each run of characters behind a "?" replaced. RFC
// 3986 §3.4: a query ends at "#"; in running text also at white space, and before the
// punctuation that stands there. Quotes and angle brackets should not be in a query,
// but are sent as they are.
func withoutQueries(text string) string {
	if !strings.Contains(text, "?") {
		return text
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		end := strings.IndexAny(rest, "# \t\r\n")
		if end < 0 {
			end = len(rest)
		}
		end = len(withoutPunctuation(rest[:end]))
		if out.WriteByte('?'); end > 0 {
			out.WriteString("[redacted]")
		}
		text = rest[end:]
	}
}

// withoutPunctuation is the end of a URL in running text without what follows it there.
func withoutPunctuation(s string) string { return strings.TrimRight(s, `"'<>():;,`) }

// RedactSignatures is text, a URL or one with URLs in it, with "REDACTED" for the
// values of query parameters which OpenTelemetry's conventions for url.full name as
// secrets: signatures, keys and tokens of Amazon, Google and Azure.
func RedactSignatures(text string) string {
	if !strings.Contains(text, "?") {
		return text
	}
	var out strings.Builder
	for {
		start := strings.IndexAny(text, "?&")
		if start < 0 {
			out.WriteString(text)
			return out.String()
		}
		start++
		out.WriteString(text[:start])
		text = text[start:]
		end := strings.IndexAny(text, "?&# \t\r\n")
		if end < 0 {
			end = len(text)
		}
		if name, value, _ := strings.Cut(text[:end], "="); signs(name) {
			out.WriteString(name + "=REDACTED" + value[len(withoutPunctuation(value)):])
			text = text[end:]
		}
	}
}

// signs reports whether a query parameter of that name is part of a signature.
func signs(name string) bool {
	switch strings.ToLower(name) {
	case "awsaccesskeyid", "signature", "sig", "x-goog-signature",
		"x-amz-credential", "x-amz-security-token", "x-amz-signature":
		return true
	}
	return false
}

package har

import (
	"iter"
	"net/url"
	"strings"

	"sonde"
	"sonde/trace"
)

// pairs are fields, with secrets in them only where they are asked for.
func (r *Recorder) pairs(fields iter.Seq2[string, string]) []pair {
	all := []pair{}
	for name, value := range fields {
		if !r.cfg.Secrets {
			value = trace.Redact(name, value)
		}
		all = append(all, pair{name, text(value)})
	}
	return all
}

// text is s as JSON can carry it.
func text(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func query(rawURL string) []pair {
	all := []pair{}
	u, err := url.Parse(rawURL)
	if err != nil {
		return all
	}
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		all = append(all, pair{unescape(name), unescape(value)})
	}
	return all
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	return text(s)
}

// cookies are those of the Cookie lines among fields (RFC 6265 §4.2).
func (r *Recorder) cookies(fields iter.Seq2[string, string]) []cookie {
	all := []cookie{}
	for name, value := range fields {
		if !strings.EqualFold(name, "Cookie") {
			continue
		}
		for part := range strings.SplitSeq(value, ";") {
			name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if !ok {
				name, value = "", name
			}
			if name != "" || value != "" {
				all = append(all, cookie{Name: text(name), Value: r.secret(value)})
			}
		}
	}
	return all
}

// setCookies are those of the Set-Cookie lines among fields (RFC 6265 §4.1).
func (r *Recorder) setCookies(fields iter.Seq2[string, string]) []cookie {
	all := []cookie{}
	for name, value := range fields {
		if !strings.EqualFold(name, "Set-Cookie") {
			continue
		}
		first, attributes, _ := strings.Cut(value, ";")
		name, value, ok := strings.Cut(strings.TrimSpace(first), "=")
		if !ok { // RFC 6265bis §5.6: it is the value of a cookie without a name
			name, value = "", name
		}
		c := cookie{Name: text(name), Value: r.secret(value)}
		for part := range strings.SplitSeq(attributes, ";") {
			c.attribute(strings.TrimSpace(part))
		}
		all = append(all, c)
	}
	return all
}

func (c *cookie) attribute(part string) {
	name, value, _ := strings.Cut(part, "=")
	switch strings.ToLower(name) {
	case "path":
		c.Path = text(value)
	case "domain":
		c.Domain = text(value)
	case "secure":
		c.Secure = true
	case "httponly":
		c.HTTPOnly = true
	case "expires":
		var h sonde.Header
		if h.Set("Expires", value) != nil {
			return
		}
		if t, err := h.Time("Expires"); err == nil {
			c.Expires = t.UTC().Format(dateTime)
		}
	}
}

func (r *Recorder) secret(value string) string {
	if r.cfg.Secrets {
		return text(value)
	}
	return "[redacted]"
}

const dateTime = "2006-01-02T15:04:05.000Z07:00"

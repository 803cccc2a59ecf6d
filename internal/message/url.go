package message

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// URL is a URL as a request needs it: taken apart, checked, in the form in which
// it goes onto the wire. It is comparable.
type URL struct {
	Origin           // Port is "" where the scheme has no default port that we know, and raw named none
	Authority string // host, with the port unless it is the default; without user and zone
	Target    string // escaped path and query; for http and https at least "/"

	User, Password string // unescaped
	HasUser        bool   // there was an "@", perhaps with nothing before it
	HasPassword    bool
	Fragment       string // escaped, without "#"; never sent
}

// ParseURL reads and checks an absolute URL. It knows http and https; of other
// schemes, which are a custom handler's, it asks no more than that net/url can
// read them. No error shows a user or a password.
func ParseURL(raw string) (URL, error) {
	if err := checkURLText(raw); err != nil {
		return URL{}, err
	}
	u, err := url.Parse(escapePath(raw))
	if err != nil {
		return URL{}, urlError(raw, err)
	}
	if u.Scheme == "" {
		return URL{}, fmt.Errorf("no scheme in the URL %q: write https://…", redact(raw))
	}
	return fromURL(u)
}

// fromURL makes a URL of what net/url read.
func fromURL(u *url.URL) (URL, error) {
	out := URL{
		Origin:   Origin{Scheme: strings.ToLower(u.Scheme)},
		Target:   target(u),
		Fragment: u.EscapedFragment(),
	}
	if u.User != nil {
		out.HasUser = true
		out.User = u.User.Username()
		out.Password, out.HasPassword = u.User.Password()
	}
	known := out.Scheme == "http" || out.Scheme == "https"
	if u.Host == "" && !known {
		return out, nil
	}
	if u.Host == "" {
		return URL{}, fmt.Errorf("no host in the URL: write %s://host/…", out.Scheme)
	}
	host, name, err := parseHost(u.Hostname())
	if err != nil {
		return URL{}, err
	}
	port, err := parsePort(u.Port(), out.Scheme)
	if err != nil {
		return URL{}, err
	}
	out.Host, out.Port, out.Authority = host, port, name
	if port != defaultPort(out.Scheme) {
		out.Authority += ":" + port
	}
	return out, nil
}

// checkURLText finds what net/url would take or report with the URL itself.
func checkURLText(raw string) error {
	if raw == "" {
		return errors.New("the URL is empty")
	}
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == ' ':
			return fmt.Errorf("a space in the URL %q: write %%20", redact(raw))
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("byte 0x%02x in the URL %q", c, redact(raw))
		}
	}
	return nil
}

// urlError is err without the parts of raw that net/url puts into its texts:
// those may come from a password.
func urlError(raw string, err error) error {
	if outer, ok := err.(*url.Error); ok {
		err = outer.Err
	}
	at, escape := err.(url.EscapeError)
	switch {
	case escape && inHost(raw, string(at)):
		// RFC 3986 §3.2.2 has it for names beyond ASCII.
		return fmt.Errorf("%s in the host of the URL %q: write the character itself", string(at), redact(raw))
	case escape:
		return fmt.Errorf("a %% without two hexadecimal digits in the URL %q: write %%25", redact(raw))
	case strings.Contains(raw, "@"):
		return fmt.Errorf("the URL %q cannot be read: check its user and host, and write / ? # @ : in a password as %%2F %%3F %%23 %%40 %%3A", redact(raw))
	}
	return fmt.Errorf("the URL %q cannot be read: %w", redact(raw), err)
}

// inHost reports whether what net/url did not like, an escape, is a whole one. It takes
// those everywhere but in a host.
func inHost(raw, escape string) bool {
	if len(escape) != len("%41") || strings.Contains(raw, "@") {
		return false
	}
	_, err := strconv.ParseUint(escape[1:], 16, 8)
	return err == nil
}

// redact is raw without what could be credentials: all from "//" to the last "@",
// wherever that is.
func redact(raw string) string {
	at := strings.LastIndexByte(raw, '@')
	if at < 0 {
		return raw
	}
	start := strings.Index(raw, "//") + 2
	if start < 2 || start > at {
		start = 0
	}
	return raw[:start] + "***" + raw[at:]
}

// target is the escaped path and query. Bytes beyond ASCII, which net/url leaves
// in a query, are escaped as UTF-8, as browsers do.
func target(u *url.URL) string {
	path := u.EscapedPath()
	if u.Opaque != "" {
		path = u.Opaque
	} else if path == "" && u.Host != "" {
		path = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + u.RawQuery
	}
	return escapeBytes(path, func(c byte) bool { return c >= 0x80 })
}

// escapePath escapes what cannot stand in the path of s, a URL or a reference. net/url
// would do so as well, but forget which slashes were escaped: "a%2Fb|c" became
// "a/b%7Cc".
func escapePath(s string) string {
	from := 0
	if i := strings.Index(s, "//"); i == 0 || i > 0 && s[i-1] == ':' && !strings.ContainsAny(s[:i], "/?#") {
		from = i + 2
		if n := strings.IndexAny(s[from:], "/?#"); n >= 0 {
			from += n
		} else {
			from = len(s)
		}
	}
	end := len(s)
	if n := strings.IndexAny(s[from:], "?#"); n >= 0 {
		end = from + n
	}
	path := escapeBytes(s[from:end], func(c byte) bool { return c >= 0x80 || strings.IndexByte("\"<>\\^`{|}", c) >= 0 })
	return s[:from] + path + s[end:]
}

// escapeBytes replaces the bytes that must not stay by %XX.
func escapeBytes(s string, not func(byte) bool) string {
	clean := 0
	for clean < len(s) && !not(s[clean]) {
		clean++
	}
	if clean == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)+16), s[:clean]...)
	for _, c := range []byte(s[clean:]) {
		if not(c) {
			out = append(out, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// String is the URL with its credentials replaced by "***".
func (u *URL) String() string {
	switch {
	case u.Scheme == "":
		return "" // it could not be read
	case u.Authority == "":
		// A scheme of somebody else's, perhaps because "http://" was forgotten.
		return u.text("", redact(u.Target))
	case u.HasUser:
		return u.text("***@", u.Target)
	}
	return u.text("", u.Target)
}

// text is the URL with user before the host, and that target.
func (u *URL) text(user, target string) string {
	s := u.Scheme + ":"
	if u.Authority != "" {
		s += "//" + user + u.Authority
	}
	s += target
	if u.Fragment != "" {
		s += "#" + u.Fragment
	}
	return s
}

// Resolve is the URL that ref, a Location, means in a response to a request for
// u (RFC 3986, section 5). A reference that names no authority keeps the user,
// the password and the zone; one without a fragment the fragment (RFC 9110,
// section 10.2.2). Spaces and bytes beyond ASCII in ref are escaped, as browsers
// and curl do.
func (u *URL) Resolve(ref string) (URL, error) {
	ref = escapeBytes(trimOWS(ref), func(c byte) bool { return c == ' ' })
	if ref == "" {
		return URL{}, errors.New("the reference is empty")
	}
	if err := checkURLText(ref); err != nil {
		return URL{}, err
	}
	r, err := url.Parse(escapePath(ref))
	if err != nil {
		return URL{}, urlError(ref, err)
	}
	base := url.URL{Scheme: u.Scheme, Host: u.Authority}
	if path, query, ok := strings.Cut(u.Target, "?"); true {
		base.RawQuery, base.ForceQuery = query, ok && query == ""
		if base.Path, err = url.PathUnescape(path); err != nil {
			return URL{}, fmt.Errorf("the target of %s cannot be read: %w", u, err)
		}
		base.RawPath = path
	}
	out, err := fromURL(base.ResolveReference(r))
	if err != nil {
		return URL{}, err
	}
	if r.Scheme == "" && r.Host == "" {
		out.Origin = u.Origin
		out.User, out.Password, out.HasUser, out.HasPassword = u.User, u.Password, u.HasUser, u.HasPassword
	}
	if r.Fragment == "" && !strings.Contains(ref, "#") {
		out.Fragment = u.Fragment
	}
	return out, nil
}

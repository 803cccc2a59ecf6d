package cookie

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Cookie is a cookie as a Jar keeps it.
type Cookie struct {
	Name, Value string
	Domain      string // in lower case and ASCII, without a leading dot; or an IP address
	Path        string // begins with "/"
	HostOnly    bool   // for Domain itself, not for its subdomains
	Secure      bool   // over secure connections only
	HTTPOnly    bool   // recorded: not for scripts of a page
	SameSite    SameSite
	Created     time.Time
	Accessed    time.Time // when it was last sent, or set
	Expires     time.Time // zero: with the session
}

// Persistent reports whether the cookie outlives the session.
func (c *Cookie) Persistent() bool { return !c.Expires.IsZero() }

// same reports whether there can be only one of a and b. RFC 6265bis §5.7 step 23.
func (c *Cookie) same(d *Cookie) bool {
	return c.Name == d.Name && c.Domain == d.Domain && c.Path == d.Path && c.HostOnly == d.HostOnly
}

func (c *Cookie) expired(now time.Time) bool { return c.Persistent() && !c.Expires.After(now) }

// cookie is e as others see it.
func (e *entry) cookie() Cookie {
	c := e.Cookie
	c.Accessed = time.Unix(0, e.accessed.Load())
	return c
}

// SameSite is what the attribute of that name said. A Jar records it.
type SameSite uint8

// The values of SameSite.
const (
	SameSiteDefault SameSite = iota // none, or one that is not known
	SameSiteNone
	SameSiteLax
	SameSiteStrict
)

// String is the attribute's value, "" for SameSiteDefault.
func (s SameSite) String() string {
	return [...]string{"", "None", "Lax", "Strict"}[min(s, SameSiteStrict)]
}

func parseSameSite(s string) SameSite {
	for _, v := range [...]SameSite{SameSiteNone, SameSiteLax, SameSiteStrict} {
		if strings.EqualFold(s, v.String()) {
			return v
		}
	}
	return SameSiteDefault
}

// The sizes beyond which a cookie, or an attribute of one, is ignored, and the
// longest life. RFC 6265bis §5.5 and §5.6.
const (
	maxPair      = 4096
	maxAttribute = 1024
	maxAge       = 400 * 24 * time.Hour
)

// capped is the time of expiry, no later than it may be.
func capped(expires, now time.Time) time.Time {
	if last := now.Add(maxAge); expires.After(last) {
		return last
	}
	return expires
}

// long ago, for cookies that are to be deleted; not the zero Time, which is the
// session's end.
var longAgo = time.Unix(1, 0)

// receive makes the cookie that a response from t sets, unless the rules refuse
// it. RFC 6265bis §5.7, steps 2 to 22.
func (j *Jar) receive(t *target, r *received, now time.Time) (Cookie, bool) {
	c := Cookie{
		Name: r.name, Value: r.value, Domain: t.host, Path: r.path, HostOnly: true,
		Secure: r.secure, HTTPOnly: r.httpOnly, SameSite: r.sameSite, Created: now, Accessed: now,
	}
	switch {
	case r.hasMaxAge && r.maxAge <= 0:
		c.Expires = longAgo
	case r.hasMaxAge:
		c.Expires = now.Add(r.maxAge)
	case !r.expires.IsZero():
		c.Expires = capped(r.expires, now)
	}
	if r.domain != "" {
		var ok bool
		if c.HostOnly, ok = j.scope(t, r.domain); !ok {
			return c, false
		}
		if !c.HostOnly {
			c.Domain = r.domain
		}
	}
	if c.Path == "" {
		c.Path = defaultPath(t.path)
	}
	// Step 13.
	if c.Secure && !t.secure {
		return c, false
	}
	return c, c.allowed(r.hasPath) == nil
}

var errEmpty = errors.New("neither a name nor a value")

// allowed says what forbids the cookie. RFC 6265bis §5.7, steps 2 and 19 to 22.
func (c *Cookie) allowed(hasPath bool) error {
	switch prefix := prefixOf(c.Name); {
	case c.Name == "" && c.Value == "":
		return errEmpty
	case c.SameSite == SameSiteNone && !c.Secure:
		return errors.New("SameSite is None without Secure")
	case prefix != "" && !c.Secure:
		return fmt.Errorf("the name begins with %s, but it is not Secure", prefix)
	case prefix == hostPrefix && (!c.HostOnly || !hasPath || c.Path != "/"):
		return fmt.Errorf("the name begins with %s, but it is not for one host and the path /", prefix)
	case c.Name == "" && prefixOf(c.Value) != "":
		return errors.New("a cookie without a name whose value looks like a name with a prefix")
	}
	return nil
}

const (
	securePrefix = "__Secure-"
	hostPrefix   = "__Host-"
)

// prefixOf is the prefix with which a name promises something, "" for none.
// RFC 6265bis §5.4: in any case.
func prefixOf(name string) string {
	for _, p := range [...]string{securePrefix, hostPrefix} {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return p
		}
	}
	return ""
}

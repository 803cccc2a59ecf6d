package auth

import (
	"math"
	"net/url"
	"slices"
	"strings"

	"sonde"
)

// strongest picks a challenge that can be answered, and says what it asks for; of
// equally strong ones it is the first.
//
// RFC 7616 §3.7: a client should use the first one that it can, unless it has a
// policy of its own. This is it: servers that put MD5 first are no reason for MD5.
func strongest(a *sonde.AuthRequest) (*sonde.Challenge, *space) {
	var best *sonde.Challenge
	var at *space
	strength := -1
	for i := range a.Challenges {
		c := &a.Challenges[i]
		s, n := understand(a, c)
		if s != nil && n > strength {
			best, at, strength = c, s, n
		}
	}
	return best, at
}

// understand makes a space of a challenge, nil if it cannot be answered.
func understand(a *sonde.AuthRequest, c *sonde.Challenge) (s *space, strength int) {
	if c.Scheme != "digest" || c.Param("nonce") == "" {
		return nil, 0
	}
	s = &space{
		realm: c.Param("realm"), nonce: c.Param("nonce"), opaque: c.Param("opaque"),
		algorithm: c.Param("algorithm"),
		userhash:  strings.EqualFold(c.Param("userhash"), "true"),
	}
	name := s.algorithm
	if name == "" {
		name = "MD5" // RFC 7616 §3.3
	}
	if n := len(name) - len("-sess"); n > 0 && strings.EqualFold(name[n:], "-sess") {
		name, s.session = name[:n], true
	}
	strength = slices.IndexFunc(algorithms, func(x algorithm) bool { return strings.EqualFold(x.name, name) })
	if strength < 0 || !s.chooseQop(a, c) {
		return nil, 0
	}
	s.hash = algorithms[strength].hash
	if !a.Proxy { // RFC 7616 §3.3: of a proxy's challenge domain means nothing
		s.prefixes = prefixes(a.URL, c.Param("domain"))
	}
	return s, strength
}

// chooseQop takes "auth" where it is offered.
func (s *space) chooseQop(a *sonde.AuthRequest, c *sonde.Challenge) bool {
	offered := c.Param("qop")
	if offered == "" {
		return true
	}
	auth, integrity := false, false
	for q := range strings.SplitSeq(offered, ",") {
		q = strings.TrimSpace(q)
		auth = auth || strings.EqualFold(q, "auth")
		integrity = integrity || strings.EqualFold(q, "auth-int")
	}
	switch {
	case auth:
		s.qop = "auth"
	case integrity && a.Body.Replays():
		s.qop = "auth-int"
	default:
		return false
	}
	return true
}

// prefixes are the paths of a domain parameter that are u's origin's; none stands
// for all of it.
func prefixes(u *url.URL, domain string) []string {
	var out []string
	for ref := range strings.FieldsSeq(domain) {
		v, err := u.Parse(ref)
		if err != nil || origin(v, false) != origin(u, false) {
			// RFC 7616 §3.3 lets it name other servers. They have credentials only
			// if they ask by themselves.
			continue
		}
		if len(out) < maxSpaces {
			out = append(out, path(v))
		}
	}
	if out == nil && strings.TrimSpace(domain) != "" {
		out = []string{path(u)}
	}
	return out
}

func path(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// covering is the space in which a's URL lies, the innermost one. d.mu is held.
func (d *digest) covering(a *sonde.AuthRequest) *space {
	var best *space
	longest, at := -1, path(a.URL)
	for _, s := range d.spaces[origin(a.URL, a.Proxy)] {
		n := 0
		if s.prefixes != nil {
			n = -1
			for _, p := range s.prefixes {
				if strings.HasPrefix(at, p) {
					n = max(n, len(p))
				}
			}
		}
		if n >= 0 && n >= longest { // the newest of equals
			best, longest = s, n
		}
	}
	switch {
	case best == nil, best.used == math.MaxUint32:
		return nil
	case best.qop == "auth-int" && !a.Body.Replays():
		return nil
	}
	return best
}

// learn puts s in the place of what was known of its realm. d.mu is held.
func (d *digest) learn(a *sonde.AuthRequest, s *space) {
	d.forget(a, s.realm)
	key := origin(a.URL, a.Proxy)
	known := d.spaces[key]
	if len(known) >= maxSpaces {
		known = known[1:]
	}
	keep(d.spaces, key, append(slices.Clone(known), s))
}

// forget is for a realm whose credentials are wrong. d.mu is held.
func (d *digest) forget(a *sonde.AuthRequest, realm string) {
	key := origin(a.URL, a.Proxy)
	d.spaces[key] = slices.DeleteFunc(slices.Clone(d.spaces[key]), func(s *space) bool { return s.realm == realm })
	if len(d.spaces[key]) == 0 {
		delete(d.spaces, key)
	}
}

package sonde

import (
	"strings"

	"sonde/internal/fault"
	"sonde/internal/message"
)

// WithJar keeps the cookies of this request and its response in jar, instead of
// Config.Jar. Nil: nowhere.
func WithJar(jar Jar) Option {
	return Option{func(r *Request) { r.set.jar, r.set.ownJar, r.set.extras = jar, true, &allExtras }}
}

// jar is where the cookies of r are, nil for nowhere.
func (c *Client) jar(r *Request) Jar {
	switch {
	case c.cfg.Bare:
		return nil
	case r.set.ownJar:
		return r.set.jar
	}
	return c.cfg.Jar
}

// takeCookies gives the jar what the response sets.
func (k *call) takeCookies() {
	jar := k.client.jar(k.req)
	if jar == nil {
		return
	}
	values := k.head.Fields.Values("Set-Cookie")
	if len(values) == 0 {
		return
	}
	if u := k.req.address(); u != nil {
		jar.SetCookies(u, values)
	}
	if k.trip != nil {
		k.trip.changed = len(k.trip.hops)
	}
}

// withCookies adds the jar's cookies to m.
func (k *call) withCookies(m *message.Request) (*message.Request, *fault.Fault) {
	jar := k.client.jar(k.req)
	if jar == nil {
		return m, nil
	}
	var cookie string
	if u := k.req.address(); u != nil {
		cookie = jar.Cookie(u)
	}
	if cookie == "" {
		return m, nil
	}
	// RFC 9113 §8.2.3 joins several by "; ", as one field would have them. What was
	// set by hand comes first, and stays where the jar has the same name, too: most
	// servers take the first.
	if by := k.client.handSet(k.req, "Cookie"); len(by) > 0 {
		cookie = strings.Join(by, "; ") + "; " + cookie
	}
	k.sized = *m
	return k.wear(&k.sized, "Cookie", cookie)
}

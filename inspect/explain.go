package inspect

import (
	"net/netip"
	"strings"
)

// name sets what host a connection is for, once that is known.
func (i *Inspector) name(c *conn, name string) {
	if c.Name != "" || name == "" {
		return
	}
	c.Name = string([]byte(name[:min(len(name), 255)]))
	if c.foreign {
		return
	}
	c.origin.unrest(c)
	c.origin = c.place.named(c.Name)
	if _, err := netip.ParseAddr(host(c.Name)); err == nil {
		return // an address has no others
	}
	k := nameKey{c.Client.Addr(), c.Name, c.Server.Port()}
	all := i.names[k]
	for _, p := range all {
		if p == c.place {
			return
		}
	}
	if len(all) < 64 && len(i.names) < 1<<16 {
		i.names[k] = append(all, c.place)
	}
}

// host is a Host field without its port.
func host(s string) string {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().String()
	}
	return s
}

// explain says why a connection had to be opened, when its first request begins:
// only now it is known what for.
func (i *Inspector) explain(c *conn) {
	c.explained = true
	p, o := c.place, c.origin
	first := o.conns == 0
	o.conns++
	if c.Before {
		c.Why = "it was there before"
		return
	}
	if f := o.free(c, p.demand); f != nil {
		c.passed, f.passers = f, append(f.passers, c)
		c.Why = "although one was idle"
		return
	}
	if first && i.elsewhere(c) {
		return
	}
	if c.needed {
		c.Why = "more requests at once than before"
		if first {
			c.Why = "the first"
		}
		return
	}
	s, ok := o.replaced(c)
	switch {
	case ok:
		c.Why = "in the place of one that " + lossText[s.kind]
		p.tally(s.kind).add(s.loss, p.requests, c.opened-s.closed >= int64(later))
	case first:
		c.Why = "the first for this name"
	default:
		c.Why = "no other was free"
	}
}

// elsewhere reports whether the first connection of a name was opened although one
// was idle at the same address for another name, or for the same name at another
// address.
func (i *Inspector) elsewhere(c *conn) bool {
	p := c.place
	for _, other := range p.origins {
		if other == c.origin || other.name == "" {
			continue
		}
		if f := other.free(c, p.demand); f != nil && f.covers(c) {
			l := leftOf(f)
			l.kind, l.certified = leftApart, f.certificate != [32]byte{} && f.certificate == c.certificate
			p.tally(leftApart).add(&l, p.requests, true)
			c.Why = "although one to the same address was idle, for another name"
			return true
		}
	}
	all := i.names[nameKey{c.Client.Addr(), c.Name, c.Server.Port()}]
	for _, q := range all {
		if q == p {
			continue
		}
		if f := q.named(c.Name).free(c, q.demand); f != nil {
			// Whoever balances comes back to f; then it was not left for good.
			c.passed, f.passers, c.away = f, append(f.passers, c), true
			c.Why = "although one for the same name was idle, at another address"
			return true
		}
	}
	return false
}

// firstPlace is where it is counted what was opened to the addresses of one name.
func (i *Inspector) firstPlace(c *conn) *place {
	if all := i.names[nameKey{c.Client.Addr(), c.Name, c.Server.Port()}]; len(all) > 0 {
		return all[0]
	}
	return c.place
}

// covers reports whether the server that answered on f may answer for the name of c
// too, to a client that wants to be sure: without TLS always, with it by the same
// certificate. TLS 1.3 hides that: there names of one domain count.
func (f *conn) covers(c *conn) bool {
	unseen := [32]byte{}
	switch {
	case !f.tls && !c.tls:
		return true
	case f.tls != c.tls:
		return false
	case f.certificate != unseen && c.certificate != unseen:
		return f.certificate == c.certificate
	}
	return domain(f.Name) == domain(c.Name)
}

// domain is the last two labels of a name.
func domain(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if n := strings.LastIndexByte(name, '.'); n >= 0 {
		return name[strings.LastIndexByte(name[:n], '.')+1:]
	}
	return name
}

// lossText goes on after "one that".
var lossText = [lossKinds]string{
	lostUnknown:    "ended",
	leftUnread:     "the server closed, as nobody read the response",
	clientUnread:   "the client closed with bytes unread",
	clientGaveUp:   "the client closed before the response",
	clientNow:      "the client closed behind a response",
	clientIdle:     "the client closed after an idle time",
	clientAsked:    "the client asked to close",
	clientHTTP10:   "the client used for one request of HTTP/1.0",
	serverAsked:    "the server asked to close",
	serverHTTP10:   "the server answered by HTTP/1.0 on",
	serverUntilEnd: "a response ended with",
	serverNow:      "the server closed behind a response",
	serverIdle:     "the server closed after an idle time",
	serverFailed:   "the server closed without a response",
	serverReset:    "the server reset",
	serverGoAway:   "the server left by GOAWAY",
}

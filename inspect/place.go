package inspect

import (
	"net/netip"
	"slices"
	"time"
)

// grace is for how long a connection must have been idle to count as free for
// another request: a client that dials decided so a while before its SYN.
const grace = 20 * time.Millisecond

// later is after how long another request is surely not of the same burst.
const later = 100 * time.Millisecond

// place is one server as one client host uses it: what the client's pool looks
// like from outside.
type place struct {
	client  netip.Addr
	server  netip.AddrPort
	origins map[string]*origin
	only    *origin // the one that is used just now

	open      int
	busy      int // requests under way
	dialing   int
	lastBegun int64   // when the latest request began
	dials     []*conn // in the order of their SYNs
	peak      int     // requests under way at once, at most
	demand    int     // the same with connections that are being dialed

	requests, conns, reused, unused int
	raced                           int // requests that met a connection that was closing
	resumed, handshakes             int
	refused                         int
	retries                         int
	tallies                         *[lossKinds]tally // noTallies before the first
	agents                          map[string]int
	owners                          map[int]bool
	latency                         *histogram // nil before the first
	sent, received                  Traffic
	closedBy                        [4]int    // by side
	failed                          []failure // the latest requests that were not answered
}

// failure is a request that got no response.
type failure struct {
	what string
	at   int64
}

// origin is one host name at a place: connections are shared within one.
type origin struct {
	name  string
	conns int
	front *conn // the idle ones, the latest first
	back  *conn
	idle  int
	stuck []*conn
	lost  []slot
}

// slot is a connection that was closed, and could carry a request if it were not.
type slot struct {
	*loss
	closed int64
}

// maxOrigins bounds the names of a place; others share one.
const maxOrigins = 1000

func newPlace(client netip.Addr, server netip.AddrPort) *place {
	return &place{client: client, server: server, origins: map[string]*origin{}, agents: map[string]int{}, owners: map[int]bool{}, tallies: &noTallies}
}

// noTallies are those of places where no connection was avoidable. Nothing is
// written to them.
var noTallies [lossKinds]tally

// tally is the one of a kind, to be added to.
func (p *place) tally(kind lossKind) *tally {
	if p.tallies == &noTallies {
		p.tallies = new([lossKinds]tally)
	}
	return &p.tallies[kind]
}

// avoidable is how many connections another one could have stood in for.
func (p *place) avoidable() (n int) {
	for k := range p.tallies {
		n += p.tallies[k].n
	}
	return n
}

// firstByte takes note of how long a response took to begin.
func (p *place) firstByte(d time.Duration) {
	if p.latency == nil {
		p.latency = new(histogram)
	}
	p.latency.add(d)
}

// named is the origin with that name.
func (p *place) named(name string) *origin {
	if p.only != nil && p.only.name == name {
		return p.only
	}
	o := p.origins[name]
	if o == nil {
		if len(p.origins) >= maxOrigins {
			name = ""
		}
		if o = p.origins[name]; o == nil {
			o = &origin{name: name}
			p.origins[name] = o
		}
	}
	p.only = o
	return o
}

// enter takes note that a request is under way.
func (p *place) enter() {
	p.busy++
	p.peak = max(p.peak, p.busy)
	p.demand = max(p.demand, p.busy+p.dialing)
}

// rest puts c to the front of the idle ones.
func (o *origin) rest(c *conn) {
	o.unrest(c)
	c.listed, c.next, c.prev = true, o.front, nil
	if o.front != nil {
		o.front.prev = c
	} else {
		o.back = c
	}
	o.front = c
	o.idle++
}

// unrest takes c off the idle ones.
func (o *origin) unrest(c *conn) {
	if !c.listed {
		return
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		o.front = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		o.back = c.prev
	}
	c.listed, c.next, c.prev = false, nil, nil
	o.idle--
}

// lookBack bounds the search among idle connections.
const lookBack = 64

// free is an idle connection that could have carried the first request of c, the
// one that was used latest; nil if there is none. Where there are many more idle
// ones than were ever needed at once, or requests came one after another, even one
// that has just become so counts.
func (o *origin) free(c *conn, demand int) *conn {
	n := 0
	for f := o.front; f != nil && n < lookBack; f = f.next {
		if n++; f != c && c.opened-f.idleSince >= int64(grace) {
			return f
		}
	}
	enough := 2*demand + 1
	if demand == 1 { // no burst: nobody can have been dialing for long
		enough = 0
	}
	if f := o.back; f != nil && f != c && o.idle > enough && f.idleSince < c.opened {
		return f
	}
	for _, f := range o.stuck {
		if f != c && f.state == stuck && c.opened-f.zeroSince >= int64(grace) {
			return f
		}
	}
	return nil
}

// lose remembers that a connection was closed, and why. There is no use for more
// of them than there were at once.
func (o *origin) lose(s slot, most int) {
	if len(o.lost) >= max(most, 1) {
		copy(o.lost, o.lost[1:])
		o.lost = o.lost[:len(o.lost)-1]
	}
	o.lost = append(o.lost, s)
}

// replaced is the latest connection that was closed before c was opened and not
// replaced yet.
func (o *origin) replaced(c *conn) (slot, bool) {
	for n := len(o.lost) - 1; n >= 0; n-- {
		if s := o.lost[n]; s.closed <= c.opened {
			o.lost = append(o.lost[:n], o.lost[n+1:]...)
			return s, true
		}
	}
	return slot{}, false
}

// unstick takes c off the stuck ones.
func (o *origin) unstick(c *conn) {
	for n, f := range o.stuck {
		if f == c {
			o.stuck = append(o.stuck[:n], o.stuck[n+1:]...)
			return
		}
	}
}

// maxFailures bounds the requests without an answer that are remembered.
const maxFailures = 32

// fail remembers a request that got no response.
func (p *place) fail(f failure) {
	if len(p.failed) >= maxFailures {
		p.failed = slices.Delete(p.failed, 0, 1)
	}
	p.failed = append(p.failed, f)
}

// sentAgain reports whether a request, by its first line, got no response a short
// while ago, and forgets that one.
func (p *place) sentAgain(line []byte, now int64) bool {
	for n, f := range p.failed {
		if f.what == string(line) && now-f.at < int64(retryTime) {
			p.failed = slices.Delete(p.failed, n, n+1)
			return true
		}
	}
	return false
}

// agent counts what calls itself so.
func (p *place) agent(name string) {
	if len(p.agents) < 16 || p.agents[name] > 0 {
		p.agents[name]++
	}
}

// names is how many names were asked for.
func (p *place) names() (n int) {
	for name := range p.origins {
		if name != "" {
			n++
		}
	}
	return n
}

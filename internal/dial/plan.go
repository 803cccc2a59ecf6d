package dial

import "net/netip"

// family is that of an IP address, in the order of preference.
type family uint8

const (
	six family = iota
	four
)

// network is the family's name in a look-up.
func (f family) network() string { return [...]string{"ip6", "ip4"}[f] }

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return four
	}
	return six
}

// plan decides which address is tried when: RFC 8305, Happy Eyeballs version 2.
// It does no I/O and reads no clock: it is told what happened at which reading,
// and step says what to do. One goroutine uses it.
//
// The families alternate, IPv6 first ("First Address Family Count" is 1), also
// where the addresses of one come later than the attempts with the other.
type plan struct {
	attemptDelay    int64
	resolutionDelay int64

	asked   [2]bool         // look-ups under way
	untried [2][]netip.Addr // in the resolver's order
	turn    family          // whose address is next, if it has one
	begun   bool            // there was an attempt
	running int             // attempts under way
	hold    int64           // until when IPv4 addresses wait for the look-up of IPv6
	next    int64           // the next attempt comes no earlier, unless one fails
}

// verdict is what to do next.
type verdict uint8

const (
	wait  verdict = iota // until something happens, or the given reading if it is not 0
	start                // an attempt with the given address
	over                 // every address failed, or there is none
)

// resolved takes the answer of one look-up, nil for a failed one.
func (p *plan) resolved(f family, addrs []netip.Addr, now int64) {
	p.asked[f] = false
	p.untried[f] = addrs
	// RFC 8305 section 3: a positive A answer waits a while for AAAA.
	if f == four && len(addrs) > 0 && p.asked[six] && p.resolutionDelay > 0 {
		p.hold = now + p.resolutionDelay
	}
}

// failed takes the end of an attempt.
func (p *plan) failed() {
	p.running--
	p.next = 0
}

// step says what to do at now; a start counts as done.
func (p *plan) step(now int64) (a netip.Addr, do verdict, at int64) {
	if len(p.untried[six])+len(p.untried[four]) == 0 {
		if p.running > 0 || p.asked[six] || p.asked[four] {
			return a, wait, 0
		}
		return a, over, 0
	}
	if !p.begun && p.asked[six] && now < p.hold {
		return a, wait, p.hold
	}
	if p.running > 0 && now < p.next {
		return a, wait, p.next
	}
	f := p.turn
	if len(p.untried[f]) == 0 {
		f = 1 - f
	}
	a, p.untried[f] = p.untried[f][0], p.untried[f][1:]
	p.turn = 1 - f
	p.begun = true
	p.running++
	p.next = now + p.attemptDelay
	return a, start, 0
}

// last reports whether the attempt just started has no rival, under way or to come.
func (p *plan) last() bool {
	return p.running == 1 && !p.asked[six] && !p.asked[four] &&
		len(p.untried[six])+len(p.untried[four]) == 0
}

package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The judge: it looks at the sums of each place and names what explains them. One
// function for each pattern; they are in judge_client.go and judge_server.go.

// pattern finds causes of one kind at a place.
type pattern func(*place) []finding

// finding is a cause at one place.
type finding struct {
	Cause
	place *place
	// certain ones were said by somebody: a field, a frame. Others need more than one
	// case.
	certain bool
	tallies []*tally
}

var patterns = []pattern{
	leaks, undrained, closesBehind, idleClient, askingClient, oldHTTP,
	asking, idleServer, resets, goesAway, namesApart, addressesChange, givesUp, retries,
}

// judge fills in the verdict.
func (i *Inspector) judge(r *Report) {
	v := &r.Verdict
	v.Peak, v.Requests, v.Connections = i.peak, i.past.requests, i.past.conns
	var all []finding
	for _, p := range i.places {
		v.Requests += p.requests
		v.Connections += p.conns
		for _, f := range patterns {
			for _, found := range f(p) {
				found.place = p
				if !found.matters() {
					r.Notes = append(r.Notes, found.note())
					continue
				}
				all = append(all, found)
			}
		}
	}
	if i.seen.Packets == 0 {
		all = clearest(all, r)
	}
	v.Causes = merge(all)
	v.Healthy = len(v.Causes) == 0
	v.Limits = i.limits(r)
	v.Certain = len(v.Limits) == 0
	i.notes(r)
}

// limits are why the verdict is not certain, in sentences.
func (i *Inspector) limits(r *Report) []string {
	all := slices.Clone(r.Troubles)
	limit := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if r.Verdict.Requests == 0 {
		limit("No request was seen.")
	}
	if i.seen.Dropped > 0 {
		limit("%d packets were lost before they could be read: counts of requests and connections are at least so high.", i.seen.Dropped)
	}
	if !i.config.Packets && i.seen.Packets == 0 && i.seen.Looks > 0 {
		limit("Without packets requests are told by the kernel's counters of segments, and connections that were shorter than the time " +
			"between two looks are missing: figures are estimates.")
		if n := i.kernel.passed; n >= manyPassed && n*2 > r.Verdict.Connections {
			limit("%s came and went between two looks, and left only TIME-WAIT: how many there were at once, and so whether fewer would have done, "+
				"only packets can tell for sure.", plural(n, "connection"))
		}
		return all
	}
	if i.gaps > 0 {
		limit("Packets of %s are missing: counts of their requests are at least so high.", plural(i.gaps, "connection"))
	}
	if i.hidden > 0 {
		limit("%s HTTP/2 inside of TLS, or seemed to, where many requests share a connection: how many there were, in all and at once, "+
			"is an estimate without the keys.", verb(i.hidden, "connection", "spoke", "spoke"))
	}
	return all
}

// The bounds below which avoidable connections are no matter: one in fifty
// requests, and twice.
const (
	rareShare = 50
	fewest    = 2
)

// matters reports whether a finding is more than chance: it costs more than one
// connection for every fifty requests, and it goes on, beyond a single burst.
func (f *finding) matters() bool {
	p := f.place
	least := fewest
	if f.certain {
		least = 1
	}
	if f.n < least || f.n*rareShare < p.requests {
		return false
	}
	first, last, slow := p.requests, 0, 0
	for _, t := range f.tallies {
		if t.n > 0 {
			first, last, slow = min(first, t.first), max(last, t.last), slow+t.slow
		}
	}
	// In a burst connections come and go while others are still being dialed for
	// it. What is no chance comes again when the burst is over.
	return len(f.tallies) == 0 || last-first+1 > 2*(p.peak-1) || slow >= max(fewest, f.n/4)
}

// clearest leaves out what is found in a few cases beside many of another kind:
// looks at sockets miss so much that a few are chance.
func clearest(all []finding, r *Report) []finding {
	most := map[*place]int{}
	for _, f := range all {
		most[f.place] = max(most[f.place], f.n)
	}
	return slices.DeleteFunc(all, func(f finding) bool {
		rare := f.n*4 < most[f.place]
		if rare {
			r.Notes = append(r.Notes, f.note())
		}
		return rare
	})
}

// note is a finding that does not matter, in a line.
func (f *finding) note() string {
	return fmt.Sprintf("%s, %s in %s: too little to matter. %s: %s", f.Cause.Cause, plural(f.n, "time"),
		plural(f.place.requests, "request"), f.place.server, f.Evidence)
}

// merge joins what was found at several places, the likeliest cause first.
func merge(all []finding) []Cause {
	slices.SortStableFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.rank, b.rank), a.place.server.Compare(b.place.server), cmp.Compare(a.Cause.Cause, b.Cause.Cause))
	})
	causes := []Cause{}
	elsewhere := map[Name]int{}
	for _, f := range all {
		n := slices.IndexFunc(causes, func(c Cause) bool { return c.Cause == f.Cause.Cause && c.Side == f.Side })
		if n < 0 {
			f.Fix = fixes[f.Cause.Cause]
			f.Evidence = f.place.server.String() + ": " + f.Evidence
			causes = append(causes, f.Cause)
			continue
		}
		causes[n].n += f.n
		elsewhere[f.Cause.Cause]++
	}
	for n := range causes {
		if more := elsewhere[causes[n].Cause]; more > 0 {
			causes[n].Evidence += fmt.Sprintf(" The same at %s.", plural(more, "other server"))
		}
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.rank, b.rank)) })
	return causes
}

// manyPassed is from how many connections on it is said that no look met them.
const manyPassed = 10

// notes adds what is odd beside the causes.
func (i *Inspector) notes(r *Report) {
	note := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	slices.Sort(r.Notes)
	for _, l := range r.Verdict.Limits[min(len(r.Troubles), len(r.Verdict.Limits)):] {
		if r.Verdict.Requests > 0 {
			note("%s", l)
		}
	}
	refused, unused, raced := i.past.refused, i.past.unused, i.past.raced
	for _, p := range i.places {
		refused += p.refused
		unused += p.unused
		raced += p.raced
	}
	if i.opaque > 0 && i.seen.Packets > 0 {
		note("%s could not be looked into: requests were counted by the direction of TLS records.", plural(i.opaque, "connection"))
	}
	if refused > 0 {
		note("%s refused by the server.", verb(refused, "connection", "was", "were"))
	}
	if raced > 0 {
		note("%s a connection that the server had closed, or was closing, for being idle: they failed or had to be sent again.", verb(raced, "request", "met", "met"))
	}
	if unused > 0 {
		note("%s ended without a request: dialed for a request that another connection served first, or tried by somebody else.", plural(unused, "connection"))
	}
	if i.past.places > 0 {
		note("%s at %s of client and server, where nothing was odd, are in the sums only.", plural(i.past.conns, "connection"), plural(i.past.places, "pair"))
	}
	if i.others > 0 {
		note("%s neither HTTP nor TLS, and left out.", verb(i.others, "connection", "was", "were"))
	}
	if i.foreign > 0 {
		note("%s of other processes, and left out.", verb(i.foreign, "connection", "was", "were"))
	}
}

func verb(n int, noun, one, many string) string {
	if n == 1 {
		return "1 " + noun + " " + one
	}
	return fmt.Sprintf("%d %ss %s", n, noun, many)
}

// found makes a finding, nil without any case.
func found(name Name, side Side, rank int, certain bool, evidence string, tallies ...*tally) []finding {
	n := 0
	for _, t := range tallies {
		n += t.n
	}
	if n == 0 {
		return nil
	}
	return []finding{{Cause: Cause{Cause: name, Side: side, Evidence: evidence, n: n, rank: rank}, certain: certain, tallies: tallies}}
}

// ofConns says how many of the connections of a place a number is.
func ofConns(p *place, n int) string {
	return fmt.Sprintf("%d of %s", n, plural(p.conns, "connection"))
}

// carried says how many requests connections had when they were lost.
func carried(t *tally) string {
	low, mid, high := spread(t.counts)
	switch {
	case low == high:
		return plural(low, "request") + " each"
	default:
		return fmt.Sprintf("%d to %d requests, mostly %d", low, high, mid)
	}
}

// between says how long durations are.
func between(all []time.Duration) string {
	low, mid, high := spread(all)
	if s, ok := steady(all); ok {
		return "about " + short(s)
	}
	return fmt.Sprintf("%s to %s, mostly %s", short(low), short(high), short(mid))
}

// short is d with about three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()*1e3), ".0") + " ms"
	case d < 2*time.Minute:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	}
	return d.Round(time.Second).String()
}

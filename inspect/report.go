package inspect

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"sonde/sockets"
)

// Report is what all witnesses together saw. It belongs to its holder.
type Report struct {
	Start, End time.Time
	Witnesses  Witnesses
	// Troubles are why a witness could not be heard, or not to the end.
	Troubles []string
	Verdict  Verdict
	// Notes are what is odd, and harms little or cannot be told.
	Notes []string
	// Origins are the busiest first. Of thousands of them, those where nothing was odd
	// and nothing is open are only in the sums.
	Origins []Origin
	// Conns are the latest connections, by number; Forgotten is how many more there
	// were.
	Conns     []Conn
	Forgotten int
}

// Origin is a server as one client host used it, in figures.
type Origin struct {
	Client netip.Addr
	Server netip.AddrPort
	Names  []string // the hosts that were asked for there, the first few
	Agents []string // what the clients call themselves

	Requests, Conns int
	Reused          int // connections with more than one request
	Unused          int // connections that ended without any
	Open, InFlight  int // now
	Peak            int // requests under way at once
	Avoidable       int // connections that another one could have stood in for
	Resumed         int // TLS sessions, of Handshakes
	Handshakes      int
	Sent, Received  Traffic
	// Median and P99 are from a request's first byte to that of its response.
	Median, P99 time.Duration
}

// Snapshot is how things stand while they are being watched.
type Snapshot struct {
	At        time.Time
	Requests  int
	Conns     int
	InFlight  int
	Origins   []Origin
	States    sockets.Counts // of all sockets that were seen at the latest look
	Witnesses Witnesses
}

// Snapshot returns the figures as they are now. Origins beyond the busiest most
// are left out; zero or less is no limit.
func (i *Inspector) Snapshot(most int) Snapshot {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := Snapshot{At: at(i.now), States: i.kernel.states, Witnesses: i.seen, Origins: i.origins(most), InFlight: i.busy, Requests: i.past.requests, Conns: i.past.conns}
	for _, p := range i.places {
		s.Requests += p.requests
		s.Conns += p.conns
	}
	return s
}

// origins are the places in figures.
func (i *Inspector) origins(most int) []Origin {
	var all []*place
	for _, p := range i.places {
		if p.conns > 0 || p.requests > 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *place) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), cmp.Compare(b.conns, a.conns), a.server.Compare(b.server), a.client.Compare(b.client))
	})
	if most > 0 && len(all) > most {
		all = all[:most]
	}
	// What was opened beside one that is still idle is avoidable as things stand.
	waiting := map[*place]int{}
	for _, c := range i.pairs {
		for _, o := range c.passers {
			if !o.foreign && !c.foreign {
				waiting[o.place]++
			}
		}
	}
	origins := make([]Origin, len(all))
	for n, p := range all {
		origins[n] = p.figures()
		origins[n].Avoidable += waiting[p]
	}
	return origins
}

func (p *place) figures() Origin {
	o := Origin{
		Client: p.client, Server: p.server, Requests: p.requests, Conns: p.conns, Reused: p.reused, Unused: p.unused,
		Open: p.open, InFlight: p.busy, Peak: p.peak, Resumed: p.resumed, Handshakes: p.handshakes,
		Avoidable: p.avoidable(), Sent: p.sent, Received: p.received, Median: p.latency.at(0.5), P99: p.latency.at(0.99),
	}
	for _, name := range slices.Sorted(maps.Keys(p.origins)) {
		if name != "" && len(o.Names) < 8 {
			o.Names = append(o.Names, name)
		}
	}
	o.Agents = slices.Sorted(maps.Keys(p.agents))
	return o
}

// Finish ends the watch and returns the report. The Inspector is of no use after
// it.
func (i *Inspector) Finish() *Report {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.view.Close() // tells of the exchanges that are not over
	r := &Report{
		Start: at(i.start), End: at(i.now), Witnesses: i.seen, Troubles: i.troubles,
	}
	for k := range i.leaving {
		i.release(i.leaving[k])
	}
	for _, c := range slices.SortedFunc(maps.Values(i.pairs), func(a, b *conn) int { return cmp.Compare(a.Number, b.Number) }) {
		i.release(c)
	}
	r.Origins, r.Conns, r.Forgotten = i.origins(0), i.kept, i.dropped
	slices.SortFunc(r.Conns, func(a, b Conn) int { return cmp.Compare(a.Number, b.Number) })
	for n := range r.Conns {
		r.Conns[n].Disputes = i.disputes(&r.Conns[n])
	}
	i.judge(r)
	return r
}

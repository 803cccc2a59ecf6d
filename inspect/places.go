package inspect

import (
	"net/netip"
	"slices"
)

// manyPlaces is from how many places on those are summed up at which nothing is open
// and nothing was odd: a server that the world talks to has one for each client.
const manyPlaces = 4096

// past is what was counted at places that were summed up.
type past struct {
	places, requests, conns, unused, refused, raced int
}

// place is the one of a server and a client.
func (i *Inspector) place(client netip.Addr, server netip.AddrPort) *place {
	key := placeKey{client, server}
	p := i.places[key]
	if p == nil {
		if len(i.places) >= max(manyPlaces, i.sumUpAt) {
			i.sumUp()
			i.sumUpAt = 2 * len(i.places) // what is left is in use: not for every new one
		}
		p = newPlace(client, server)
		i.places[key] = p
	}
	return p
}

// sumUp forgets places but for their sums.
func (i *Inspector) sumUp() {
	needed := map[*place]bool{}
	for _, c := range i.leaving { // something may still be said of these
		needed[c.place] = true
	}
	for key, p := range i.places {
		if p.open > 0 || p.avoidable() > 0 || p.retries > 0 || needed[p] {
			continue
		}
		i.past.places++
		i.past.requests += p.requests
		i.past.conns += p.conns
		i.past.unused += p.unused
		i.past.refused += p.refused
		i.past.raced += p.raced
		delete(i.places, key)
	}
	for key, all := range i.names {
		all = slices.DeleteFunc(all, func(p *place) bool { return i.places[placeKey{p.client, p.server}] != p })
		if i.names[key] = all; len(all) == 0 {
			delete(i.names, key)
		}
	}
}

package pool

import (
	"sync"

	"sonde/internal/message"
)

// Place is where a pool keeps what belongs to one route. It is opaque: a Want
// carries it so that the next Acquire need not look for it.
type Place struct {
	pool  *Pool
	route message.Route

	mu sync.Mutex
	state
}

// minPlaces is how many places there must be before empty ones are looked for:
// an empty one still knows why the last connection ended.
const minPlaces = 256

// place finds the place of w's route.
func (p *Pool) place(w *Want) (*Place, error) {
	if w.Place != nil {
		if pl := w.Place.Load(); pl != nil && (w.Sure || pl.pool == p && pl.route == w.Route) {
			return pl, nil
		}
	}
	return p.lookup(w, nil)
}

// lookup finds it in the map, or makes it. A dead one that was found before is
// replaced.
func (p *Pool) lookup(w *Want, dead *Place) (*Place, error) {
	p.mu.Lock()
	if p.isClosed {
		p.mu.Unlock()
		return nil, closedFault()
	}
	pl := p.places[w.Route]
	var all []*Place
	if pl == nil || pl == dead {
		if len(p.places) >= p.pruneAt {
			all = p.listLocked()
			p.pruneAt = 2 * len(p.places)
		}
		pl = &Place{pool: p, route: w.Route}
		pl.cfg, pl.total, pl.per = &p.cfg, &p.idle, 1
		p.places[w.Route] = pl
	}
	p.mu.Unlock()
	if all != nil {
		p.prune(all)
	}
	if w.Place != nil {
		w.Place.Store(pl)
	}
	return pl, nil
}

// list is all places now.
func (p *Pool) list() []*Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listLocked()
}

func (p *Pool) listLocked() []*Place {
	all := make([]*Place, 0, len(p.places))
	for _, pl := range p.places {
		all = append(all, pl)
	}
	return all
}

// prune forgets those of the places that are empty and were already unused when
// it last came by. It runs when their number has doubled, so its cost is small
// change of what made them.
func (p *Pool) prune(places []*Place) {
	dead := places[:0]
	for _, pl := range places {
		pl.mu.Lock()
		if pl.empty() && !pl.used {
			pl.dead = true
			dead = append(dead, pl)
		}
		pl.used = false
		pl.mu.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pl := range dead {
		if p.places[pl.route] == pl {
			delete(p.places, pl.route)
		}
		p.past.add(&pl.counts) // nobody changes them any more
	}
	p.pruneAt = max(minPlaces, 2*len(p.places))
}

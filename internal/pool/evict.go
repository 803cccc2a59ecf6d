package pool

import (
	"math"

	"sonde/trace"
)

// sample is how many places are asked for their oldest idle connection.
const sample = 64

// evict ends connections that were idle for long, because more than allowed are.
// It asks a sample of the places, one lock at a time: a list of all idle
// connections by age would be one lock for all.
func (p *Pool) evict() {
	for p.idle.Load() > int64(p.cfg.MaxIdle) {
		if pl := p.stalest(); pl != nil {
			p.evictFrom(pl)
		}
	}
}

// stalest finds the place with the oldest idle connection among some; nil if none
// has any.
func (p *Pool) stalest() *Place {
	var some [sample]*Place
	places := p.sample(some[:0])
	var oldest *Place
	since := int64(math.MaxInt64)
	for _, q := range places {
		q.mu.Lock()
		if c := q.lists[idle].last; c != nil && c.since < since {
			oldest, since = q, c.since
		}
		q.mu.Unlock()
	}
	return oldest
}

// sample fills places from the map, which Go walks in an order of its own each time.
func (p *Pool) sample(places []*Place) []*Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pl := range p.places {
		if len(places) == cap(places) {
			break
		}
		places = append(places, pl)
	}
	return places
}

// evictFrom ends the oldest idle connection of pl, if the limit is still passed.
func (p *Pool) evictFrom(pl *Place) {
	var t todo
	pl.mu.Lock()
	if p.idle.Load() > int64(p.cfg.MaxIdle) {
		pl.state.evict(trace.EvictedTotal, &t)
	}
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
}

// CloseIdle ends what is idle now, and dials that go on without anybody.
func (p *Pool) CloseIdle() {
	for _, pl := range p.list() {
		var t todo
		pl.mu.Lock()
		for pl.lists[idle].n > 0 {
			pl.state.evict(trace.ClosedByUser, &t)
		}
		for _, d := range pl.dials {
			if d.linger && d.starter == nil && !d.orphan && pl.surplus() {
				pl.drop(d, &t)
			}
		}
		pl.mu.Unlock()
		p.do(pl, &t, nil, nil)
	}
	select {
	case p.nudge <- struct{}{}:
	default:
	}
}

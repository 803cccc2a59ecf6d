package pool

import (
	"iter"
	"time"

	"sonde/internal/clock"
	"sonde/internal/message"
	"sonde/trace"
)

// State is what a connection is doing.
type State uint8

// The states of a connection.
const (
	Idle     State = iota + 1 // it carries nothing
	Active                    // it carries an exchange, or is checked for one
	Draining                  // it carries its last exchanges
)

// String is the state's name in lower case.
func (s State) String() string {
	switch s {
	case Idle:
		return "idle"
	case Active:
		return "active"
	case Draining:
		return "draining"
	}
	return "unknown"
}

// Info describes a connection at one moment.
type Info struct {
	ID        uint64
	Route     message.Route
	Link      Link
	State     State
	Created   time.Time
	IdleSince time.Time    // zero unless idle
	Requests  int          // exchanges that were begun on it
	Exchanges int          // those under way
	Why       trace.Reason // why it was opened
}

// Stats are the counts of a pool. Those of different routes are not of exactly
// the same moment.
type Stats struct {
	Routes  int // that were used lately
	Idle    int // connections
	Active  int // connections
	Dialing int
	Waiting int

	Opened     uint64
	Closed     uint64
	Hits       uint64 // Acquires that found a connection at once
	Misses     uint64 // those that did not
	Waits      uint64 // those of them that had to wait in the queue
	WaitTime   time.Duration
	DialErrors uint64
	Reasons    trace.Reasons // why connections were opened, and why they ended
}

func (c *counts) add(d *counts) {
	c.hits += d.hits
	c.misses += d.misses
	c.waits += d.waits
	c.dialErrors += d.dialErrors
	c.waited += d.waited
}

// Stats counts.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	sum, places := p.past, p.listLocked()
	p.mu.Unlock()
	st := Stats{Routes: len(places)}
	for _, pl := range places {
		pl.mu.Lock()
		st.Idle += pl.idling()
		st.Active += pl.lists[part].n + pl.lists[full].n + pl.lists[owned].n + pl.lists[out].n - pl.asking
		st.Dialing += len(pl.dials)
		st.Waiting += pl.queue.n
		if !pl.dead { // otherwise they are among those of the past, or will be
			sum.add(&pl.counts)
		}
		pl.mu.Unlock()
	}
	st.Hits, st.Misses, st.Waits = sum.hits, sum.misses, sum.waits
	st.WaitTime, st.DialErrors = sum.waited, sum.dialErrors
	for r := range p.reasons {
		n := p.reasons[r].Load()
		st.Reasons[r] = n
		if trace.Reason(r).Opens() {
			st.Opened += n
		} else {
			st.Closed += n
		}
	}
	return st
}

// Conns yields the connections that there are when it is called, one place
// after the other, without a lock.
func (p *Pool) Conns() iter.Seq[Info] {
	return func(yield func(Info) bool) {
		for _, pl := range p.list() {
			for _, info := range pl.infos() {
				if !yield(info) {
					return
				}
			}
		}
	}
}

func (pl *Place) infos() []Info {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	var infos []Info
	for c := pl.lists[idle].first; c != nil; c = c.next {
		infos = append(infos, pl.info(c))
	}
	for c := range pl.busy {
		infos = append(infos, pl.info(c))
	}
	return infos
}

func (pl *Place) info(c *Conn) Info {
	i := Info{
		ID: c.id, Route: pl.route, Link: c.link, State: Active, Created: clock.At(c.created),
		Requests: int(c.requests), Exchanges: int(c.active), Why: c.why,
	}
	switch {
	case c.active == 0:
		i.State, i.IdleSince = Idle, clock.At(c.since)
	case c.list == out:
		i.State = Draining
	}
	return i
}

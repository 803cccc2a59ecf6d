package pool

import (
	"slices"

	"sonde/trace"
)

// Close ends everything: idle connections gracefully, those in use at once,
// dials by their contexts. Those who wait, and who come later, get ErrClosed. It
// returns when the goroutines of the pool have ended, and may be called again.
func (p *Pool) Close() {
	p.mu.Lock()
	first := !p.isClosed
	p.isClosed = true
	p.mu.Unlock()
	if first {
		close(p.stop)
		for _, pl := range p.list() {
			p.shut(pl)
		}
	}
	p.running.Wait()
}

func (p *Pool) closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isClosed
}

// enter counts one more goroutine of the pool, unless it is closed.
func (p *Pool) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isClosed {
		p.running.Add(1)
	}
	return !p.isClosed
}

// shut empties pl.
func (p *Pool) shut(pl *Place) {
	var t todo
	pl.mu.Lock()
	inUse := pl.shut(&t)
	pl.mu.Unlock()
	for _, c := range inUse {
		p.reasons[c.end].Add(1)
		if p.sink.On() {
			var e trace.Event
			p.describe(&e, c, trace.ConnClosed, c.end)
			p.sink.Emit(&e)
		}
		c.link.Abort(c.end)
	}
	p.do(pl, &t, nil, nil)
}

// shut ends the state. It returns the connections in use, which have left.
func (s *state) shut(t *todo) (inUse []*Conn) {
	s.closed = true
	for w := s.queue.first; w != nil; w = s.queue.first {
		w.err = closedFault()
		s.deliver(w, t)
	}
	for s.lists[idle].n > 0 {
		s.evict(trace.ClosedByUser, t)
	}
	inUse = slices.Clone(s.conns)
	for _, c := range inUse {
		s.leave(c, trace.ClosedByUser)
		s.left(c, t)
	}
	for _, d := range s.dials {
		s.drop(d, t)
	}
	return inUse
}

// Done is closed when Close begins.
func (p *Pool) Done() <-chan struct{} { return p.stop }

// Go runs f on a goroutine for which Close waits. It reports false, and does
// nothing, if the pool is closed.
func (p *Pool) Go(f func()) bool {
	if !p.enter() {
		return false
	}
	go func() {
		defer p.running.Done()
		f()
	}()
	return true
}

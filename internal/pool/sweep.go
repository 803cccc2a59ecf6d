package pool

import (
	"math"
	"time"

	"sonde/internal/clock"
	"sonde/internal/socket"
	"sonde/trace"
)

const (
	// sweepEvery is how often the sweeper looks, unless times are shorter or
	// connections very many.
	sweepEvery = time.Second
	// manyIdle lengthen the pause by sweepEvery: a poll over 10,000 takes 4 ms.
	manyIdle = 5000
	// askEvery is how many rounds there are between the checks of a connection
	// without a descriptor, which may take a millisecond each.
	askEvery = 8
)

// sweep makes sure that the sweeper runs. What is idle was counted before.
func (p *Pool) sweep() {
	if p.sweeping.Load() || !p.sweeping.CompareAndSwap(false, true) {
		return
	}
	if !p.enter() {
		return // closed: nothing stays idle
	}
	go p.sweeper()
}

// sweeper lives while something is idle.
func (p *Pool) sweeper() {
	defer p.running.Done()
	timer := time.NewTimer(p.pause())
	defer timer.Stop()
	var r round
	for {
		select {
		case <-p.stop:
			return
		case <-p.nudge:
		case <-timer.C:
			r.number++
			r.run(p)
		}
		if p.idle.Load() == 0 {
			p.sweeping.Store(false)
			// Somebody may have parked a connection and still seen a sweeper.
			if p.idle.Load() == 0 || !p.sweeping.CompareAndSwap(false, true) {
				return
			}
		}
		timer.Reset(p.pause())
	}
}

// pause is the time to the next round.
func (p *Pool) pause() time.Duration {
	d := sweepEvery * time.Duration(1+p.idle.Load()/manyIdle)
	for _, limit := range [...]time.Duration{p.cfg.IdleTimeout, p.cfg.MaxAge} {
		if limit > 0 {
			d = min(d, max(limit/4, 10*time.Millisecond))
		}
	}
	return d
}

// round is one look at everything that is idle, batch by batch: over 10,000
// connections it takes no more memory than over 256. Its slices serve the next one.
type round struct {
	number   uint64
	conns    []*Conn
	fds      []int
	suspects []*Conn
}

// batch is how many connections are polled at once.
const batch = 256

func (r *round) run(p *Pool) {
	for _, pl := range p.list() {
		p.expire(pl)
		for at := math.MaxInt; at > 0; {
			if at = r.gather(pl, at); len(r.conns) == batch {
				r.ask(p)
			}
		}
	}
	r.ask(p)
}

// gather adds idle ones among those that pl has below index at, until the batch is
// full, and returns the index at which it stopped. It goes down because one that
// leaves has its place taken by the last: none gets below at unseen.
func (r *round) gather(pl *Place, at int) int {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for at = min(at, len(pl.conns)); at > 0 && len(r.conns) < batch; {
		at--
		if c := pl.conns[at]; c.list == idle {
			r.conns = append(r.conns, c)
		}
	}
	return at
}

// ask asks those that were gathered.
func (r *round) ask(p *Pool) {
	for _, c := range r.conns {
		fd := c.link.Fd()
		r.fds = append(r.fds, fd)
		if fd < 0 && (c.id+r.number)%askEvery == 0 {
			r.suspects = append(r.suspects, c)
		}
	}
	// A descriptor's number may belong to another connection by now: what poll
	// reports is only a suspicion.
	socket.Poll(r.fds, func(i int) { r.suspects = append(r.suspects, r.conns[i]) })
	for _, c := range r.suspects {
		p.probe(c)
	}
	clear(r.conns)
	clear(r.suspects)
	r.conns, r.fds, r.suspects = r.conns[:0], r.fds[:0], r.suspects[:0]
}

// expire ends what was idle at pl for too long.
func (p *Pool) expire(pl *Place) {
	now := clock.Now()
	var t todo
	pl.mu.Lock()
	for c := pl.lists[idle].last; c != nil; {
		newer := c.prev
		if end := p.cfg.over(c, now); end != trace.NoReason {
			pl.leave(c, end)
			t.end(c)
		}
		c = newer
	}
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
}

// probe takes c out of the idle list and asks it whether it lives.
func (p *Pool) probe(c *Conn) {
	pl := c.place
	pl.mu.Lock()
	took := c.list == idle
	var older *Conn
	if took {
		older = c.next
		c.probing = true
		pl.asking++
		pl.move(c, full)
	}
	pl.mu.Unlock()
	if !took {
		return
	}
	end := c.link.Check()
	now := clock.Now()
	var t todo
	pl.mu.Lock()
	pl.asking--
	if c.list != nowhere { // otherwise the pool was closed
		c.end, pl.older = end, older
		pl.settle(c, now, &t)
		pl.older = nil
		pl.pump(&t)
	}
	pl.mu.Unlock()
	p.do(pl, &t, nil, nil)
}

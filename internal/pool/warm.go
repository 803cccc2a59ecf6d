package pool

import (
	"context"
	"fmt"

	"sonde/internal/fault"
	"sonde/trace"
)

// warmAtOnce bounds the dials of one Warm that are under way together.
const warmAtOnce = 16

// Warm opens connections until n to w's route are idle. It returns how many are,
// and an error if they are fewer because a dial failed, ctx ended or a limit does
// not allow more.
func (p *Pool) Warm(ctx context.Context, w *Want, n int) (int, error) {
	pl, err := p.place(w)
	if err != nil {
		return 0, err
	}
	for left := n; ; {
		pl.mu.Lock()
		if pl.dead {
			pl.mu.Unlock()
			if pl, err = p.lookup(w, pl); err != nil {
				return 0, err
			}
			continue
		}
		have := pl.idling()
		dials, outcome := pl.warm(ctx, w, min(n-have, left, warmAtOnce))
		closed := pl.closed
		pl.mu.Unlock()
		switch {
		case closed:
			return 0, closedFault()
		case have >= n || err != nil || left <= 0:
			return have, err
		case len(dials) == 0:
			return have, fault.New(fault.Acquire, fmt.Errorf("a limit allows %d idle connections, not %d", have, n))
		}
		left -= len(dials)
		for _, d := range dials {
			p.start(pl, d)
		}
		for range dials {
			if e := <-outcome; e != nil && err == nil {
				err = e
			}
		}
	}
}

// warm reserves up to n dials, as far as limits allow.
func (s *state) warm(ctx context.Context, w *Want, n int) ([]*dial, chan error) {
	if n <= 0 || s.closed {
		return nil, nil
	}
	s.used = true
	var dials []*dial
	outcome := make(chan error, n)
	for len(dials) < n && s.room() && s.keepable(s.coming+1) {
		d := &dial{why: trace.Warming, ctx: ctx, dialer: w.Dialer, log: w.Log, warm: outcome}
		s.add(d)
		dials = append(dials, d)
	}
	return dials, outcome
}

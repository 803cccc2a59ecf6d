package pool

import "sonde/trace"

// tell keeps what the end of c, which has not left its list yet, says to the next
// connection of the route.
func (s *state) tell(c *Conn) {
	switch {
	case c.own || c.end == trace.DialNotWanted || c.list == nowhere:
		// It was never there for others.
	case c.list == idle || c.probing:
		s.last = idleStory(c.end)
	case c.active == 0 && (c.end == trace.EvictedOrigin || c.end == trace.MaxAge):
		s.last = idleStory(c.end)
	default:
		s.last = trace.PreviousNotReused
	}
}

// idleStory is the reason for a new connection after an idle one ended with end.
func idleStory(end trace.Reason) trace.Reason {
	switch end {
	case trace.IdleTimeout, trace.ServerHint:
		return trace.IdleExpired
	case trace.MaxAge:
		return trace.IdleAged
	case trace.EvictedTotal, trace.EvictedOrigin:
		return trace.IdleEvicted
	case trace.ClosedByUser:
		return trace.IdleClosedByUser
	}
	return trace.IdleClosedByServer
}

// why is the reason for a connection that would be opened now.
func (s *state) why(w *Want) trace.Reason {
	switch {
	case w.OneShot:
		return trace.OneShotAsked
	case w.Retry:
		return trace.RetryOfDead
	case s.hope():
		return trace.AllBusy
	case s.last != trace.NoReason:
		return s.last
	}
	return trace.FirstToRoute
}

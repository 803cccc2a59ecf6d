package har

import (
	"time"

	"sonde/trace"
)

// measure is how HAR tells the time of an attempt that is the last one of what
// began at begun, all in milliseconds, and their sum: ssl, which is part of
// connect, is not counted twice. Blocked has what is left: waiting for the pool,
// and attempts that were repeated.
func measure(a *trace.Attempt, begun time.Duration) (timings, float64) {
	t := timings{Blocked: -1, DNS: -1, Connect: -1, SSL: -1}
	got := a.Start // when there was a connection
	if s := a.Find(trace.PhaseAcquire); s != nil {
		got = s.End
	}
	blocked := got - begun
	take := func(out *float64, d time.Duration) {
		if d >= 0 {
			*out = millis(d)
			blocked -= d
		}
	}
	dns, connect, ssl := dialed(a, got)
	take(&t.DNS, dns)
	take(&t.Connect, connect)
	if ssl >= 0 {
		t.SSL = millis(ssl)
	}
	t.Blocked = millis(max(blocked, 0))
	for i := range a.Spans {
		s := &a.Spans[i]
		switch s.Phase {
		case trace.PhaseSend:
			t.Send = millis(s.Duration())
		case trace.PhaseWait:
			t.Wait = millis(s.Duration())
		case trace.PhaseReceive:
			t.Receive = millis(s.Duration())
		}
	}
	sum := t.Send + t.Wait + t.Receive
	for _, part := range [...]float64{t.Blocked, t.DNS, t.Connect} {
		sum += max(part, 0)
	}
	return t, sum
}

// dialed are the parts of making the connection, which was there at got; -1 for
// those that were not. They never overlap: DNS ends where connecting begins, and
// connecting has the handshakes in it.
func dialed(a *trace.Attempt, got time.Duration) (dns, connect, ssl time.Duration) {
	dns, connect, ssl = -1, -1, -1
	if a.Reused {
		return // what was dialed meanwhile is not what served
	}
	var from, to time.Duration
	for i := range a.Spans {
		s := &a.Spans[i]
		end := min(s.End, got)
		switch s.Phase {
		case trace.PhaseConnect, trace.PhaseProxy, trace.PhaseTLS:
			if connect < 0 {
				connect, from = 0, s.Start
			}
			to = max(to, end)
			if s.Phase == trace.PhaseTLS {
				ssl = end - s.Start
			}
		}
	}
	if connect == 0 {
		connect = max(to-from, 0)
	}
	if s := a.Find(trace.PhaseDNS); s != nil {
		// RFC 8305 §3: connecting may begin with the first addresses.
		end := min(s.End, got)
		if connect >= 0 {
			end = min(end, from)
		}
		dns = max(end-s.Start, 0)
	}
	return dns, connect, ssl
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

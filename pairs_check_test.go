package sonde_test

import (
	"fmt"

	"sonde/trace"
)

// pairs holds events to the rules. What it finds wrong it keeps, up to a bound.
type pairs struct {
	calls map[uint64]*pairsCall
	conns map[uint64]*pairsConn
	wrong []string
	early bool // the client was closed in the middle
}

type pairsCall struct {
	id      uint64
	events  []trace.Event
	over    bool
	attempt int  // the one under way, or the last
	within  bool // an attempt is under way
	open    map[string]int
	heads   int
	bodies  int
	conn    uint64 // that the attempt has and has not given back
	tunnel  bool
	sent    int
}

type pairsConn struct{ opened, closed, used bool }

// checkPairs returns what is wrong with the events of a client that was closed,
// perhaps early, with calls under way.
func checkPairs(events []trace.Event, early bool) []string {
	p := &pairs{early: early, calls: map[uint64]*pairsCall{}, conns: map[uint64]*pairsConn{}}
	for _, e := range events {
		p.conn(&e)
		if e.Call != 0 {
			p.call(&e)
		}
	}
	for id, c := range p.conns {
		if !c.closed {
			p.say(nil, "connection %d was not closed", id)
		}
	}
	for _, c := range p.calls {
		if !c.over {
			p.say(c, "no end")
		}
		for step, n := range c.open {
			if n != 0 {
				p.say(c, "%s: %+d more starts than ends", step, n)
			}
		}
	}
	return p.wrong
}

func (p *pairs) say(c *pairsCall, format string, args ...any) {
	if len(p.wrong) >= 10 {
		return
	}
	text := fmt.Sprintf(format, args...)
	if c != nil {
		text += fmt.Sprintf(" in call %d:\n%s", c.id, transcriptOf(c.events))
	}
	p.wrong = append(p.wrong, text)
}

// conn follows a connection from its opening to its end.
func (p *pairs) conn(e *trace.Event) {
	if e.Conn == 0 {
		return
	}
	c := p.conns[e.Conn]
	if e.Kind == trace.ConnOpened {
		if c != nil || !e.Reason.Opens() {
			p.say(nil, "connection %d opened, with reason %v, but was known: %v", e.Conn, e.Reason, c != nil)
		}
		p.conns[e.Conn] = &pairsConn{opened: true}
		return
	}
	if c == nil {
		p.say(nil, "%s of a connection that was never opened: %d", e.Kind, e.Conn)
		return
	}
	switch {
	case e.Kind == trace.ConnClosed:
		if c.closed || !e.Reason.Ends() {
			p.say(nil, "connection %d closed, with reason %v, and was before: %v", e.Conn, e.Reason, c.closed)
		}
		c.closed = true
	case e.Kind == trace.AcquireDone && e.Err == nil:
		if c.closed && !p.early || c.used && !e.Reused {
			p.say(nil, "connection %d acquired, reused %v; closed %v, used before %v", e.Conn, e.Reused, c.closed, c.used)
		}
		c.used = true
	}
}

// late are the events that may come when a call is over: of a dial that outlives it.
func late(k trace.Kind) bool {
	switch k {
	case trace.DNSStart, trace.DNSDone, trace.ConnectStart, trace.ConnectDone, trace.TLSStart, trace.TLSDone,
		trace.ConnOpened, trace.ProxyStart, trace.ProxyDone:
		return true
	}
	return false
}

func (p *pairs) call(e *trace.Event) {
	c := p.calls[e.Call]
	if c == nil {
		c = &pairsCall{id: e.Call, open: map[string]int{}}
		p.calls[e.Call] = c
		if e.Kind != trace.CallStart {
			p.say(c, "it begins with %s", e.Kind)
		}
	}
	c.events = append(c.events, *e)
	switch {
	case late(e.Kind):
	case c.over:
		p.say(c, "%s after its end", e.Kind)
	case e.Kind == trace.CallStart, e.Kind == trace.CallDone, e.Kind == trace.AttemptStart, e.Kind == trace.Retry:
	case !c.within || e.Attempt != c.attempt:
		p.say(c, "%s of attempt %d in attempt %d", e.Kind, e.Attempt, c.attempt)
	}
	p.steps(c, e)
	p.exchange(c, e)
}

// steps counts starts and ends.
func (p *pairs) steps(c *pairsCall, e *trace.Event) {
	step := func(name string, by int) {
		name = fmt.Sprintf("%d %s", e.Attempt, name)
		if c.open[name] += by; c.open[name] < 0 {
			p.say(c, "%s without a start", e.Kind)
		}
	}
	switch e.Kind {
	case trace.AcquireStart:
		step("acquire", 1)
	case trace.AcquireDone:
		step("acquire", -1)
	case trace.DNSStart:
		step("dns", 1)
	case trace.DNSDone:
		step("dns", -1)
	case trace.ConnectStart:
		step("connect "+e.Remote().String(), 1)
	case trace.ConnectDone:
		step("connect "+e.Remote().String(), -1)
	case trace.ProxyStart:
		step("proxy "+e.Host()+" to "+e.Name(), 1)
	case trace.ProxyDone:
		step("proxy "+e.Host()+" to "+e.Name(), -1)
	case trace.TLSStart:
		step("tls", 1)
	case trace.TLSDone:
		step("tls", -1)
	case trace.ContinueWait:
		step("continue", 1)
	case trace.ContinueDone:
		step("continue", -1)
	}
}

// exchange follows an attempt.
func (p *pairs) exchange(c *pairsCall, e *trace.Event) {
	switch e.Kind {
	case trace.AttemptStart:
		if c.within || e.Attempt != c.attempt+1 {
			p.say(c, "attempt %d begins after attempt %d, which is under way: %v", e.Attempt, c.attempt, c.within)
		}
		c.attempt, c.within, c.heads, c.bodies, c.sent, c.tunnel = e.Attempt, true, 0, 0, 0, false
	case trace.AcquireDone:
		if (e.Err == nil) == (e.Conn == 0) {
			p.say(c, "connection %d with error %v", e.Conn, e.Err)
		}
		c.conn = e.Conn
	case trace.HeadRead:
		c.heads++
		c.tunnel = e.Status == 101
	case trace.BodyRead:
		c.bodies++
	case trace.RequestWritten:
		c.sent++
	case trace.ConnPut, trace.ConnClosed:
		if e.Conn == c.conn {
			c.conn = 0
		}
	case trace.AttemptDone:
		p.attemptDone(c, e)
	case trace.CallDone:
		if c.within || c.over {
			p.say(c, "the end within attempt %d, over before: %v", c.attempt, c.over)
		}
		if (e.Err == nil) != (e.Status != 0) && e.Err == nil {
			p.say(c, "neither status nor error")
		}
		c.over = true
	}
}

func (p *pairs) attemptDone(c *pairsCall, e *trace.Event) {
	c.within = false
	got := false
	for _, before := range c.events {
		got = got || before.Kind == trace.AcquireDone && before.Err == nil && before.Attempt == e.Attempt
	}
	switch {
	case c.conn != 0 && !p.early: // Client.Close tells of their end by itself
		p.say(c, "connection %d was not given back", c.conn)
	case got && c.sent != 1:
		p.say(c, "%d ends of sending the request", c.sent)
	case c.heads > 1 || c.heads == 1 && c.bodies != 1 && !c.tunnel && e.Err == nil:
		p.say(c, "%d heads, %d bodies", c.heads, c.bodies)
	case e.Err == nil && c.heads != 1:
		p.say(c, "success without a head")
	}
}

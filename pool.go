package sonde

import (
	"context"
	"errors"
	"iter"
	"net/http/httptrace"
	"time"

	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/pool"
	"sonde/trace"
)

// Pool is the connections of a client, to be looked at.
type Pool struct{ c *Client }

// Pool returns the client's pool.
func (c *Client) Pool() *Pool { return &Pool{c} }

// PoolStats are counts of a pool, since it was made where that makes sense.
type PoolStats struct {
	Routes  int // origins (and ways to them) with a connection, a dial or a waiter
	Idle    int // connections
	Active  int // connections that carry an exchange
	Dialing int // connections under way
	Waiting int // calls

	Opened     uint64        // connections
	Closed     uint64        // connections
	Hits       uint64        // times that an idle connection served at once
	Misses     uint64        // times that none did
	Waits      uint64        // times that a call had to wait
	WaitTime   time.Duration // of all of them together
	DialErrors uint64
	Reasons    trace.Reasons // why connections were opened, and why they ended
}

// Stats returns the counts of this moment.
func (p *Pool) Stats() PoolStats {
	if !p.ok() {
		return PoolStats{}
	}
	s := p.c.pool.Stats()
	return PoolStats{
		Routes: s.Routes, Idle: s.Idle, Active: s.Active, Dialing: s.Dialing, Waiting: s.Waiting,
		Opened: s.Opened, Closed: s.Closed, Hits: s.Hits, Misses: s.Misses,
		Waits: s.Waits, WaitTime: s.WaitTime, DialErrors: s.DialErrors, Reasons: s.Reasons,
	}
}

// PoolConn describes a connection of the pool at one moment.
type PoolConn struct {
	ConnInfo
	Origin    string // such as "https://example.com:443"; "" where a proxy forwards requests to all http origins
	Active    int    // exchanges under way
	Requests  int    // exchanges begun
	Created   time.Time
	IdleSince time.Time // zero while it carries an exchange
}

// Conns yields the connections of this moment.
func (p *Pool) Conns() iter.Seq[PoolConn] {
	return func(yield func(PoolConn) bool) {
		if !p.ok() {
			return
		}
		for i := range p.c.pool.Conns() {
			c := PoolConn{
				Origin: i.Route.Origin.String(), Active: i.Exchanges, Requests: i.Requests,
				Created: i.Created, IdleSince: i.IdleSince,
			}
			c.Proxy = i.Route.Proxy.Name()
			c.ID, c.Why, c.Reused = i.ID, i.Why, i.Requests > 1
			if l, ok := i.Link.(*link); ok {
				what := l.Describe(i.Route.Host)
				c.Local, c.Remote, c.TLS = what.Local, what.Remote, l.state()
			}
			if !yield(c) {
				return
			}
		}
	}
}

// Warm opens connections to the origin of url until n are there that could serve
// a request at once, and returns how many were opened. Their events are of no call.
func (p *Pool) Warm(ctx context.Context, url string, n int) (int, error) {
	req := p.c.NewRequest(HEAD, url)
	if err := p.c.usable(ctx, req); err != nil {
		return 0, err
	}
	if p.c.scheme(req) != nil {
		return 0, req.error(fault.Request, errors.New("only http and https have connections"))
	}
	var own plan
	if own.fill(ctx, p.c, req); own.err != nil {
		return 0, req.error(fault.Proxy, own.err)
	}
	opened, err := p.c.pool.Warm(ctx, &pool.Want{
		Route:  own.route,
		Dialer: p.c.dialer,
		Log:    p.log(ctx),
	}, n)
	if err != nil {
		f := asFault(fault.Connect, err)
		return opened, req.error(f.Op, f.Err)
	}
	return opened, nil
}

// log is for what is done for no call; nil where nobody listens.
func (p *Pool) log(ctx context.Context) *event.Log {
	l := event.Log{Sink: p.c.cfg.Sink, Hooks: trace.From(ctx), Client: httptrace.ContextClientTrace(ctx)}
	if l.Sink == nil && l.Hooks == nil && l.Client == nil {
		return nil
	}
	return &l
}

// CloseIdle closes the connections that carry nothing.
func (p *Pool) CloseIdle() {
	if p.ok() {
		p.c.pool.CloseIdle()
	}
}

// ok is false for the pool of a nil Client, or of one that New did not make: it
// is empty.
func (p *Pool) ok() bool { return p.c != nil && p.c.pool != nil }

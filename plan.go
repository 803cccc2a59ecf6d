package sonde

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/trace"
)

// plan is what all attempts of one request by one client have in common. A request
// that is sent more than once keeps it, with its head rendered: that saves a small
// call some 150 ns. After fill it does not change but for place.
type plan struct {
	client *Client
	route  message.Route
	place  atomic.Pointer[pool.Place] // where the pool keeps the route's connections

	err       error // the proxy to take cannot be known
	forwarded bool  // a proxy takes the request and forwards it

	plain bool // see Client.plain
	check bool // an idle connection is asked whether it lives: the request could not be sent again

	request  message.Request
	head     []byte // request as HTTP/1 sends it; nil: it is rendered each time
	timeouts message.Timeouts
	limits   message.Limits

	told        atomic.Pointer[told] // nil: nobody has listened yet
	call, queue time.Duration
	body, drain int64
	decodes     bool // codings of the response
	decoded     int64
	ratio       int64
	drainTime   time.Duration
	errorBody   int
}

// fill makes p of a client and a request.
func (p *plan) fill(ctx context.Context, c *Client, r *Request) {
	p.client, p.head, p.err, p.forwarded = c, nil, nil, false
	if p.told.Load() != nil {
		p.told.Store(nil)
	}
	p.route = message.Route{Origin: r.url.Origin, Unix: r.set.unix, Protocols: c.cfg.Protocols, Settings: c.dialer.id}
	if p.route.Unix == "" {
		p.route.Unix = c.cfg.UnixSocket
	}
	if r.set.protocols != 0 {
		p.route.Protocols = r.set.protocols
	}
	kind, length := r.kind()
	p.request = message.Request{
		Method: string(r.method), Scheme: r.url.Scheme, Authority: r.authority(), Target: r.target(),
		Fields: r.fields, Body: kind, Length: length, Trailer: r.set.announce, Uploads: r.set.uploads,
		Close: r.set.oneShot, Exact: r.set.exact, Expect: r.expects(kind, length),
	}
	if !r.set.exact {
		p.request.Defaults = c.defaultLines(r)
	}
	p.decodes = c.decodes(r)
	p.bound(&c.cfg.Timeouts, &r.set.timeouts, &c.cfg.Limits, &r.set.limits)
	if c.proxies != nil || r.set.proxied {
		p.throughProxy(ctx, c, r)
	}
	p.check = !r.replayable()
	p.plain = p.err == nil && p.route.Proxy == nil && kind != message.UnknownLength && c.plain(r)
}

// plain reports whether nobody but pool and codec has anything to do with a call of
// r, as long as nobody traces it and its response is a success: no policy adds fields
// or looks at the response, and nobody watches the body. Asked once here, that is one
// branch in a call instead of some twenty.
func (c *Client) plain(r *Request) bool {
	s := &r.set
	return !c.relays && !c.repeats && c.cfg.HSTS == nil && c.cfg.Jar == nil && c.cfg.Auth == nil && c.cfg.Informational == nil &&
		!s.repeats && s.hedge == nil && !s.ownJar && s.auth == nil && !r.url.HasUser && s.inform == nil &&
		s.uploaded == nil && s.received == nil && s.checks == nil && s.trailer == nil && !s.oneShot &&
		r.body.open == nil && r.body.tap == nil && r.body.discard == nil
}

// bound takes the request's bounds where it has some, else the client's.
func (p *plan) bound(t, rt *Timeouts, l, rl *Limits) {
	p.timeouts = message.Timeouts{
		FirstByte: overridden(t.FirstByte, rt.FirstByte),
		BodyIdle:  overridden(t.BodyIdle, rt.BodyIdle),
		Continue:  overridden(t.Continue, rt.Continue),
	}
	p.limits = message.Limits{
		Head:          overridden(l.Head, rl.Head),
		Fields:        overridden(l.Fields, rl.Fields),
		Informational: overridden(l.Informational, rl.Informational),
	}
	// The codec takes 0 for its own default.
	if p.limits.Head == 0 {
		p.limits.Head = math.MaxInt32
	}
	if p.limits.Fields == 0 {
		p.limits.Fields = math.MaxInt32
	}
	p.call, p.queue = overridden(t.Call, rt.Call), overridden(t.Queue, rt.Queue)
	p.body, p.errorBody = overridden(l.Body, rl.Body), overridden(l.ErrorBody, rl.ErrorBody)
	p.decoded, p.ratio = overridden(l.Decoded, rl.Decoded), overridden(l.Ratio, rl.Ratio)
	p.drain, p.drainTime = overridden(l.Drain, rl.Drain), overridden(l.DrainTime, rl.DrainTime)
}

// told is what events say of a request, the same each time.
type told struct {
	call, acquire trace.Detail
	head          *message.Words // nil: of each head anew
}

func (p *plan) tell(r *Request) *told {
	if t := p.told.Load(); t != nil {
		return t
	}
	t := &told{
		call:    trace.Detail{Method: string(r.method), URL: r.url.String()},
		acquire: trace.Detail{Host: r.url.Addr()},
	}
	if p.head != nil {
		t.head = message.NewWords(string(p.head))
	}
	p.told.Store(t) // two calls may come to it at once: they say the same
	return t
}

// expects reports whether to say Expect: 100-continue. RFC 9110 §10.1.1: not for a
// request without content.
func (r *Request) expects(kind message.BodyKind, length int64) bool {
	return r.set.expect && (kind == message.UnknownLength || length > 0)
}

// planFor returns the plan for r, which is own if r is sent for the first time or
// another client keeps its plan with it.
func (c *Client) planFor(ctx context.Context, r *Request, own *plan) *plan {
	switch p := r.plan.Load(); {
	case c.proxies != nil && c.proxies.f != nil && !r.set.proxied: // it is asked each time
	case p != nil && p.client == c:
		return p
	case p == nil && r.sent.Load():
		p = new(plan)
		p.fill(ctx, c, r)
		if _, known := r.body.length(); known || r.set.chunked {
			p.head = h1.AppendRequest(nil, &p.request)
		}
		r.plan.Store(p)
		return p
	}
	r.sent.Store(true)
	own.fill(ctx, c, r)
	return own
}

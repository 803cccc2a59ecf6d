package sonde

import (
	"net/url"
	"time"

	"sonde/internal/clock"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// trip is what a call remembers that takes more than one request.
type trip struct {
	hops    []Hop // the redirects that were followed
	changed int   // how many there were when a cookie was set last: a loop starts anew
	kept    bool  // a redirect is the response

	own   credentials // of the request that is sent
	proxy credentials // for the proxy that forwards it
	why   trace.Event // why another request follows

	retries int           // how often a policy had the request sent again
	wait    time.Duration // before the next attempt
	refused error         // why it was not sent again although the policy asked for it
	beside  int           // attempts with higher numbers than this one, which lost
}

// travel is the call's trip.
func (k *call) travel() *trip {
	if k.trip == nil {
		k.trip = new(trip)
	}
	return k.trip
}

// judge looks at the response whose head is there. It returns the request to be
// sent next instead, or a fault that ends the call, or neither: then this is the
// call's response.
func (k *call) judge() (*Request, *fault.Fault) {
	if k.client.cfg.Bare {
		return nil, nil
	}
	x := k.extras()
	if x != nil {
		if next, f := x.judge(k); next != nil || f != nil {
			return next, f
		}
	}
	if next, f := k.redirected(); next != nil || f != nil || x == nil {
		return next, f
	}
	return x.retried(k), nil
}

// learn is what policies that are off by default take from a response, and what
// they want to be sent next.
func (k *call) learn() (*Request, *fault.Fault) {
	k.takeCookies()
	k.learnSecurity()
	if next, f := k.proxyChallenged(); next != nil || f != nil {
		return next, f
	}
	return k.challenged()
}

// turn ends an attempt whose response is not the call's, gives its connection
// back, and makes next what is sent from now on.
func (k *call) turn(next *Request) {
	told := k.endAttempt(trace.NoReason)
	if k.log.On() {
		k.log.Emit(&trace.Event{Kind: trace.AttemptDone, Time: clock.At(told)})
		k.log.Emit(&k.trip.why)
	}
	if next != k.req {
		k.req = next
		k.plan = k.client.planFor(k.ctx, next, &k.own)
	}
}

// settled is the common case, which needs no judge.
func (k *call) settled() bool {
	if k.head.Status/100 != 2 || k.trip != nil {
		return false
	}
	return k.plan.plain || k.client.cfg.Jar == nil && !k.req.set.ownJar && k.client.cfg.HSTS == nil
}

// reject ends a call that has a response which cannot stand.
func (k *call) reject(f *fault.Fault) error {
	err := k.error(f)
	k.finish(trace.NoReason, f.Err)
	k.recycle()
	return err
}

// address is the URL as other packages get it: without userinfo and fragment.
func (r *Request) address() *url.URL {
	u := r.url
	u.HasUser, u.Fragment = false, ""
	parsed, err := url.Parse(u.String())
	if err != nil {
		return nil
	}
	return parsed
}

// dressed is m with the fields that policies give this attempt.
func (k *call) dressed(m *message.Request) (*message.Request, *fault.Fault) {
	if x := k.extras(); x != nil {
		return x.dress(k, m)
	}
	return k.authorized(m)
}

// dress adds those of all policies to m.
func (k *call) dress(m *message.Request) (*message.Request, *fault.Fault) {
	m, f := k.withCookies(m)
	if f != nil {
		return m, f
	}
	if m, f = k.authorized(m); f != nil {
		return m, f
	}
	return k.proxyAuthorized(m)
}

// wear sets a field of m, a copy of the plan's, for this attempt.
func (k *call) wear(m *message.Request, name, value string) (*message.Request, *fault.Fault) {
	if err := m.Fields.Set(name, value); err != nil {
		return m, fault.New(fault.Request, err)
	}
	if m.Defaults != "" {
		m.Defaults = k.client.someDefaults(&m.Fields, k.req)
	}
	k.msg.Rendered, k.msg.Words = nil, nil
	return m, nil
}

// handSet are the fields of that name that r sets, or else the client.
func (c *Client) handSet(r *Request, name string) []string {
	if r.sets(name) || r.set.exact || r.set.left && guarded(name) {
		return r.fields.Values(name)
	}
	return c.cfg.Header.f.Values(name)
}

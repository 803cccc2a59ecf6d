package sonde

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"sonde/internal/clock"
	"sonde/internal/dial"
	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/internal/socket"
	"sonde/trace"
)

// Retry says when a request is sent again: after an attempt that failed in a way
// that may pass, and after a response that says so. The zero Retry never does.
//
// What failed before a connection was there is repeated whatever the method, and
// so is what failed before a byte had left, if the body can be sent again. Once a
// byte has left, and after a response, the server may have acted on the request:
// then it is repeated if its method is idempotent (RFC 9110 §9.2.2) or one of
// Methods, or it has an Idempotency-Key, and its body can be sent again. Refusals
// of certificates, unknown names, breaches of HTTP and what the caller's own code
// reports do not pass, and are not repeated.
//
// When no attempt is left, the last response or error is the call's. Where one was
// left that could not be made, Error.NotRetried says why.
type Retry struct {
	// Max is how often one call sends its request again, at most, redirects
	// included. 0 or less: never.
	Max int

	// Statuses are those after which it does. Nil: 408, 429, 502, 503 and 504. One
	// that WithAccept or Config.Accept names is a success and not repeated.
	Statuses []Status

	// Methods may be repeated although they are not idempotent.
	Methods []Method

	// Base and Most are for the wait before the nth retry, a random time up to
	// Base·2ⁿ⁻¹, and never over Most: what failed together does not come back
	// together. 0: 100 ms and 10 s. Negative: no wait, and no bound.
	Base, Most time.Duration

	// Backoff is asked instead for the wait before the nth retry, n counted from 1.
	Backoff func(n int) time.Duration

	// MaxAfter bounds Retry-After (RFC 9110 §10.2.3), which is waited for in
	// addition. A server that asks for more is not asked again: its response
	// stands. 0: a minute. Negative: no bound.
	MaxAfter time.Duration

	// Policy is asked last. Its error keeps the request from being sent again, and
	// is in Error.NotRetried. Nil: none is kept.
	Policy func(*Retrial) error
}

// Retrial is a request before it is sent again, for Retry.Policy, which must not
// keep it.
type Retrial struct {
	Method  Method
	URL     string // without credentials
	Attempt int    // the one that failed, counted from 1
	Head    *Head  // of the response that asks for another attempt; nil: there was none
	Err     error  // why the attempt failed, or what its status was
	Wait    time.Duration
}

// ErrRetryBudget is Error.NotRetried where Config.RetryBudget was used up.
var ErrRetryBudget = errors.New("the client's budget for retries is used up")

const (
	defaultRetryBase   = 100 * time.Millisecond
	defaultRetryMost   = 10 * time.Second
	defaultRetryAfter  = time.Minute
	defaultRetryBudget = 0.2
)

// retryStatuses are the responses that say: perhaps later.
//   - 408: the request did not come in time; it may be repeated (RFC 9110 §15.5.9)
//   - 429: too many for now, see Retry-After (RFC 6585 §4)
//   - 502, 504: somebody behind the server failed it (RFC 9110 §15.6.3, §15.6.5)
//   - 503: not now, see Retry-After (RFC 9110 §15.6.4)
//
// Not 500, which says nothing of later, nor 425 (RFC 8470 §5.2): no early data is
// ever sent.
var retryStatuses = []Status{408, 429, 502, 503, 504}

// filled is p with its defaults; 0 is "no bound" then.
func (p Retry) filled() Retry {
	fill(&p.Max, 0)
	fill(&p.Base, defaultRetryBase)
	fill(&p.Most, defaultRetryMost)
	fill(&p.MaxAfter, defaultRetryAfter)
	p.Statuses, p.Methods = slices.Clone(p.Statuses), slices.Clone(p.Methods)
	if p.Statuses == nil {
		p.Statuses = retryStatuses
	}
	return p
}

func (p *Retry) check() error {
	for _, s := range p.Statuses {
		if c := s.Class(); c != 4 && c != 5 {
			return wrong("Statuses", "%d is none of an error", int(s))
		}
	}
	for _, m := range p.Methods {
		if err := message.CheckMethod(string(m)); err != nil {
			return wrong("Methods", "%w", err)
		}
	}
	return nil
}

// retry is what r says of retries, or else the client; nil: there are none.
func (c *Client) retry(r *Request) *Retry {
	p := &c.cfg.Retry
	if r.set.retry != nil {
		p = r.set.retry
	}
	if p.Max <= 0 || c.cfg.Bare {
		return nil
	}
	return p
}

// retried is the request again if the response, whose head is there, asks for
// that; nil if it stands.
func (k *call) retried() *Request {
	p, status := k.client.retry(k.req), Status(k.head.Status)
	if p == nil || !slices.Contains(p.Statuses, status) ||
		slices.Contains(k.req.set.accept, status) || slices.Contains(k.client.cfg.Accept, status) {
		return nil
	}
	head := newHead(&k.head)
	if k.repeat(p, &head, fmt.Errorf("status %v", status), true) {
		k.exposed = true
		return k.req
	}
	return nil
}

// recovered reports whether the request is sent again after f because a policy
// wants that.
func (k *call) recovered(f *fault.Fault) bool {
	x := k.extras()
	return x != nil && x.recover(k, f)
}

// recovers reports whether the request is sent again after f.
func (k *call) recovers(f *fault.Fault) bool {
	p := k.client.retry(k.req)
	return p != nil && k.passes(f) && k.repeat(p, nil, f.Err, f.Sent)
}

// passes reports whether what failed may succeed when it is tried again.
func (k *call) passes(f *fault.Fault) bool {
	if k.ctx.Err() != nil || errors.Is(f.Err, ErrClosed) {
		return false
	}
	switch f.Op {
	case fault.Resolve, fault.Connect, fault.Proxy, fault.TLS:
		return !permanent(f.Err)
	case fault.Write, fault.FirstByte, fault.Read:
		switch f.End {
		case trace.ServerClosedInUse, trace.ServerClosed, trace.UnsolicitedBytes, trace.TLSAlert, trace.ReadFailed, trace.WriteFailed, trace.TimedOut:
			return true
		}
	}
	return false
}

// permanent reports whether making a connection failed for good.
func permanent(err error) bool {
	if name, ok := errs.As[*net.DNSError](err); ok {
		return name.IsNotFound
	}
	if refused, ok := errs.As[*ProxyError](err); ok && refused.Err == nil {
		return refused.Status.Class() != 5 // by HTTP; SOCKS does not say for how long
	}
	return is[*net.AddrError](err) || is[*tls.CertificateVerificationError](err) || h1.IsAlert(err) ||
		is[tls.RecordHeaderError](err) || is[*dial.Refused](err) ||
		errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
}

// is reports whether err has an E in its chain.
func is[E error](err error) bool {
	_, ok := errs.As[E](err)
	return ok
}

// repeat decides whether there is another attempt because of why, after a response
// (head) or without. If so it notes when, for turn and pause; if not, why not.
func (k *call) repeat(p *Retry, head *Head, why error, sent bool) bool {
	t := k.travel()
	if t.retries >= p.Max {
		return false
	}
	wait, refused := k.wait(p, head)
	if refused == nil {
		refused = k.unrepeatable(p, sent)
	}
	if refused == nil && p.Policy != nil {
		refused = k.ask(p, head, why, wait)
	}
	if refused == nil && !k.client.spend() { // the last, since it takes
		refused = ErrRetryBudget
	}
	if refused != nil {
		t.refused = refused
		k.log.Emit(&trace.Event{Kind: trace.RetryRefused, Status: k.head.Status, Err: refused})
		return false
	}
	t.retries++
	t.wait = wait
	t.why = trace.Event{Kind: trace.Retry, Status: k.head.Status, Err: why, Detail: &trace.Detail{Wait: wait}}
	return true
}

// ask asks the policy.
func (k *call) ask(p *Retry, head *Head, why error, wait time.Duration) error {
	r := Retrial{Method: k.req.method, URL: k.req.URL(), Attempt: k.attempt, Err: why, Wait: wait}
	if head != nil {
		own := head.clone()
		r.Head = &own
	}
	return p.Policy(&r)
}

// unrepeatable is why the request cannot be sent again, nil if it can.
func (k *call) unrepeatable(p *Retry, sent bool) error {
	r := k.req
	switch {
	case !sent && k.got.Conn == nil: // the body was not opened
		return nil
	case !r.body.replays():
		return errors.New("the body can be read only once")
	case sent && !r.replayable() && !slices.Contains(p.Methods, r.method):
		return fmt.Errorf("%s is not idempotent, and the request has no Idempotency-Key", r.method)
	}
	return nil
}

// wait is how long to wait before the next attempt, or why that is too long.
func (k *call) wait(p *Retry, head *Head) (time.Duration, error) {
	n := k.trip.retries + 1
	var wait time.Duration
	if p.Backoff != nil {
		wait = max(p.Backoff(n), 0)
	} else {
		wait = backoff(p.Base, p.Most, n, rand.Float64())
	}
	if head != nil {
		after, ok := retryAfter(head.Header, time.Now())
		if ok && p.MaxAfter > 0 && after > p.MaxAfter {
			return 0, fmt.Errorf("the server asks to wait for %v, longer than Retry.MaxAfter, %v", after, p.MaxAfter)
		}
		wait += after
	}
	if end := k.deadline(); end != 0 && clock.Now()+int64(wait) >= end {
		return 0, fmt.Errorf("a wait of %v would go beyond the call's deadline", wait)
	}
	return wait, nil
}

// deadline is the reading of the clock at which the call ends; 0: never.
func (k *call) deadline() int64 {
	end := until(k.times.start, k.plan.call)
	if d, ok := k.ctx.Deadline(); ok {
		end = clock.Earlier(end, clock.Of(d))
	}
	return end
}

// backoff is the wait before the nth retry: random of the way to base·2ⁿ⁻¹, or to
// most (0: no bound).
func backoff(base, most time.Duration, n int, random float64) time.Duration {
	const longest = time.Duration(1) << 55 // more than a year
	d := base
	for ; n > 1 && d < longest; n-- {
		d *= 2
	}
	if most > 0 {
		d = min(d, most)
	}
	return time.Duration(float64(d) * random)
}

// retryAfter is what Retry-After says (RFC 9110 §10.2.3), at least 0. A date is
// taken by the server's own clock, where Date tells it.
func retryAfter(h Header, now time.Time) (time.Duration, bool) {
	const longest = 1 << 31 // seconds
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if strings.Trim(value, "0123456789") == "" {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || n > longest {
			n = longest
		}
		return time.Duration(n) * time.Second, true
	}
	at, err := h.Time("Retry-After")
	if err != nil {
		return 0, false
	}
	if date, err := h.Time("Date"); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longest*time.Second), true
}

// others is how many attempts beside the last one have taken a number; they count no
// more then.
func (k *call) others() int {
	if k.trip == nil {
		return 0
	}
	n := k.trip.beside
	k.trip.beside = 0
	return n
}

// back goes back to the start after f: at once if it was a dead connection, or after
// the wait that the policy asks for.
func (k *call) back(f *fault.Fault, dead bool) *fault.Fault {
	k.exposed = k.exposed || f.Sent
	if dead {
		k.log.End(trace.Retry, f.Err)
		k.redials++
		return nil
	}
	k.log.Emit(&k.trip.why)
	return k.pause()
}

// pause waits before the next attempt, if there is to be a wait.
func (k *call) pause() *fault.Fault {
	if k.trip.wait <= 0 {
		return nil
	}
	return k.extras().rest(k)
}

// rest waits for as long as the policy wants.
func (k *call) rest() *fault.Fault {
	wait := k.trip.wait
	k.trip.wait = 0
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
		return nil
	case <-k.ctx.Done():
		err = socket.ContextError(k.ctx)
	case <-k.client.pool.Done():
		err = ErrClosed
	}
	k.got = pool.Got{}
	return fault.New(fault.Acquire, fmt.Errorf("waiting to send the request again after %v: %w", k.trip.why.Err, err))
}

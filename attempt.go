package sonde

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"sonde/internal/clock"
	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/trace"
)

// Where there is Config.AttemptMiddleware, or a hedge, a call does not make its
// attempts itself: each goes through a chain of Handlers. The innermost is a call of
// its own with a round, which sends the request once, without any policy; and the
// Exchange that comes back up the chain is relayed as the stream of the call that
// asked. What an attempt takes, such as its connection, the inner call gives back.

// round is what an inner call has of the one that asked for it.
type round struct {
	call   uint64 // its number, for events
	start  int64  // reading of the clock when it began
	number int    // of the attempt
	retry  bool   // the attempt before met a dead connection
	spare  bool   // a hedge: it waits for no slot
}

type roundKey struct{}

// AttemptNumber is the number of the attempt that a middleware of
// Config.AttemptMiddleware is asked for, counted from 1 over the whole call:
// redirects, retries, hedges and answers to challenges. ctx is the one it was given,
// or made of that; of any other it is 0.
func AttemptNumber(ctx context.Context) int {
	if r, ok := ctx.Value(roundKey{}).(*round); ok {
		return r.number
	}
	return 0
}

// attempt is the innermost Handler of an attempt: it sends the request once.
func (c *Client) attempt(ctx context.Context, req *Request) (*Exchange, error) {
	if err := c.usable(ctx, req); err != nil {
		return nil, err
	}
	if h := c.scheme(req); h != nil {
		return h(ctx, req)
	}
	k := newCall(c, ctx, req)
	if k.round, _ = ctx.Value(roundKey{}).(*round); k.round == nil { // another context
		k.round = &round{start: k.times.start, number: 1}
	}
	k.attempt, k.times.start = k.round.number, k.round.start
	if k.first.Sink != nil || k.first.Hooks != nil || k.first.Client != nil {
		if k.first.Call = k.round.call; k.first.Call == 0 {
			k.first.Call = callCount.Add(1)
		}
		k.log = k.newLog(0)
	}
	var fields message.Fields
	fields.SetIndex(k.index[:0])
	k.head = message.Head{Fields: fields}
	over := false
	defer k.unwind(&over)
	f := k.try(k.round.retry, nil)
	over = true
	if f != nil {
		err := k.error(f)
		k.recycle()
		return nil, err
	}
	ex := new(Exchange)
	ex.take(k)
	return ex, nil
}

// relayed reports whether the attempts of k go through a chain.
func (k *call) relayed() bool {
	return k.client.relays || k.req.set.hedge != nil && !k.client.cfg.Bare
}

// pass makes an attempt by way of the chain.
func (k *call) pass(retry bool) *fault.Fault {
	base := k.unproxied()
	m, f := k.dress(base)
	if f != nil {
		return f
	}
	req := k.req
	if pin := k.pins(); pin || m != base { // a policy has added something
		req = &Request{method: req.method, url: req.url, fields: m.Fields, body: req.body, set: req.set}
		if pin {
			req.pin(k.plan.route.Proxy)
		}
	}
	if h := k.hedge(); h != nil {
		return k.race(h, req, retry)
	}
	ctx := context.WithValue(k.ctx, roundKey{}, k.newRound(retry))
	ex, err := k.client.answer(ctx, req)
	if err != nil {
		return k.unwrap(err)
	}
	k.adopt(ex, nil)
	return nil
}

func (k *call) newRound(retry bool) *round {
	return &round{call: k.first.Call, start: k.times.start, number: k.attempt, retry: retry}
}

// answer is what the chain of an attempt's Handlers gives. An error is an *Error.
func (c *Client) answer(ctx context.Context, req *Request) (*Exchange, error) {
	attempts := c.attempts
	if attempts == nil {
		attempts = c.attempt
	}
	ex, err := attempts(ctx, req)
	return req.answered(ex, err)
}

// unwrap makes the failure of an inner call this one's.
func (k *call) unwrap(err error) *fault.Fault {
	e := err.(*Error)
	f := fault.Fault{Op: string(e.Op), Sent: !e.safe}
	if e.inner != nil {
		f, k.got = e.inner.fault, e.inner.got
	}
	f.Err = e.Err
	return &f
}

// adopt makes ex the response of k's attempt. after is called when it has ended.
func (k *call) adopt(ex *Exchange, after func()) {
	k.req.body.drop() // a middleware may have answered without it
	b := ex.Body
	times := b.timesSoFar()
	times.start, times.end = k.times.start, 0
	k.times, k.msg.Sent, k.got = times, times.sent, b.got
	if k.times.first == 0 { // a middleware made it
		k.times.first = clock.Now()
	}
	k.head = message.Head{
		Status: int(ex.Status), Major: ex.Proto.Major, Minor: ex.Proto.Minor, Reason: ex.Reason(), Fields: ex.Header.f,
		Decoded: ex.Decoded(),
	}
	k.stream = &relay{k: k, ex: ex, after: after}
	if k.log.On() {
		k.log = k.newLog(0)
		if k.got.Conn != nil {
			k.log.Conn = k.got.Conn.ID()
		}
	}
}

// relay is an Exchange as the Stream of the call that asked for it.
type relay struct {
	k     *call
	ex    *Exchange
	after func() // nil: nothing
}

var _ message.Stream = (*relay)(nil)

// Read reads the body.
func (v *relay) Read(p []byte) (int, error) {
	n, err := v.ex.Body.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if e, ok := errs.As[*Error](err); ok && e.inner != nil {
		f := e.inner.fault
		if f.Err = err; err == e {
			f.Err = e.Err
		}
		return n, &f
	}
	return n, &fault.Fault{Op: fault.Read, Err: err, Sent: true, Answer: true}
}

// WriteTo writes the rest of the body to w.
func (v *relay) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, struct{ io.Reader }{v})
}

// Done reports whether the body was read to its end.
func (v *relay) Done() bool { return v.ex.Body.Done() }

// Watch has nothing to do: the inner call watches its own context.
func (v *relay) Watch() {}

// Left is how many bytes are left, -1 if that is not known.
func (v *relay) Left() int64 { return v.ex.Body.Left() }

// Received is how many bytes of the body have come.
func (v *relay) Received() int64 { return v.ex.Body.Received() }

// Trailer is the trailer section.
func (v *relay) Trailer() message.Fields { return v.ex.Trailer().f }

// Whole is false: who reads the body is not known here.
func (v *relay) Whole() ([]byte, bool) { return nil, false }

// Drain leaves it to Finish.
func (v *relay) Drain(int64, int64) bool { return v.Done() }

// Finish ends the exchange; the inner call sees to its connection.
func (v *relay) Finish(end trace.Reason) (trace.Reason, time.Duration) {
	if end == trace.NoReason {
		v.ex.Close()
	} else {
		v.ex.Body.cut(end)
	}
	if sent := v.ex.Body.timesSoFar().sent; sent != 0 {
		v.k.msg.Sent = sent
	}
	v.over()
	return end, 0
}

// Hijack gives the connection away.
func (v *relay) Hijack() (net.Conn, []byte, bool) {
	up, err := v.ex.Upgrade()
	if err != nil {
		return nil, nil, false
	}
	v.over()
	return up.Conn, up.rest, true
}

func (v *relay) over() {
	if v.after != nil {
		v.after()
	}
}

// Abort ends reads at once; from any goroutine.
func (v *relay) Abort() { v.ex.Body.abort() }

// inner is what an inner call's Error carries for the call that asked.
type inner struct {
	fault fault.Fault
	got   pool.Got
}

// lost is the reason for which the connection of an inner call ends: that of a hedge
// that lost is no cancel of the caller's.
func (k *call) lost(end trace.Reason) trace.Reason {
	if end == trace.Canceled && errors.Is(context.Cause(k.ctx), errHedgeLost) {
		return trace.HedgeLost
	}
	return end
}

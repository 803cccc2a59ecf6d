package sonde

import (
	"context"
	"errors"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"sonde/internal/clock"
	"sonde/internal/dial"
	"sonde/internal/errs"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/internal/socket"
	"sonde/trace"
)

// call is one call on its way: the state of the attempt loop and, once a head is
// there, of the exchange that still has its body on the wire. It runs on its
// caller's goroutine, and serves another call afterwards.
type call struct {
	client *Client
	ctx    context.Context
	ends   context.Context // ctx, if it can end; else nil
	req    *Request
	plan   *plan

	trip   *trip                   // of a call that takes more than one request; else nil
	notify interface{ CallOver() } // told of the call's end; nil: nobody
	round  *round                  // of the one attempt that this call is, for another; nil: it is a call of its own

	own    plan // for a request that keeps none
	want   pool.Want
	got    pool.Got
	index  [64]message.Span // of a head that Detach copies out
	msg    message.Call
	sized  message.Request // the plan's, with a length that is known since the body was opened
	head   message.Head
	stream message.Stream
	whole  bool // the body came in one with the head
	stays  bool // the response is an event stream, whose head is not in head any more
	held   bool // got.Conn is to be given back

	traced  bool       // somebody listens
	log     *event.Log // of the exchange; nil if nobody listens
	first   event.Log  // what the logs of all attempts have in common
	near    event.Log  // the log of an attempt that nothing can keep beyond its call
	batch   event.Batch
	attempt int
	redials int  // attempts that were repeated because a connection was dead
	exposed bool // an attempt before has been seen by the server
	times   times
}

// times are readings of the clock; 0: it did not come to that.
type times struct {
	start, acquired, sent, first, end int64
	dialed                            *dial.Times // of a new connection: how long its steps took
}

// calls are those that serve again, each as an unsafe.Pointer. Of what becomes an
// interface value, and of all types within, the linker keeps each method that some
// interface has: of a *call Client.Close and all of BodyReader, 32 KB.
var calls = sync.Pool{New: func() any { return unsafe.Pointer(new(call)) }}

var callCount atomic.Uint64

func newCall(c *Client, ctx context.Context, req *Request) *call {
	k := (*call)(calls.Get().(unsafe.Pointer))
	if c.cfg.HSTS != nil {
		req = c.extras.secured(c, req)
	}
	k.client, k.ctx, k.req = c, ctx, req
	k.plan = c.planFor(ctx, req, &k.own)
	sink := req.set.sink
	if sink == nil {
		sink = c.cfg.Sink
	}
	if k.traced = sink != nil; k.traced {
		k.first.Sink = sink
	}
	if ctx != context.Background() && ctx != context.TODO() {
		k.ends = ctx
		if h, t := trace.From(ctx), httptrace.ContextClientTrace(ctx); h != nil || t != nil {
			k.first.Hooks, k.first.Client, k.traced = h, t, true
		}
	}
	k.times.start = clock.Now()
	return k
}

// recycle gives k to another call. Nothing may use it any more. It lets go of what
// could be large or the caller's; the rest is written over by the next call.
func (k *call) recycle() {
	if k.plan == &k.own {
		k.own.request = message.Request{}
	}
	if k.traced {
		k.traced, k.first, k.near, k.log = false, event.Log{}, event.Log{}, nil
		k.want.Log, k.msg.Log, k.msg.Informational, k.msg.Told = nil, nil, nil, 0
	}
	k.msg.Body, k.msg.Buf, k.msg.Keep = message.Body{}, nil, false
	k.tellOver()
	k.client, k.ctx, k.ends, k.req, k.plan, k.stream = nil, nil, nil, nil, nil, nil
	k.whole, k.stays, k.exposed, k.trip, k.round = false, false, false, nil, nil
	k.got, k.head = pool.Got{}, message.Head{}
	k.attempt, k.redials = 0, 0
	k.times = times{}
	calls.Put(unsafe.Pointer(k))
}

// tellOver tells package nethttp that the call is over.
func (k *call) tellOver() {
	if k.notify != nil {
		k.notify.CallOver()
		k.notify = nil
	}
}

// run sends the request, again where that is safe, and those that responses ask
// for, until the head of the call's response is there, in k.head, whose Fields use the memory of fields. After an error, which
// is an *Error, k is gone.
func (k *call) run(fields message.Fields, buf *[]byte) error {
	traced := k.traced
	if traced {
		k.first.Call = callCount.Add(1)
	}
	if k.client.repeats || k.req.set.repeats {
		k.client.budget.count()
	}
	for retry := false; ; {
		k.attempt += 1 + k.others()
		if traced {
			k.tellStart()
		}
		k.head = message.Head{Fields: fields}
		f := k.try(retry, buf)
		if f == nil {
			if k.settled() {
				k.receive()
				return nil
			}
			k.log.Flush()
			next, f := k.judge()
			switch {
			case f != nil:
				return k.reject(f)
			case next == nil:
				k.receive()
				return nil
			}
			k.turn(next)
			if f := k.pause(); f != nil {
				return k.over(f)
			}
			retry = false
			continue
		}
		k.log.End(trace.AttemptDone, f.Err)
		if retry = k.again(f); !retry && !k.recovered(f) {
			return k.over(f)
		}
		if f := k.back(f, retry); f != nil {
			return k.over(f)
		}
	}
}

// tellStart makes the log of an attempt, and tells that it begins; the first one
// begins with its call.
func (k *call) tellStart() {
	if k.log = &k.near; k.plan.plain && k.req.body.data == nil {
		k.near = k.first
		k.near.Attempt = k.attempt
		k.batch.Use(&k.near)
	} else {
		k.log = k.newLog(0)
	}
	if k.attempt > 1 {
		e := trace.Event{Kind: trace.AttemptStart}
		if k.trip != nil {
			e.Detail = &k.plan.tell(k.req).call
		}
		k.log.Emit(&e)
		return
	}
	k.log.Step(trace.CallStart, trace.AttemptStart, k.times.start, 0, &k.plan.tell(k.req).call)
}

// newLog is a log for the attempt, once it has a connection for that one: not the
// same, since a dial that nobody waits for any more may still use the one before.
func (k *call) newLog(conn uint64) *event.Log {
	log := k.first
	log.Attempt, log.Conn = k.attempt, conn
	return &log
}

// over ends a call that failed.
func (k *call) over(f *fault.Fault) error {
	err := k.error(f)
	if k.attempt == 0 || k.got.Conn == nil {
		k.req.body.drop()
	}
	k.log.End(trace.CallDone, f.Err)
	k.recycle()
	return err
}

// try is one attempt: a connection, and an exchange on it up to the head.
func (k *call) try(retry bool, buf *[]byte) *fault.Fault {
	k.got = pool.Got{}
	if k.ends != nil {
		if err := socket.ContextError(k.ends); err != nil {
			return fault.New(fault.Acquire, err)
		}
	}
	now := k.times.start
	if k.attempt > 1 || k.round != nil {
		now = clock.Now()
	}
	k.times.acquired, k.times.sent, k.times.first, k.times.dialed = 0, 0, 0, nil
	if k.round == nil && !k.plan.plain {
		x := k.extras()
		if x == nil {
			if f := k.introduce(); f != nil {
				return f
			}
		} else if f := x.prepare(k); f != nil {
			return f
		} else if k.relayed() {
			return x.relay(k, retry)
		}
	}
	if retry || !k.hit(now) {
		if f := k.acquire(retry, now); f != nil {
			return f
		}
	}
	l := k.got.Conn.Link().(*link)
	if k.got.Reused {
		l.Socket().Used = true // it has been idle, if only since Warm: what lies there is no answer
	}
	if !k.got.Reused || k.got.Idle == 0 { // dialed or waited
		if now = k.got.Now; now == 0 {
			now = clock.Now()
		}
		k.times.acquired = now
		if !k.got.Reused {
			k.times.dialed = l.dialed()
		}
	}
	if f := k.compose(now, buf); f != nil {
		k.release(trace.NoReason, 0, 0)
		return f
	}
	stream, err := l.RoundTrip(k.ends, &k.msg)
	k.times.sent, k.times.first = k.msg.Sent, k.msg.FirstByte
	if err != nil {
		f := asFault(fault.Read, err)
		if k.round != nil {
			f.End = k.lost(f.End)
		}
		k.release(f.End, 0, 0)
		return f
	}
	k.stream = stream
	return nil
}

// hit takes an idle connection, if that is all there is to do: most calls end the
// search here, and fill in no Want.
func (k *call) hit(now int64) bool {
	p := k.plan
	if !p.plain || p.check || k.round != nil || p == &k.own {
		return false
	}
	conn, idle := k.client.pool.Hit(&p.place, now)
	if conn == nil {
		return false
	}
	k.got, k.held = pool.Got{Conn: conn, Reused: true, Idle: idle}, true
	if k.log.On() {
		asked := &p.tell(k.req).acquire
		k.log.GetConn(asked.Host)
		k.log.Step(trace.AcquireStart, 0, now, 0, asked)
		k.log.Conn = conn.ID() // no dial has the log, nor has time passed
		if idle == 0 {
			now = clock.Now() // it came to the pool after now
		}
		k.log.Tell(&event.Step{Kind: trace.AcquireDone, At: now, Reused: true, N: int64(idle)})
		k.gotConn()
	}
	return true
}

// gotConn calls the hooks that get the live connection.
func (k *call) gotConn() {
	if k.log.Hooks != nil || k.log.Client != nil {
		k.log.GotConn(trace.GotConnInfo{
			Conn: k.got.Conn.Link().(*link).live(), Reused: k.got.Reused, WasIdle: k.got.Idle > 0, IdleTime: k.got.Idle,
		})
	}
}

// acquire asks the pool for a connection.
func (k *call) acquire(retry bool, now int64) *fault.Fault {
	c, r, p, w := k.client, k.req, k.plan, &k.want
	if p.err != nil {
		return fault.New(fault.Proxy, p.err)
	}
	w.Route = p.route
	if w.Place, w.Sure = &p.place, true; p == &k.own {
		w.Place, w.Sure = &r.place, false
	}
	w.Dialer, w.Log, w.Now = c.dialer, k.log, now
	w.OneShot, w.Retry = r.set.oneShot, retry
	if w.OneShot && k.unseen() {
		w.Dialer = c.dialer.alone
	}
	w.Linger = c.cfg.dialing.Linger
	w.NoWait = k.round != nil && k.round.spare
	w.Check = p.check
	w.End = until(k.times.start, p.call)
	w.Until = clock.Earlier(w.End, until(now, p.queue))
	if k.log.On() {
		if k.log == &k.near { // a dial may outlive the call
			k.log.Flush()
			k.log = k.newLog(0)
			w.Log = k.log
		}
		if p.route.Proxy != nil {
			k.log.Emit(&trace.Event{Kind: trace.ProxyChosen, Time: clock.At(now), Detail: &trace.Detail{Host: p.route.Proxy.Name()}})
			k.log.GetConn(p.route.Proxy.Hops()[0].Addr())
		} else {
			k.log.GetConn(p.tell(r).acquire.Host)
		}
		k.log.Emit(&trace.Event{Kind: trace.AcquireStart, Time: clock.At(now), Detail: &p.tell(r).acquire})
	}
	got, err := c.pool.Acquire(k.ctx, w)
	if err != nil {
		f := asFault(fault.Acquire, err)
		k.log.End(trace.AcquireDone, f.Err)
		return f
	}
	k.got, k.held = got, true
	if k.log.On() {
		e := trace.Event{Kind: trace.AcquireDone, Reused: got.Reused, Idle: got.Idle, Reason: got.Why}
		if got.Reused && got.Now == now && got.Idle != 0 { // at once: no dial has the log, nor has time passed
			k.log.Conn, e.Time = got.Conn.ID(), clock.At(now)
		} else {
			k.log = k.newLog(got.Conn.ID())
		}
		k.log.Emit(&e)
		k.gotConn()
	}
	return nil
}

// unseen reports whether no caller can come to see a net.Conn that is the request's
// own: not by hooks, nor by an upgrade, nor as a tunnel.
func (k *call) unseen() bool {
	hooks := k.log.On() && (k.log.Hooks != nil || k.log.Client != nil)
	return !hooks && !k.req.set.upgrade && k.req.method != CONNECT
}

// until is the reading of the clock d after now; 0, which is never, where d is
// none or more than the clock can count.
func until(now int64, d time.Duration) int64 {
	if end := now + int64(d); d > 0 && end > now {
		return end
	}
	return 0
}

// compose makes the message of this attempt. It opens the body.
func (k *call) compose(now int64, buf *[]byte) *fault.Fault {
	r, p, m := k.req, k.plan, &k.msg
	m.Timeouts, m.Limits = p.timeouts, p.limits
	m.Until, m.Now, m.Log = until(k.times.start, p.call), now, k.log
	m.Head, m.Buf, m.Words = &k.head, buf, nil
	if k.log.On() {
		m.Words = p.tell(r).head
	}
	m.Sent, m.FirstByte = 0, 0
	m.Informational = nil
	if k.log.WantsInformational() || !p.plain {
		if f := r.informational(k.client); f != nil || k.log.WantsInformational() {
			m.Informational = informational(f, k.log)
		}
	}
	if p.plain && k.round == nil {
		m.Request, m.Rendered = &p.request, p.head
		m.Body = message.Body{Bytes: r.body.data}
		return nil
	}
	m.Request, m.Rendered, m.Body = &p.request, p.head, message.Body{}
	if open := r.set.open; open != nil {
		if f := open(k); f != nil {
			return f
		}
	}
	if k.round != nil {
		return nil // the call that asked has dressed it
	}
	var f *fault.Fault
	if m.Request, f = k.dressed(m.Request); f != nil && m.Body.Reader != nil {
		m.Body.Reader.Close()
	}
	return f
}

// informational calls the hooks, then f, for a 1xx response.
func informational(f func(*Head) error, log *event.Log) func(*message.Head) error {
	return func(h *message.Head) error {
		if log.WantsInformational() {
			fields := make(textproto.MIMEHeader)
			for name, value := range h.Fields.All() {
				fields.Add(name, value)
			}
			if err := log.Informational(h.Status, fields); err != nil || f == nil {
				return err
			}
		}
		head := newHead(h)
		head = head.clone() // the callback's to keep
		return f(&head)
	}
}

// trailer is what gives the trailer section; nil for none.
func (r *Request) trailer() func() (message.Fields, error) {
	if r.set.trailer == nil {
		return nil
	}
	return func() (message.Fields, error) {
		h, err := r.set.trailer()
		return h.f, err
	}
}

// checkedTrailer is f, whose fields have to be some that a trailer may hold.
func checkedTrailer(f func() (Header, error)) func() (Header, error) {
	return func() (Header, error) {
		h, err := f()
		for name := range h.All() {
			if err == nil {
				err = message.CheckTrailer(name)
			}
		}
		return h, err
	}
}

func (r *Request) informational(c *Client) func(*Head) error {
	if r.set.inform != nil {
		return r.set.inform
	}
	return c.cfg.Informational
}

// again decides whether a failed attempt may be repeated: on a connection from
// the pool that turned out to be dead, where the server cannot have acted on the
// request or may act on it twice.
func (k *call) again(f *fault.Fault) bool {
	switch f.End {
	case trace.ServerClosedInUse, trace.ReadFailed, trace.WriteFailed:
	case trace.ServerClosed, trace.UnsolicitedBytes, trace.TLSAlert: // found just before the request was sent
	default:
		return false
	}
	if !k.got.Reused || f.Answer || k.redials >= k.client.cfg.Retries {
		return false
	}
	return k.req.body.replays() && (!f.Sent || k.req.replayable())
}

// asFault is err as a fault, in phase op if it is none.
func asFault(op string, err error) *fault.Fault {
	if f, ok := err.(*fault.Fault); ok {
		return f
	}
	if f, ok := errs.As[*fault.Fault](err); ok {
		return f
	}
	return fault.New(op, err)
}

// error makes the public error of a fault.
func (k *call) error(f *fault.Fault) *Error {
	e := k.req.error(f.Op, f.Err)
	e.Attempt, e.safe = k.attempt, !f.Sent && !k.exposed
	if k.round != nil {
		e.inner = &inner{fault: *f, got: k.got}
	}
	if k.trip != nil {
		e.NotRetried = k.trip.refused
	}
	if f.End == trace.ClosedByUser && !errors.Is(e.Err, ErrClosed) {
		e.Err = ErrClosed
	}
	if k.got.Conn != nil {
		if a := k.got.Conn.Link().(*link).Socket().RemoteAddr(); a != nil {
			e.Remote = a.String()
		}
	}
	return e
}

// finish ends the exchange and the call. k can be recycled afterwards.
func (k *call) finish(end trace.Reason, err error) {
	told := k.endAttempt(end)
	if k.round != nil { // its owner tells
		k.log.Flush()
		return
	}
	if k.log.On() {
		if f, ok := err.(*fault.Fault); ok {
			err = f.Err
		}
		k.log.Tell(&event.Step{Kind: trace.AttemptDone, Then: trace.CallDone, At: told, Status: uint16(k.head.Status), Err: err})
		k.log.Flush()
	}
}

// endAttempt ends the exchange, with a reason if its connection must end, and
// gives the connection back. It returns a reading of the clock: when it was over.
func (k *call) endAttempt(end trace.Reason) (told int64) {
	if end == trace.NoReason && !k.stream.Done() {
		k.drain()
	}
	end, hint := k.stream.Finish(end)
	if k.round != nil {
		end = k.lost(end)
	}
	k.stream = nil
	k.times.sent, k.times.end = k.msg.Sent, k.times.first // an upload may have gone on until now
	if !k.whole || k.times.sent > k.times.first {
		k.times.end = clock.Now()
	}
	told = max(k.times.end, k.msg.Told)
	if b := &k.msg.Body; k.log.On() && (b.Reader != nil || len(b.Bytes) > 0) {
		told = clock.Now() // an upload has told of its end by now, perhaps after the answer's
	}
	k.release(end, hint, told)
	return told
}

// drain reads what is left of the body where that is cheaper than a new
// connection. The rest of an event stream is never short.
func (k *call) drain() {
	if k.plan.drain == 0 {
		return
	}
	if k.stays || isEventStream(&k.head.Fields) {
		return
	}
	k.stream.Drain(k.plan.drain, until(clock.Now(), k.plan.drainTime))
}

func isEventStream(f *message.Fields) bool {
	i := f.Index("Content-Type", 0)
	if i < 0 {
		return false
	}
	_, value := f.Peek(i)
	kind, _, _ := strings.Cut(value, ";") // whatever its parameters
	return message.EqualFold(message.TrimOWS(kind), "text/event-stream")
}

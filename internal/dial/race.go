package dial

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"sonde/internal/clock"
	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/trace"
)

// race connects to one of a name's addresses: it asks plan what to do, does it,
// and tells plan what came of it. The goroutine that runs it is the only one to
// touch its fields; look-ups and attempts have goroutines of their own, which end
// with the race's context and close what nobody takes any more. An attempt
// without rivals needs none.
type race struct {
	d      *Dialer
	bound  *bound
	ctx    context.Context // ends with the race
	log    *event.Log
	host   string
	port   uint16
	times  Times
	plan   plan
	timer  *time.Timer
	result chan outcome // unbuffered: what is not taken stays with its sender

	started int64        // the clock's reading
	ready   int64        // when connecting began, or look-ups had failed; 0 not yet
	known   []netip.Addr // all addresses
	running []netip.Addr // those being tried
	lookups []error      // failures of look-ups
	failed  []error      // failures of attempts
}

// outcome is how a look-up or an attempt went.
type outcome struct {
	lookup bool
	family family       // of a look-up
	addrs  []netip.Addr // of a look-up
	addr   netip.Addr   // of an attempt
	conn   net.Conn     // of an attempt
	err    error
}

// race looks host up and connects to it.
func (d *Dialer) race(b *bound, host string, port uint16, log *event.Log) (net.Conn, Times, error) {
	ctx, cancel := context.WithCancel(b)
	defer cancel()
	r := &race{
		d: d, bound: b, ctx: ctx, log: log, host: host, port: port,
		plan:    plan{attemptDelay: int64(d.attemptDelay), resolutionDelay: int64(d.resolutionDelay)},
		result:  make(chan outcome),
		started: clock.Now(),
	}
	defer r.stop()
	if log.On() {
		log.Emit(&trace.Event{Kind: trace.DNSStart, Detail: &trace.Detail{Host: host}})
	}
	for f := range family(2) {
		// From an address of one family only that family can be reached.
		if !d.local.IsValid() || familyOf(d.local.Unmap()) == f {
			r.plan.asked[f] = true
			go r.lookup(f)
		}
	}
	conn, err := r.run()
	return conn, r.times, err
}

func (r *race) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

func (r *race) run() (net.Conn, error) {
	for {
		if end := r.bound.ended(); end != nil {
			return nil, r.cut(end)
		}
		now := clock.Now()
		addr, do, at := r.plan.step(now)
		var conn net.Conn
		switch do {
		case over:
			return nil, r.lost()
		case start:
			r.resolved(nil)
			r.running = append(r.running, addr)
			if r.plan.last() {
				c, err := r.d.open(r.ctx, r.endpoint(addr), r.log)
				conn = r.take(outcome{addr: addr, conn: c, err: err})
			} else {
				go r.attempt(addr)
			}
		case wait:
			select {
			case o := <-r.result:
				conn = r.take(o)
			case <-r.alarm(clock.Earlier(at, r.bound.limit), now):
			case <-r.ctx.Done():
			}
		}
		if conn != nil {
			r.times.Connect = since(r.ready)
			return conn, nil
		}
	}
}

// alarm is a channel that is ready at the given reading; 0 is never.
func (r *race) alarm(at, now int64) <-chan time.Time {
	if at == 0 {
		return nil
	}
	if r.timer == nil {
		r.timer = time.NewTimer(time.Duration(at - now))
	} else {
		r.timer.Reset(time.Duration(at - now))
	}
	return r.timer.C
}

// take notes what came of a look-up or an attempt; it returns the winner.
func (r *race) take(o outcome) net.Conn {
	switch {
	case o.lookup:
		addrs := usable(o.family, o.addrs)
		if o.err != nil {
			addrs = nil
			r.lookups = append(r.lookups, o.err)
		}
		r.known = append(r.known, addrs...)
		r.plan.resolved(o.family, addrs, clock.Now())
	case o.err != nil && r.bound.ended() == nil: // otherwise the end is its cause: see cut
		r.running = slices.DeleteFunc(r.running, func(a netip.Addr) bool { return a == o.addr })
		r.failed = append(r.failed, o.err)
		r.plan.failed()
	}
	return o.conn
}

// resolved notes the end of looking up, as far as connecting waited for it.
func (r *race) resolved(err error) {
	if r.ready != 0 {
		return
	}
	r.ready = clock.Now()
	r.times.DNS = time.Duration(r.ready - r.started)
	if r.log.On() {
		r.log.Emit(&trace.Event{Kind: trace.DNSDone, Err: err, Detail: &trace.Detail{Host: r.host, Addrs: slices.Clone(r.known)}})
	}
}

// lost is the error when every address failed, or there is none.
func (r *race) lost() error {
	// That one family has no address says nothing beside other failures.
	telling := slices.DeleteFunc(slices.Clone(r.lookups), noSuchHost)
	if len(r.failed) > 0 {
		return fault.New(fault.Connect, joined(append(r.failed, telling...)))
	}
	err := joined(telling)
	if err == nil && len(r.lookups) > 0 {
		err = r.lookups[0]
	}
	if err == nil {
		err = notFound(r.host)
	}
	r.resolved(err)
	return fault.New(fault.Resolve, err)
}

// cut is the error when end cut the race short.
func (r *race) cut(end error) error {
	if r.ready == 0 {
		err := cutLookup(r.host, end)
		r.resolved(err)
		return fault.New(fault.Resolve, err)
	}
	for _, a := range r.running {
		r.failed = append(r.failed, &net.OpError{
			Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(r.endpoint(a)), Err: end,
		})
	}
	if len(r.running) == 0 {
		r.failed = append(r.failed, end)
	}
	return fault.New(fault.Connect, joined(r.failed))
}

func (r *race) endpoint(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, r.port) }

func (r *race) lookup(f family) {
	addrs, err := r.d.resolver.LookupNetIP(r.ctx, f.network(), r.host)
	r.report(outcome{lookup: true, family: f, addrs: addrs, err: err})
}

func (r *race) attempt(a netip.Addr) {
	conn, err := r.d.open(r.ctx, r.endpoint(a), r.log)
	r.report(outcome{addr: a, conn: conn, err: err})
}

// report hands o to the race, or ends what nobody waits for any more.
func (r *race) report(o outcome) {
	select {
	case r.result <- o:
	case <-r.ctx.Done():
		if o.conn != nil {
			o.conn.Close()
		}
	}
}

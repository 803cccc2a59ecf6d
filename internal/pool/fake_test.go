package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sonde/internal/event"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	for end := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before && code == 0 {
		buf := make([]byte, 1<<20)
		fmt.Printf("%d goroutines left over, %d before:\n%s\n", n, before, buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// fakeLink is a connection without a wire.
type fakeLink struct {
	slots  atomic.Int32
	dead   atomic.Int32 // a trace.Reason: what Check finds
	ended  atomic.Int32 // the trace.Reason it was closed or aborted with
	abort  atomic.Bool
	users  atomic.Int32 // exchanges that the tests run on it
	checks atomic.Int32
	fd     int
	dialer *fakeDialer
}

func (l *fakeLink) Slots() int { return int(l.slots.Load()) }
func (l *fakeLink) Fd() int    { return l.fd }
func (l *fakeLink) Check() trace.Reason {
	l.checks.Add(1)
	return trace.Reason(l.dead.Load())
}
func (l *fakeLink) Close(why trace.Reason) {
	if !l.ended.CompareAndSwap(0, int32(why)) && !l.abort.Load() {
		panic("closed twice")
	}
	l.dialer.live.Add(-1)
}
func (l *fakeLink) Abort(why trace.Reason) {
	l.abort.Store(true)
	if !l.ended.CompareAndSwap(0, int32(why)) {
		if l.why() == trace.Upgraded {
			return // detached in the moment in which the pool was closed
		}
		panic("aborted after the end")
	}
	l.dialer.live.Add(-1)
}
func (l *fakeLink) why() trace.Reason { return trace.Reason(l.ended.Load()) }

// fakeDialer makes fakeLinks, after a delay, or fails.
type fakeDialer struct {
	delay time.Duration
	slots int
	err   error
	deaf  bool // does not listen to its context

	live    atomic.Int64 // links not ended, and dials under way
	most    atomic.Int64 // that live ever was
	dials   atomic.Int64
	flying  atomic.Int64
	cancels atomic.Int64

	mu    sync.Mutex
	whys  []trace.Reason
	links []*fakeLink
}

func (d *fakeDialer) Dial(ctx context.Context, _ message.Route, why trace.Reason, _ *event.Log) (Link, error) {
	d.dials.Add(1)
	d.flying.Add(1)
	defer d.flying.Add(-1)
	for n := d.live.Add(1); ; {
		most := d.most.Load()
		if n <= most || d.most.CompareAndSwap(most, n) {
			break
		}
	}
	d.mu.Lock()
	d.whys = append(d.whys, why)
	d.mu.Unlock()
	if d.delay > 0 {
		done := ctx.Done()
		if d.deaf {
			done = nil
		}
		t := time.NewTimer(d.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-done:
			d.cancels.Add(1)
			d.live.Add(-1)
			return nil, fault.New(fault.Connect, ctx.Err())
		}
	}
	d.mu.Lock()
	err := d.err
	d.mu.Unlock()
	if err != nil {
		d.live.Add(-1)
		return nil, err
	}
	l := &fakeLink{fd: -1, dialer: d}
	l.slots.Store(int32(max(1, d.slots)))
	d.mu.Lock()
	d.links = append(d.links, l)
	d.mu.Unlock()
	return l, nil
}

// fail makes dials that end from now on fail, or not.
func (d *fakeDialer) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// tape is a sink that keeps what it hears.
type tape struct {
	mu     sync.Mutex
	events []trace.Event
}

func (t *tape) Record(e trace.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

func (t *tape) reasons(kind trace.Kind) []trace.Reason {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rs []trace.Reason
	for _, e := range t.events {
		if e.Kind == kind {
			rs = append(rs, e.Reason)
		}
	}
	return rs
}

// bed is a pool with a dialer in a test with a fake clock.
type bed struct {
	*testing.T
	*Pool
	dialer *fakeDialer
	tape   *tape
	log    *event.Log
}

// inBubble runs f over a pool in a bubble with a fake clock, and closes the pool.
func inBubble(t *testing.T, cfg Config, d *fakeDialer, f func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tp := &tape{}
		cfg.Sink = tp
		b := &bed{T: t, Pool: New(cfg), dialer: d, tape: tp, log: &event.Log{Sink: tp, Call: 1, Attempt: 1}}
		f(b)
		b.Close()
		b.balanced()
	})
}

// balanced checks that every connection that was opened has ended, once.
func (b *bed) balanced() {
	b.Helper()
	if n := b.dialer.live.Load(); n != 0 {
		b.Errorf("%d links are left", n)
	}
	if st := b.Stats(); st.Opened != st.Closed || st.Idle+st.Active+st.Dialing+st.Waiting != 0 {
		b.Errorf("after Close: %+v", st)
	}
	opened, ended := b.tape.reasons(trace.ConnOpened), b.tape.reasons(trace.ConnClosed)
	for _, r := range opened {
		if !r.Opens() {
			b.Errorf("opened for %v", r)
		}
	}
	for _, r := range ended {
		if !r.Ends() {
			b.Errorf("ended for %v", r)
		}
	}
}

func route(host string) message.Route {
	return message.Route{Origin: message.Origin{Scheme: "http", Host: host, Port: "80"}, Protocols: message.HTTP1}
}

func (b *bed) want(change ...func(*Want)) *Want {
	w := &Want{Route: route("a"), Dialer: b.dialer, Log: b.log}
	for _, f := range change {
		f(w)
	}
	return w
}

// get acquires or fails the test.
func (b *bed) get(change ...func(*Want)) Got {
	b.Helper()
	got, err := b.Acquire(b.Context(), b.want(change...))
	if err != nil {
		b.Fatal(err)
	}
	return got
}

func (b *bed) put(c *Conn)                    { b.Release(c, trace.NoReason, 0, 0, b.log) }
func (b *bed) kill(c *Conn, why trace.Reason) { b.Release(c, why, 0, 0, b.log) }
func (b *bed) count() (idle, active, dialing, waiting int) {
	st := b.Stats()
	return st.Idle, st.Active, st.Dialing, st.Waiting
}

// result is what a goroutine's Acquire gave.
type result struct {
	Got
	err error
	at  time.Time
}

// later acquires on a goroutine and waits until it blocks or is over.
func (b *bed) later(ctx context.Context, change ...func(*Want)) <-chan result {
	ch := make(chan result, 1)
	go func() {
		got, err := b.Acquire(ctx, b.want(change...))
		ch <- result{got, err, time.Now()}
	}()
	synctest.Wait()
	return ch
}

func (b *bed) counts(idle, active, dialing, waiting int) {
	b.Helper()
	synctest.Wait()
	i, a, d, w := b.count()
	if i != idle || a != active || d != dialing || w != waiting {
		b.Errorf("idle %d active %d dialing %d waiting %d, want %d %d %d %d", i, a, d, w, idle, active, dialing, waiting)
	}
}

func (b *bed) ended(c *Conn, why trace.Reason) {
	b.Helper()
	if got := c.link.(*fakeLink).why(); got != why {
		b.Errorf("connection ended: %v, want %v", got, why)
	}
}

func isFault(err error, target error) bool {
	var f *fault.Fault
	return errors.As(err, &f) && f.Op == fault.Acquire && errors.Is(err, target)
}

func oneShot(w *Want) { w.OneShot = true }
func noWait(w *Want)  { w.NoWait = true }
func check(w *Want)   { w.Check = true }
func retry(w *Want)   { w.Retry = true }
func to(host string) func(*Want) {
	return func(w *Want) { w.Route = route(host) }
}

package pool

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sonde/internal/clock"
)

// closed reports whether ctx is done.
func closed(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// TestErrandIsContext: however an errand ends, and whatever was asked of it before, it
// keeps the contract of a Context, and says what package context would say.
func TestErrandIsContext(t *testing.T) {
	mine := errors.New("mine")
	type key struct{}
	parents := map[string]func() (context.Context, func()){
		"never ends": func() (context.Context, func()) {
			return context.WithValue(context.Background(), key{}, 7), func() {}
		},
		"cancelled": func() (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), key{}, 7))
			return ctx, func() { cancel(mine) }
		},
		"deadline": func() (context.Context, func()) {
			return context.WithTimeoutCause(context.WithValue(context.Background(), key{}, 7), time.Second, mine)
		},
	}
	asks := map[string]func(context.Context){
		"nothing": func(context.Context) {},
		"Done":    func(c context.Context) { c.Done() },
		"Err":     func(c context.Context) { c.Err(); context.Cause(c) },
		"cancel":  func(c context.Context) { c.(*errand).OnCancel(func() {}) },
		"child":   func(c context.Context) { _, stop := context.WithCancel(c); stop() },
	}
	ends := map[string]func(parent, stop func()){
		"parent":   func(parent, _ func()) { parent() },
		"stop":     func(_, stop func()) { stop() },
		"both":     func(parent, stop func()) { parent(); stop() },
		"both too": func(parent, stop func()) { stop(); parent() },
		"time":     func(_, _ func()) { time.Sleep(3 * time.Second) },
	}
	for pn, parent := range parents {
		for an, ask := range asks {
			for en, end := range ends {
				for _, limit := range []time.Duration{0, 500 * time.Millisecond, 2 * time.Second} {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := parent()
						defer cancel()
						e := &errand{Context: ctx}
						like, stopLike := context.WithCancel(ctx)
						if limit > 0 {
							e.end = clock.Now() + int64(limit)
							like, stopLike = context.WithDeadlineCause(ctx, clock.At(e.end), os.ErrDeadlineExceeded)
						}
						defer stopLike()
						defer e.stop()
						ask(e)
						if e.Err() != nil || closed(e) || context.Cause(e) != nil || e.Value(key{}) != 7 {
							t.Errorf("%s, %s: ended before its time: %v", pn, an, e.Err())
						}
						at, ok := e.Deadline()
						if want, has := like.Deadline(); ok != has || !at.Equal(want) {
							t.Errorf("%s, %s: deadline %v, %v; want %v, %v", pn, an, at, ok, want, has)
						}
						var told atomic.Int32
						child, stopChild := context.WithTimeout(e, time.Hour)
						defer stopChild()
						e.OnCancel(func() { told.Add(1) })
						gone := e.OnCancel(func() { t.Error("one that was stopped is told") })
						if !gone() || gone() {
							t.Error("stop did not say that it was in time, once")
						}
						end(cancel, func() { e.stop(); stopLike() })
						synctest.Wait()
						err, cause := e.Err(), context.Cause(e)
						if over := err != nil; over != closed(e) || over != (child.Err() != nil) || over != (told.Load() == 1) {
							t.Errorf("%s, %s, %s, %v: %v; done %v, child %v, told %d", pn, an, en, limit, err, closed(e), child.Err(), told.Load())
						}
						if err != like.Err() || cause != context.Cause(like) || context.Cause(child) != cause || e.Value(key{}) != 7 {
							t.Errorf("%s, %s, %s, %v: %v, %v; child's cause %v; want %v, %v", pn, an, en, limit, err, cause, context.Cause(child), like.Err(), context.Cause(like))
						}
					})
				}
			}
		}
	}
}

// TestErrandTells: what waits by OnCancel alone is told by stop, before and after, and
// not once it has gone.
func TestErrandTells(t *testing.T) {
	e := &errand{Context: context.Background(), end: clock.Now() + int64(time.Hour)}
	stop := e.OnCancel(func() { t.Error("it had gone") })
	if !stop() || stop() {
		t.Error("stop did not say that it was in time, once")
	}
	told := make(chan bool, 2)
	tell := func() { told <- e.Err() == context.Canceled && closed(e) }
	stop = e.OnCancel(tell)
	if e.full != nil {
		t.Error("it made a context for one that needs no channel")
	}
	e.stop()
	if stop() {
		t.Error("it was stopped after it was told")
	}
	e.OnCancel(tell)
	if first, second := <-told, <-told; !first || !second {
		t.Error("told before it had ended")
	}
}

// TestErrandAtOnce: everything at the same time, for the race detector.
func TestErrandAtOnce(t *testing.T) {
	for i := range 200 {
		e := &errand{Context: context.Background(), end: clock.Now() + int64(time.Hour)}
		if i%2 > 0 {
			e.Context = t.Context() // which can end
		}
		var wg sync.WaitGroup
		for _, f := range []func(){
			func() { <-e.Done() },
			func() {
				for e.Err() == nil {
				}
			},
			func() { c, stop := context.WithCancel(e); <-c.Done(); stop() },
			func() {
				told := make(chan bool)
				e.OnCancel(func() { close(told) })
				<-told
			},
			func() { e.OnCancel(func() {})() },
			func() { e.Value(t); e.Deadline() },
			e.stop, e.stop,
		} {
			wg.Go(f)
		}
		wg.Wait()
	}
}

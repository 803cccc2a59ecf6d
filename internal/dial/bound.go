package dial

import (
	"context"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"sonde/internal/clock"
	"sonde/internal/socket"
)

// bound is the context of look-ups and of connecting: the caller's, with an
// earlier deadline and without the hooks of net/http/httptrace.
//
// The deadline is one to look at: package net sets it on the socket that
// connects. Done tells only of the caller's own end, so that a bound costs one
// allocation where context.WithTimeout costs five.
//
// Packages net's resolver and dialer would fire the hooks themselves, besides
// those that are fired from our events.
type bound struct {
	context.Context
	limit  int64     // reading of the clock, 0 none
	at     time.Time // the limit
	direct bool      // for package net's connect alone, which needs no channel
	target           // of that, if it is an address of this machine
}

func newBound(ctx context.Context, timeout time.Duration) *bound {
	b := &bound{Context: ctx}
	if timeout > 0 {
		b.limit = clock.Now() + int64(timeout)
		b.at = clock.At(b.limit)
	}
	return b
}

// Deadline is the earlier one of the caller's and the limit.
func (b *bound) Deadline() (time.Time, bool) {
	at, ok := b.Context.Deadline()
	if b.limit != 0 && (!ok || b.at.Before(at)) {
		return b.at, true
	}
	return at, ok
}

var never = make(chan struct{})

// Done is the caller's, but not nil where there is a limit: package net looks at
// no deadline of a context that cannot end. Its connect waits by AfterFunc and the
// deadline, and looks at the channel only to say how it ended, as direct does then; to
// make one costs an allocation.
func (b *bound) Done() <-chan struct{} {
	if b.direct {
		return never
	}
	done := b.Context.Done()
	if done == nil && b.limit != 0 {
		return never
	}
	return done
}

// AfterFunc spares package context a goroutine that waits for Done.
func (b *bound) AfterFunc(f func()) (stop func() bool) {
	if c, ok := b.Context.(interface {
		OnCancel(func()) func() bool
	}); ok && b.direct { // package net looks at the Deadline
		return c.OnCancel(f)
	}
	return afterFunc(b.Context, f)
}

// afterFunc is context.AfterFunc, cheaper where ctx cannot end, or knows a way.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if c, ok := ctx.(interface {
		AfterFunc(func()) func() bool
	}); ok {
		return c.AfterFunc(f)
	}
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, f)
}

// Value hides the hooks, whose key is of a type that only package net can name.
func (b *bound) Value(key any) any {
	t := reflect.TypeOf(key)
	if t == nil {
		return b.Context.Value(key)
	}
	if known := traceKey.Load(); known != nil && t == *known {
		return nil
	}
	if t.Kind() == reflect.Struct && t.Name() == "TraceKey" && t.PkgPath() == "internal/nettrace" {
		found := t
		traceKey.Store(&found)
		return nil
	}
	return b.Context.Value(key)
}

// traceKey is that type, once it was seen: to look at its name takes 200 ns.
var traceKey atomic.Pointer[reflect.Type]

// ended says why the time is over, nil while it is not.
func (b *bound) ended() error {
	if err := contextEnd(b.Context); err != nil {
		return err
	}
	if b.limit != 0 && clock.Now() >= b.limit {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// contextEnd is socket.ContextError, but for a context whose deadline has passed
// it waits for the context to notice, so that the same end is always reported as
// the same error. On a busy machine its timer may be late even so.
func contextEnd(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok && time.Until(at) <= 0 && ctx.Err() == nil {
		t := time.NewTimer(100 * time.Millisecond)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
			return context.DeadlineExceeded
		}
	}
	return socket.ContextError(ctx)
}

package peer

import (
	"context"
	"time"
)

// Context says what context each call has. The zero Context is the background.
type Context struct {
	suffix string // of the client's name
	do     func(f func(context.Context) error) error
}

// Contexts that can be cancelled.
var (
	Shared  = Context{"-shared", withShared}   // one for all calls of all workers
	PerCall = Context{"-cancel", withCancel}   // context.WithCancel for each call
	Timeout = Context{"-timeout", withTimeout} // context.WithTimeout for each call
)

// long is more than any call takes.
const long = 30 * time.Second

// with returns a func that calls f with the context. It is made once a worker, so
// that nothing but the context is made for each call.
func (c Context) with(f func(context.Context) error) func() error {
	if c.do == nil {
		return func() error { return f(context.Background()) }
	}
	return func() error { return c.do(f) }
}

var sharedContext, _ = context.WithCancel(context.Background())

func withShared(f func(context.Context) error) error { return f(sharedContext) }

func withCancel(f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return f(ctx)
}

func withTimeout(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	return f(ctx)
}

// Allocs is what making the context costs: allocations that are not the client's.
func (c Context) Allocs() float64 {
	switch c.suffix {
	case PerCall.suffix, Timeout.suffix:
		return allocsOf(c.with(func(context.Context) error { return nil }))
	}
	return 0
}

package pool

import (
	"context"
	"os"
	"sync"
	"time"

	"sonde/internal/clock"
)

// errand is the context of a dial on its caller's goroutine: it ends with the
// caller's, at a time, or when drop cancels it. A connect waits for a socket, and not
// for a channel, so that one is made only when somebody asks for it: by package
// context it would be seven allocations for each connection.
type errand struct {
	context.Context       // the caller's
	end             int64 // reading of the clock; 0: none

	mu     sync.Mutex
	over   bool            // cancelled
	told   func()          // by cancel; nil: nobody
	full   context.Context // the same, made for those who wait; nil: nobody does
	cancel context.CancelFunc
}

// Deadline is the earlier one of the caller's and the end.
func (e *errand) Deadline() (time.Time, bool) {
	at, ok := e.Context.Deadline()
	if e.end != 0 {
		if end := clock.At(e.end); !ok || end.Before(at) {
			return end, true
		}
	}
	return at, ok
}

// whole is the errand as package context has it. e.mu is held.
func (e *errand) whole() context.Context {
	if e.full == nil {
		if e.end == 0 {
			e.full, e.cancel = context.WithCancel(e.Context)
		} else {
			e.full, e.cancel = context.WithDeadlineCause(e.Context, clock.At(e.end), os.ErrDeadlineExceeded)
		}
		if e.over {
			e.cancel()
		}
	}
	return e.full
}

// Done is for those who wait for a channel.
func (e *errand) Done() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.whole().Done()
}

// Err is nil while nothing has ended it.
func (e *errand) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.full == nil && !e.over && (e.end == 0 || clock.Now() < e.end) {
		return e.Context.Err()
	}
	return e.whole().Err() // with its cause
}

// Value is the caller's; package context asks for its own by it.
func (e *errand) Value(key any) any {
	e.mu.Lock()
	ctx := e.full
	e.mu.Unlock()
	if ctx == nil {
		ctx = e.Context
	}
	return ctx.Value(key)
}

// OnCancel is context.AfterFunc for one who sees to the Deadline by other means.
func (e *errand) OnCancel(f func()) (stop func() bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || e.told != nil || e.full != nil || e.Context.Done() != nil {
		return context.AfterFunc(e.whole(), f)
	}
	e.told = f
	return e.untell
}

// untell is what stops told. It reports whether it was in time.
func (e *errand) untell() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	in := e.told != nil
	e.told = nil
	return in
}

// stop ends the errand.
func (e *errand) stop() {
	e.mu.Lock()
	e.over = true
	told, cancel := e.told, e.cancel
	e.told = nil
	e.mu.Unlock()
	if told != nil {
		told()
	}
	if cancel != nil {
		cancel()
	}
}

package pool

import (
	"context"
	"sync"
	"time"
)

// progress is how far a waiter is. It changes under the lock of its place.
type progress uint8

const (
	queued    progress = iota
	delivered          // it has left the queue; a word in ready follows, or is there
	gone               // its caller does not wait any more
)

// waiter is a caller of Acquire in the queue of a place. What it was given may be
// read by its caller after it was told through ready.
type waiter struct {
	prev, next *waiter
	state      progress
	ready      chan struct{} // one slot
	timer      *time.Timer   // stopped unless in use; nil: never needed

	ctx  context.Context // for the dial that it starts
	want *Want
	dial *dial // the one that it started, while that is under way

	conn   *Conn // what it was given: a connection,
	reused bool
	permit *dial // or room for a dial of its own,
	err    error // or an error
}

// queue holds waiters, first come first.
type queue struct {
	first, last *waiter
	n           int
	owns        int // those that want a connection of their own
}

func (q *queue) push(w *waiter) {
	w.prev, w.next = q.last, nil
	if q.last != nil {
		q.last.next = w
	} else {
		q.first = w
	}
	q.last = w
	q.n++
	if w.want.OneShot {
		q.owns++
	}
}

func (q *queue) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.last = w.prev
	}
	w.prev, w.next = nil, nil
	q.n--
	if w.want.OneShot {
		q.owns--
	}
}

// shared is how many of them any connection serves.
func (q *queue) shared() int { return q.n - q.owns }

// waiters are kept for reuse, per pool: their channels must not leave the bubble
// of a test with a fake clock.
type waiters struct{ pool sync.Pool }

func (ws *waiters) get(ctx context.Context, want *Want) *waiter {
	w, _ := ws.pool.Get().(*waiter)
	if w == nil {
		w = &waiter{ready: make(chan struct{}, 1)}
	}
	w.ctx, w.want = ctx, want
	return w
}

// put takes back a waiter that is in no queue and whose word, if one was due, was read.
// Inlined it would be there eight times.
//
//go:noinline
func (ws *waiters) put(w *waiter) {
	*w = waiter{ready: w.ready, timer: w.timer}
	ws.pool.Put(w)
}

// expiry is a channel that is told at the end of d. The caller stops the timer.
func (w *waiter) expiry(d time.Duration) <-chan time.Time {
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	return w.timer.C
}

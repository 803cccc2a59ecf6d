// Package flight keeps the newest events of a client in memory, each in one cache
// line: calls on several processors share what keeps them, so that every line that
// one writes is fetched from another.
//
// What lives here: an event's form while it is kept, and the ring of them. What does
// not: what events mean; package trace turns them into what others read.
package flight

import "sync"

// Step is an event: of kind K, for reason R, and D says more about it. Package trace
// has these types.
//
// If Then is not zero, it is two: one of that kind comes right behind the first, which
// has the ids, the time and the Err of both; Status is the second's alone.
type Step[K, R ~uint8, D any] struct {
	Kind, Then K
	Reason     R
	Reused     bool
	Status     uint16
	Attempt    uint16
	Call, Conn uint64
	At         int64 // a reading of internal/clock
	N          int64 // a number of bytes, or how long a connection was idle
	Err        error
	Detail     *D
}

// Ring keeps the newest steps. It is safe for concurrent use; nil keeps nothing.
type Ring[K, R ~uint8, D any] struct {
	mu    sync.Mutex
	steps []Step[K, R, D]
	next  int    // where the next step goes
	full  bool   // there is no room that was not used
	total uint64 // events that came

	_ [64]byte // its line is nobody else's
}

// New returns a Ring for n steps.
func New[K, R ~uint8, D any](n int) *Ring[K, R, D] {
	return &Ring[K, R, D]{steps: make([]Step[K, R, D], n)}
}

// Size is how many events r is for. It has more, where one step is two.
func (r *Ring[K, R, D]) Size() int {
	if r == nil {
		return 0
	}
	return len(r.steps)
}

// Keep keeps copies of steps, each in place of the oldest one if there is no room.
func (r *Ring[K, R, D]) Keep(steps []Step[K, R, D]) {
	if r == nil {
		return
	}
	r.mu.Lock()
	for i := range steps {
		if r.total++; steps[i].Then != 0 {
			r.total++
		}
	}
	for len(steps) > 0 {
		n := copy(r.steps[r.next:], steps)
		if r.next += n; r.next == len(r.steps) {
			r.next, r.full = 0, true
		}
		steps = steps[n:]
	}
	r.mu.Unlock()
}

// Steps returns a copy of what is kept, in the order in which it came.
func (r *Ring[K, R, D]) Steps() []Step[K, R, D] {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.full {
		return append([]Step[K, R, D](nil), r.steps[:r.next]...)
	}
	return append(append([]Step[K, R, D](nil), r.steps[r.next:]...), r.steps[:r.next]...)
}

// Lost returns by how many events those that came are more than the ring is for.
func (r *Ring[K, R, D]) Lost() uint64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total - min(r.total, uint64(len(r.steps)))
}

// Reset forgets everything.
func (r *Ring[K, R, D]) Reset() {
	if r == nil {
		return
	}
	r.mu.Lock()
	clear(r.steps)
	r.next, r.full, r.total = 0, false, 0
	r.mu.Unlock()
}

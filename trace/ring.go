package trace

import "sync"

// Ring is a Sink that keeps the newest events in memory that it was given once:
// a flight recorder that may stay on. It does not allocate, and is safe for
// concurrent use. NewRing makes one.
//
// It does without the events of single fields, which would take the room of the
// rest, unless Fields is set before it is used.
type Ring struct {
	Fields bool

	mu     sync.Mutex
	events []Event
	next   int    // where the next event goes
	total  uint64 // that came
}

// NewRing returns a Ring that keeps n events, at least one.
func NewRing(n int) *Ring { return &Ring{events: make([]Event, max(n, 1))} }

// WantsFields is Fields; see FieldSink.
func (r *Ring) WantsFields() bool { return r.Fields }

// Record keeps e, in place of the oldest event if there is no room.
func (r *Ring) Record(e Event) { r.RecordCopy(&e) }

// RecordCopy keeps a copy of *e, as Record does: it saves copying an event twice.
func (r *Ring) RecordCopy(e *Event) {
	r.mu.Lock()
	r.keep(e)
	r.mu.Unlock()
}

// RecordAll keeps copies of events, as Record does of one after the other: it takes
// its lock once.
func (r *Ring) RecordAll(events []Event) {
	r.mu.Lock()
	for i := range events {
		r.keep(&events[i])
	}
	r.mu.Unlock()
}

// keep puts e where the next event goes. r.mu is held.
func (r *Ring) keep(e *Event) {
	r.events[r.next] = *e
	if r.next++; r.next == len(r.events) {
		r.next = 0
	}
	r.total++
}

// Events returns a copy of what is kept, oldest first.
func (r *Ring) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total < uint64(len(r.events)) {
		return append([]Event(nil), r.events[:r.next]...)
	}
	return append(append([]Event(nil), r.events[r.next:]...), r.events[:r.next]...)
}

// Lost returns how many events had to make room for newer ones.
func (r *Ring) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total - min(r.total, uint64(len(r.events)))
}

// Reset forgets everything.
func (r *Ring) Reset() {
	r.mu.Lock()
	clear(r.events)
	r.next, r.total = 0, 0
	r.mu.Unlock()
}

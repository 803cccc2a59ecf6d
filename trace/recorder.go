package trace

import "sync"

// Recorder is a Sink that keeps events in memory. The zero value is ready and
// keeps all of them. It is safe for concurrent use.
type Recorder struct {
	mu     sync.Mutex
	events []Event
}

// Record keeps e.
func (r *Recorder) Record(e Event) { r.RecordCopy(&e) }

// RecordCopy keeps a copy of *e, as Record does: it saves copying an event twice.
func (r *Recorder) RecordCopy(e *Event) {
	r.mu.Lock()
	r.events = append(r.events, *e)
	r.mu.Unlock()
}

// Events returns a copy of what was recorded so far, oldest first.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// Count returns how many events of kind k were recorded.
func (r *Recorder) Count(k Kind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := range r.events {
		if r.events[i].Kind == k {
			n++
		}
	}
	return n
}

// Reset forgets everything.
func (r *Recorder) Reset() {
	r.mu.Lock()
	r.events = nil
	r.mu.Unlock()
}

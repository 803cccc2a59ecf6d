package trace

import (
	"net/netip"
	"sync"
	"time"
)

// Ring is a Sink that keeps the newest events in memory that it was given once:
// a flight recorder that may stay on. It does not allocate, and is safe for
// concurrent use. NewRing makes one.
//
// It does without the events of single fields, which would take the room of the
// rest, unless Fields is set before it is used.
type Ring struct {
	Fields bool

	mu    sync.Mutex
	short []shortEvent
	whole []Event // those for which a shortEvent has no room, at the same places
	next  int     // where the next event goes
	total uint64  // that came
}

// NewRing returns a Ring that keeps n events, at least one.
func NewRing(n int) *Ring {
	n = max(n, 1)
	return &Ring{short: make([]shortEvent, n), whole: make([]Event, n)}
}

// shortEvent has room for what most events have: memory that was not used for long
// is slow, and an Event has three times its size.
type shortEvent struct {
	kind    Kind
	reason  Reason
	reused  bool
	whole   bool // it is among the whole ones
	status  int
	time    time.Time
	call    uint64
	conn    uint64
	attempt int
	bytes   int64
	idle    time.Duration
	host    string
	value   string
	err     error
}

// isShort reports whether a shortEvent has room for e.
func (e *Event) isShort() bool {
	return e.Method == "" && e.URL == "" && e.Name == "" && e.Network == "" && e.Proto == "" &&
		!e.Resumed && !e.Custom && e.TLSVersion == 0 && e.TLSCipher == 0 && e.Wait == 0 &&
		e.Local == netip.AddrPort{} && e.Remote == netip.AddrPort{} && e.Addrs == nil
}

// WantsFields is Fields; see FieldSink.
func (r *Ring) WantsFields() bool { return r.Fields }

// Record keeps e, in place of the oldest event if there is no room.
func (r *Ring) Record(e Event) { r.RecordCopy(&e) }

// RecordCopy keeps a copy of *e, as Record does: it saves copying an event twice.
func (r *Ring) RecordCopy(e *Event) {
	short := e.isShort()
	r.mu.Lock()
	if s := &r.short[r.next]; short {
		*s = shortEvent{
			kind: e.Kind, reason: e.Reason, reused: e.Reused, status: e.Status, time: e.Time, call: e.Call, conn: e.Conn,
			attempt: e.Attempt, bytes: e.Bytes, idle: e.Idle, host: e.Host, value: e.Value, err: e.Err,
		}
	} else {
		s.whole, r.whole[r.next] = true, *e
	}
	if r.next++; r.next == len(r.short) {
		r.next = 0
	}
	r.total++
	r.mu.Unlock()
}

// at is the event in a place.
func (r *Ring) at(i int) Event {
	s := &r.short[i]
	if s.whole {
		return r.whole[i]
	}
	return Event{
		Kind: s.kind, Reason: s.reason, Reused: s.reused, Status: s.status, Time: s.time, Call: s.call, Conn: s.conn,
		Attempt: s.attempt, Bytes: s.bytes, Idle: s.idle, Host: s.host, Value: s.value, Err: s.err,
	}
}

// Events returns a copy of what is kept, oldest first.
func (r *Ring) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := int(min(r.total, uint64(len(r.short))))
	if n == 0 {
		return nil
	}
	events := make([]Event, n)
	for i := range events {
		events[i] = r.at((r.next - n + i + len(r.short)) % len(r.short))
	}
	return events
}

// Lost returns how many events had to make room for newer ones.
func (r *Ring) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total - min(r.total, uint64(len(r.short)))
}

// Reset forgets everything.
func (r *Ring) Reset() {
	r.mu.Lock()
	clear(r.short)
	clear(r.whole)
	r.next, r.total = 0, 0
	r.mu.Unlock()
}

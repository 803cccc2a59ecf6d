package trace

import (
	"cmp"
	"slices"
	"time"

	"sonde/internal/clock"
	"sonde/internal/flight"
)

// Ring is a Sink that keeps the newest events in memory that it was given once:
// a flight recorder that may stay on. It does not allocate for the events of a
// client, and is safe for concurrent use. NewRing makes one; the zero Ring keeps nothing.
//
// It does without the events of single fields, which would take the room of the
// rest, unless Fields is set before it is used.
type Ring struct {
	Fields bool

	kept *flight.Ring[Kind, Reason, Detail] // apart from Fields, which is read all the time while this is written
}

// NewRing returns a Ring that keeps n events, at least one: 64 bytes each.
func NewRing(n int) *Ring {
	return &Ring{kept: flight.New[Kind, Reason, Detail](max(n, 1))}
}

// WantsFields is Fields; see FieldSink.
func (r *Ring) WantsFields() bool { return r.Fields }

// Record keeps e, in place of the oldest event if there is no room.
func (r *Ring) Record(e Event) {
	s := [1]step{compact(&e)}
	r.kept.Keep(s[:])
}

// Flight is where a client puts what it tells, without making Events of it.
func (r *Ring) Flight() *flight.Ring[Kind, Reason, Detail] { return r.kept }

// Events returns a copy of what is kept, oldest first.
func (r *Ring) Events() []Event {
	steps := r.kept.Steps()
	// A call hands over several at once, when another one may have told of what came
	// after them.
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.At, b.At) })
	var events []Event
	for i := range steps {
		e := expand(&steps[i])
		events = append(events, e)
		if then := steps[i].Then; then != 0 {
			if e.Kind == CallStart {
				e.Attempt = 1
			}
			events = append(events, Event{Kind: then, Status: int(steps[i].Status),
				Call: e.Call, Attempt: e.Attempt, Conn: e.Conn, Time: e.Time, Err: e.Err})
		}
	}
	return events[max(0, len(events)-r.kept.Size()):]
}

// Lost returns how many events had to make room for newer ones.
func (r *Ring) Lost() uint64 { return r.kept.Lost() }

// Reset forgets everything.
func (r *Ring) Reset() { r.kept.Reset() }

type step = flight.Step[Kind, Reason, Detail]

// odd is an Event that a Step has no room for, in the place of the Step's error. No
// client makes one.
type odd struct {
	error
	event Event
}

func compact(e *Event) step {
	s := step{
		Kind: e.Kind, Reason: e.Reason, Reused: e.Reused, Status: uint16(e.Status), Attempt: uint16(e.Attempt),
		Call: e.Call, Conn: e.Conn, At: clock.Of(e.Time), N: e.Bytes, Err: e.Err, Detail: e.Detail,
	}
	none := int64(e.Idle)
	if e.Kind == AcquireDone {
		s.N, none = none, e.Bytes
	}
	if int(s.Status) != e.Status || int(s.Attempt) != e.Attempt || none != 0 || clock.At(s.At) != e.Time {
		return step{At: s.At, Err: odd{event: *e}}
	}
	return s
}

func expand(s *step) Event {
	if o, ok := s.Err.(odd); ok {
		return o.event
	}
	e := Event{
		Kind: s.Kind, Reason: s.Reason, Reused: s.Reused, Status: int(s.Status), Attempt: int(s.Attempt),
		Call: s.Call, Conn: s.Conn, Time: clock.At(s.At), Bytes: s.N, Err: s.Err, Detail: s.Detail,
	}
	if e.Kind == AcquireDone {
		e.Bytes, e.Idle = 0, time.Duration(s.N)
	}
	if s.Then != 0 {
		e.Status = 0
	}
	return e
}

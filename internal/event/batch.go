package event

import (
	"time"

	"sonde/internal/clock"
	"sonde/internal/flight"
	"sonde/trace"
)

// Step is an event in the form in which a Ring keeps it. Call, Attempt, and Conn where
// it is 0, are the log's.
type Step = flight.Step[trace.Kind, trace.Reason, trace.Detail]

// Batch holds steps until others follow them, which they do without anything between
// that waits: a Ring then takes them all under one lock, which calls on several
// processors would otherwise have to hand to and fro for each. It is for a Log that
// one goroutine uses. It forgets nothing before it is used again.
type Batch struct {
	n     int
	steps [6]Step // as many as a small call has without waiting
}

// Use makes b the log's, if that has nothing but a Ring.
func (b *Batch) Use(l *Log) {
	if _, ok := l.Sink.(*trace.Ring); ok && l.Hooks == nil && l.Client == nil {
		l.Batch, b.n = b, 0
	}
}

// Tell tells of s, which Flush or more to tell follows without a wait: a Ring need not
// hear of it before. Without s.At it is now. It does nothing on a nil Log, and keeps
// nothing of s.
func (l *Log) Tell(s *Step) {
	if l == nil {
		return
	}
	if l.Batch == nil {
		l.whole(s)
		return
	}
	to := l.slot(s.Kind, s.Then, s.At, s.N, s.Detail)
	to.Reason, to.Reused, to.Status, to.Err = s.Reason, s.Reused, s.Status, s.Err
	if s.Conn != 0 {
		to.Conn = s.Conn
	}
}

// Step is Tell of a Step with no more than these. Then may be 0.
func (l *Log) Step(kind, then trace.Kind, at, n int64, detail *trace.Detail) {
	if l == nil {
		return
	}
	if l.Batch == nil {
		l.whole(&Step{Kind: kind, Then: then, At: at, N: n, Detail: detail})
		return
	}
	l.slot(kind, then, at, n, detail)
}

// slot is a new step of the batch. Its fields are set one by one: as a whole they
// would be made elsewhere and then copied.
func (l *Log) slot(kind, then trace.Kind, at, n int64, detail *trace.Detail) *Step {
	b := l.Batch
	if b.n == len(b.steps) {
		l.flush()
	}
	to := &b.steps[b.n]
	b.n++
	to.Kind, to.Then, to.Reason, to.Reused, to.Status, to.Attempt = kind, then, trace.NoReason, false, 0, uint16(l.Attempt)
	to.Call, to.Conn, to.At, to.N, to.Err, to.Detail = l.Call, l.Conn, at, n, nil, detail
	if at == 0 {
		to.At = clock.Now()
	}
	if kind == trace.CallStart { // which is of no attempt
		to.Attempt = 0
	}
	return to
}

// whole is Emit of s as an Event, or two.
func (l *Log) whole(s *Step) {
	e := trace.Event{
		Kind: s.Kind, Reason: s.Reason, Reused: s.Reused, Status: int(s.Status),
		Conn: s.Conn, Time: clock.At(s.At), Bytes: s.N, Err: s.Err, Detail: s.Detail,
	}
	if e.Kind == trace.AcquireDone {
		e.Bytes, e.Idle = 0, time.Duration(s.N)
	}
	if s.Then == 0 {
		l.emit(&e)
		return
	}
	e.Status = 0
	l.emit(&e)
	l.emit(&trace.Event{Kind: s.Then, Status: int(s.Status), Conn: s.Conn, Time: e.Time, Err: s.Err})
}

// Waits reports whether what an event calls might wait, or close something: hooks, and
// any sink but a Ring.
func (l *Log) Waits() bool { return l != nil && l.Batch == nil }

// Flush hands over what was told but kept.
func (l *Log) Flush() {
	if l != nil && l.Batch != nil && l.Batch.n > 0 {
		l.flush()
	}
}

func (l *Log) flush() {
	l.Sink.(*trace.Ring).Flight().Keep(l.Batch.steps[:l.Batch.n])
	l.Batch.n = 0
}

package event

import (
	"time"

	"sonde/trace"
)

// Batch holds events that have happened until others follow them, which they do
// without anything between that waits: a Ring then takes them all under one lock,
// which calls on several processors would otherwise have to hand to and fro for each.
// It is for a Log that one goroutine uses. It forgets nothing before it is used again.
type Batch struct {
	n  int
	es [4]trace.Event // as many as a small call has without waiting
}

func (b *Batch) add(r *trace.Ring, e *trace.Event) {
	if b.n == len(b.es) {
		b.flush(r)
	}
	b.es[b.n] = *e
	b.n++
}

func (b *Batch) flush(r *trace.Ring) {
	r.RecordAll(b.es[:b.n])
	b.n = 0
}

// Use makes b the log's, if that has nothing but a Ring.
func (b *Batch) Use(l *Log) {
	if _, ok := l.Sink.(*trace.Ring); ok && l.Hooks == nil && l.Client == nil {
		l.Batch, b.n = b, 0
	}
}

// Later is Emit for an event that another one follows without a wait, or a Flush. It
// has its time already.
func (l *Log) Later(e *trace.Event) {
	if l == nil {
		return
	}
	if l.Batch == nil {
		l.emit(e)
		return
	}
	l.complete(e)
	l.Batch.add(l.Sink.(*trace.Ring), e)
}

// Step is Later of an event that says no more than that, made in its place.
func (l *Log) Step(kind trace.Kind, at time.Time, detail *trace.Detail) {
	if l.Batch == nil || l.Batch.n == len(l.Batch.es) {
		l.Later(&trace.Event{Kind: kind, Time: at, Detail: detail})
		return
	}
	e := &l.Batch.es[l.Batch.n]
	l.Batch.n++
	*e = trace.Event{Kind: kind, Time: at, Conn: l.Conn, Detail: detail}
	l.number(e)
}

// Waits reports whether what an event calls might wait, or close something: hooks, and
// any sink but a Ring.
func (l *Log) Waits() bool { return l != nil && l.Batch == nil }

// Flush hands over what Later has kept.
func (l *Log) Flush() {
	if l != nil && l.Batch != nil {
		l.flush()
	}
}

func (l *Log) flush() {
	if l.Batch.n > 0 {
		l.Batch.flush(l.Sink.(*trace.Ring))
	}
}

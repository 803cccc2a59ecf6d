// Package event carries what happens in one call to its sink and its hooks.
package event

import (
	"net/http/httptrace"
	"net/netip"

	"sonde/internal/clock"
	"sonde/trace"
)

// Log is where the events of one attempt go. A nil Log is nowhere, and costs
// its caller one branch. Its fields are fixed before it is handed down; it may
// be used from several goroutines.
type Log struct {
	Sink    trace.Sink             // may be nil
	Hooks   *trace.Hooks           // of the context; may be nil
	Client  *httptrace.ClientTrace // of the context; may be nil
	Call    uint64
	Attempt int
	Conn    uint64 // for events that do not name their connection
	Batch   *Batch // nil: each event goes to the sink at once
}

// On reports whether anybody listens; ask it before making an Event whose
// fields cost something.
func (l *Log) On() bool { return l != nil }

// Emit completes e with the ids of the call, calls the hooks that e stands for,
// and hands e to the sink, with the time unless it has one. It does
// nothing on a nil Log, and keeps nothing of e.
func (l *Log) Emit(e *trace.Event) {
	if l != nil {
		l.emit(e)
	}
}

// End is Emit of an event that says how something ended, and no more.
func (l *Log) End(kind trace.Kind, err error) {
	if l != nil {
		l.emit(&trace.Event{Kind: kind, Err: err})
	}
}

func (l *Log) emit(e *trace.Event) {
	var hook func(trace.Event)
	if l.Hooks != nil || l.Client != nil {
		l.number(e)
		l.call(e)
		hook = l.own().Event
	}
	if l.Sink == nil && hook == nil {
		return
	}
	l.complete(e)
	// A Recorder takes it by pointer, which saves a copy; by an interface that would
	// put each event on the heap.
	switch s := l.Sink.(type) {
	case nil:
	case *trace.Ring:
		l.Flush()
		s.Record(*e)
	case *trace.Recorder:
		s.RecordCopy(e)
	default:
		s.Record(*e)
	}
	if hook != nil {
		hook(*e)
	}
}

// complete adds what all events of an attempt have.
func (l *Log) complete(e *trace.Event) {
	l.number(e)
	if e.Time.IsZero() {
		e.Time = clock.At(clock.Now())
	}
	if e.Conn == 0 {
		e.Conn = l.Conn
	}
}

func (l *Log) number(e *trace.Event) {
	if e.Call = l.Call; e.Kind != trace.CallStart { // which is of no attempt
		e.Attempt = l.Attempt
	}
}

// AddrPort is the address of a TCP endpoint, or the zero AddrPort where a (from
// net.Conn's LocalAddr or RemoteAddr) is none.
func AddrPort(a interface{ String() string }) netip.AddrPort {
	if t, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

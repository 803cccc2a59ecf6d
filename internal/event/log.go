// Package event carries one call's events to its sink.
package event

import (
	"net/netip"
	"time"

	"sonde/trace"
)

// Log is where the events of one attempt go. A nil Log is nowhere, and costs
// its caller one branch. Its fields are fixed before it is handed down; it may
// be used from several goroutines.
type Log struct {
	Sink    trace.Sink
	Call    uint64
	Attempt int
	Conn    uint64 // for events that do not name their connection
}

// On reports whether anybody listens; ask it before making an Event whose
// fields cost something.
func (l *Log) On() bool { return l != nil }

// Emit completes e with the ids of the call, and with the time unless it has
// one, and hands it to the sink. It does nothing on a nil Log.
func (l *Log) Emit(e trace.Event) {
	if l == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Call, e.Attempt = l.Call, l.Attempt
	if e.Conn == 0 {
		e.Conn = l.Conn
	}
	l.Sink.Record(e)
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

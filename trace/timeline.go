package trace

import (
	"net/netip"
	"time"
)

// Phase is a part of an attempt that takes time.
type Phase uint8

// The phases, in the order in which an attempt meets them.
const (
	PhaseAcquire  Phase = iota + 1 // having asked the pool for a connection; dialing lies within
	PhaseDNS                       // the look-up of a name
	PhaseConnect                   // connecting to one address; several may overlap (RFC 8305)
	PhaseProxy                     // the handshake with a proxy
	PhaseTLS                       // the TLS handshake
	PhaseSend                      // from the connection until the request, body and all, had left
	PhaseContinue                  // waiting for 100 Continue; lies within PhaseSend
	PhaseWait                      // from then until the response's first byte
	PhaseReceive                   // from then to the end of its body
)

var phaseText = [...]string{
	PhaseAcquire: "acquire", PhaseDNS: "dns", PhaseConnect: "connect", PhaseProxy: "proxy", PhaseTLS: "tls",
	PhaseSend: "send", PhaseContinue: "continue", PhaseWait: "wait", PhaseReceive: "receive",
}

// String is the phase's name, such as "connect".
func (p Phase) String() string {
	if p > 0 && int(p) < len(phaseText) {
		return phaseText[p]
	}
	return "unknown"
}

// MarshalText gives String.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Span is one phase as it went. Start and End count from the Timeline's Start.
type Span struct {
	Phase  Phase
	Start  time.Duration
	End    time.Duration
	Cut    bool           // no event told of its end: End is that of the last event there is
	Host   string         // PhaseDNS, PhaseTLS: the name. PhaseConnect: of a unix socket or a dial function
	Remote netip.AddrPort // PhaseConnect, PhaseProxy
	Addrs  []netip.Addr   // PhaseDNS
	Bytes  int64          // PhaseSend, PhaseReceive: of head and body
	Err    error
}

// Duration is how long it took.
func (s *Span) Duration() time.Duration { return s.End - s.Start }

// Attempt is one attempt of a call: one request on one connection.
type Attempt struct {
	Number     int
	Method     string        // of its request, which differs from the call's where that was redirected
	URL        string        // the same
	Start, End time.Duration // from the Timeline's Start
	Spans      []Span        // in the order of their starts

	Conn       uint64 // 0: it came to none
	Reused     bool
	Idle       time.Duration  // how long a reused connection was idle
	Opened     Reason         // why a new connection was opened
	Closed     Reason         // why it ended; NoReason: it went back to the pool, or is in use
	Local      netip.AddrPort // as far as an event said it
	Remote     netip.AddrPort
	Proto      string // what ALPN chose, "" if nothing
	TLSVersion uint16 // as in crypto/tls; 0: no TLS, or made before
	TLSCipher  uint16 // as in crypto/tls
	Resumed    bool   // the TLS session
	Peer       string // the server's name, as its certificate has it
	Proxy      string // that it goes through, "" is none

	Status      int    // of its final response, 0 if there was none
	Redirect    string // the URL to go on to, "" if it was no redirect
	Retried     bool   // another attempt followed because this one failed
	HeadWritten int64  // bytes of the request's head
	BodyWritten int64  // bytes of the request's body
	HeadRead    int64  // bytes of the response's head
	BodyRead    int64  // bytes of the response's body, as they came
	Codings     string // that were taken off it, such as "gzip"; "": none
	BodyDecoded int64  // bytes of it without these
	Interim     []int  // the statuses of its 1xx responses
	Err         error

	first time.Duration // when the response's first byte came, -1: none that counts
}

// Find returns the first span of that phase, nil if there is none.
func (a *Attempt) Find(p Phase) *Span {
	for i := range a.Spans {
		if a.Spans[i].Phase == p {
			return &a.Spans[i]
		}
	}
	return nil
}

// Timeline is a call, told by its events.
type Timeline struct {
	Call     uint64
	Method   string
	URL      string
	Start    time.Time
	End      time.Duration // from Start to the last event
	Done     bool          // CallDone was among the events
	Attempts []Attempt
	Status   int
	Err      error
}

// Timelines makes a Timeline of each call that events tell of, in the order in
// which the calls appear. Events of no call are left out. The events need not be
// complete, but must be in order of time for each call.
func Timelines(events []Event) []Timeline {
	var all []Timeline
	at := make(map[uint64]int)
	for i := range events {
		e := &events[i]
		if e.Call == 0 {
			continue
		}
		n, ok := at[e.Call]
		if !ok {
			n = len(all)
			at[e.Call] = n
			all = append(all, Timeline{Call: e.Call, Start: e.Time})
		}
		all[n].take(e)
	}
	for i := range all {
		all[i].close()
	}
	return all
}

package trace

import "time"

// How events become a Timeline.

// take adds an event to the timeline of its call.
func (t *Timeline) take(e *Event) {
	now := e.Time.Sub(t.Start)
	t.End = max(t.End, now)
	switch e.Kind {
	case CallStart:
		t.Method, t.URL = e.Method(), e.URL()
		return
	case CallDone:
		t.Done, t.Status, t.Err = true, e.Status, e.Err
		return
	}
	a := t.attempt(e.Attempt, now)
	switch e.Kind {
	case AttemptStart:
		if e.URL() != "" {
			a.Method, a.URL = e.Method(), e.URL()
		}
	case AttemptDone:
		a.Err = e.Err
		a.End = now
	case Retry:
		a.Retried = true
	case RetryRefused, Hedge, Challenge:
	case Redirect:
		a.Redirect = e.URL()
		if a.Status == 0 {
			a.Status = e.Status
		}
	case AcquireDone, ConnOpened, ConnPut, ConnClosed:
		a.connection(e, now)
	case HeadWritten, ContinueWait, ContinueDone, BodyWritten, RequestWritten:
		a.sending(e, now)
	case FirstByte, Informational, HeadRead, BodyRead, BodyDecoded:
		a.receiving(e, now)
	default:
		a.dialing(e, now)
	}
}

// attempt is the attempt with that number, made at now if it is new.
func (t *Timeline) attempt(number int, now time.Duration) *Attempt {
	for i := range t.Attempts {
		if t.Attempts[i].Number == number {
			return &t.Attempts[i]
		}
	}
	a := Attempt{Number: number, Method: t.Method, URL: t.URL, Start: now, End: -1, first: -1}
	if n := len(t.Attempts); n > 0 {
		a.Method, a.URL = t.Attempts[n-1].Method, t.Attempts[n-1].URL
	}
	t.Attempts = append(t.Attempts, a)
	return &t.Attempts[len(t.Attempts)-1]
}

func (a *Attempt) begin(s Span) {
	s.End = -1
	a.Spans = append(a.Spans, s)
}

// end ends the last span of the phase that is under way and that is is true of,
// and returns it; nil if there is none.
func (a *Attempt) end(p Phase, now time.Duration, is func(*Span) bool) *Span {
	for i := len(a.Spans) - 1; i >= 0; i-- {
		if s := &a.Spans[i]; s.Phase == p && s.End < 0 && (is == nil || is(s)) {
			s.End = now
			return s
		}
	}
	return nil
}

func (a *Attempt) connection(e *Event, now time.Duration) {
	if e.Conn != 0 && e.Kind != ConnOpened {
		a.Conn = e.Conn
	}
	if e.Kind != AcquireDone && e.Conn == a.Conn {
		a.Local, a.Remote = e.Local(), e.Remote()
		if e.Proto() != "" {
			a.Proto = e.Proto()
		}
	}
	switch e.Kind {
	case ConnOpened: // it may be another one that will serve this attempt
		if a.Conn == 0 {
			a.Local, a.Remote, a.Proto = e.Local(), e.Remote(), e.Proto()
		}
	case ConnClosed:
		a.Closed = e.Reason
	case AcquireDone:
		a.Reused, a.Idle, a.Opened = e.Reused, e.Idle, e.Reason
		if e.Reused {
			a.Opened = NoReason
		}
		if s := a.end(PhaseAcquire, now, nil); s != nil {
			s.Err = e.Err
		}
		if e.Err == nil {
			a.begin(Span{Phase: PhaseSend, Start: now})
		}
	}
}

func (a *Attempt) dialing(e *Event, now time.Duration) {
	switch e.Kind {
	case ProxyChosen:
		a.Proxy = e.Host()
	case AcquireStart:
		a.begin(Span{Phase: PhaseAcquire, Start: now, Host: e.Host()})
	case DNSStart:
		a.begin(Span{Phase: PhaseDNS, Start: now, Host: e.Host()})
	case ConnectStart:
		a.begin(Span{Phase: PhaseConnect, Start: now, Host: e.Host(), Remote: e.Remote()})
	case ProxyStart:
		a.begin(Span{Phase: PhaseProxy, Start: now, Host: e.Host(), Remote: e.Remote()})
	case TLSStart:
		a.begin(Span{Phase: PhaseTLS, Start: now, Host: e.Host()})
	case DNSDone:
		if s := a.end(PhaseDNS, now, nil); s != nil {
			s.Addrs, s.Err = e.Addrs(), e.Err
		}
	case ConnectDone:
		s := a.end(PhaseConnect, now, func(s *Span) bool {
			return s.Host == e.Host() && (s.Remote == e.Remote() || e.Custom())
		})
		if s != nil {
			s.Remote, s.Err = e.Remote(), e.Err
		}
	case ProxyDone:
		if s := a.end(PhaseProxy, now, nil); s != nil {
			s.Err = e.Err
		}
	case TLSDone:
		if s := a.end(PhaseTLS, now, nil); s != nil {
			s.Err = e.Err
		}
		a.Proto, a.TLSVersion, a.TLSCipher, a.Resumed, a.Peer = e.Proto(), e.TLSVersion(), e.TLSCipher(), e.Resumed(), e.Name()
	}
}

func (a *Attempt) sending(e *Event, now time.Duration) {
	switch e.Kind {
	case HeadWritten:
		a.HeadWritten = e.Bytes
	case ContinueWait:
		a.begin(Span{Phase: PhaseContinue, Start: now})
	case ContinueDone:
		if s := a.end(PhaseContinue, now, nil); s != nil {
			s.Err = e.Err
		}
	case BodyWritten:
		a.BodyWritten = e.Bytes
	case RequestWritten:
		if s := a.end(PhaseSend, now, nil); s != nil {
			s.Bytes, s.Err = a.HeadWritten+a.BodyWritten, e.Err
		}
		if e.Err == nil && a.Status == 0 {
			a.begin(Span{Phase: PhaseWait, Start: now})
		}
	}
}

func (a *Attempt) receiving(e *Event, now time.Duration) {
	switch e.Kind {
	case FirstByte:
		a.first = now
	case Informational:
		a.Interim = append(a.Interim, e.Status)
		a.first = -1 // it was not the final response's
	case HeadRead:
		a.Status, a.HeadRead = e.Status, e.Bytes
		first := a.first
		if wait := a.Find(PhaseWait); first < 0 || wait != nil && first < wait.Start {
			first = now
		}
		a.end(PhaseWait, first, nil)
		a.begin(Span{Phase: PhaseReceive, Start: first})
	case BodyRead:
		a.BodyRead = e.Bytes
		if s := a.end(PhaseReceive, now, nil); s != nil {
			s.Bytes, s.Err = a.HeadRead+a.BodyRead, e.Err
		}
	case BodyDecoded:
		a.Codings, a.BodyDecoded = e.Name(), e.Bytes
	}
}

// close ends what no event ended.
func (t *Timeline) close() {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.End < 0 {
			a.End = t.End
		}
		for j := range a.Spans {
			if s := &a.Spans[j]; s.End < 0 {
				s.End, s.Cut = max(a.End, s.Start), true
				if s.Err == nil {
					s.Err = a.Err
				}
			}
		}
	}
}

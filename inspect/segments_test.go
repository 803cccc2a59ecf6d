package inspect_test

import (
	"testing"
	"time"

	"sonde/inspect"
	"sonde/trace"
)

// TestSegments: each packet is of a request, as the wire has it, and of a call, as the
// client says; whoever is heard first.
func TestSegments(t *testing.T) {
	for _, late := range []bool{false, true} {
		w := newWire(inspect.Config{Segments: 100})
		c := w.dial(4000, 1)
		var said []trace.Event
		say := func(k trace.Kind, call uint64) {
			e := trace.Event{Kind: k, Conn: 7, Call: call, Time: w.since.Add(w.now), Detail: &trace.Detail{Local: addrPort(c.client, c.sport), Remote: addrPort(c.server, c.dport)}}
			if late {
				said = append(said, e)
				return
			}
			w.in.Record(e)
		}
		say(trace.ConnOpened, 11)
		for call := uint64(11); call < 13; call++ {
			say(trace.AcquireDone, call)
			say(trace.HeadWritten, call)
			c.get("a", "", fine)
			w.wait(time.Second)
		}
		for _, e := range said {
			w.in.Record(e)
		}
		c.close(0)
		r := w.in.Finish()
		if len(r.Conns) != 1 || r.Conns[0].Said.Conn != 7 || len(r.Conns[0].Disputes) > 0 {
			t.Fatalf("late %v: %+v", late, r.Conns)
		}
		var got []uint64
		for n, s := range r.Conns[0].Segments {
			if s.Number != n+1 || uint64(s.Request)+10 != s.Call {
				t.Errorf("late %v: packet %d is %+v", late, n, s)
			}
			got = append(got, s.Call)
		}
		// SYN, SYN ACK, ACK; request, response, ACK, twice; FIN, FIN, ACK.
		if len(got) != 12 || got[0] != 11 || got[5] != 11 || got[6] != 12 || got[11] != 12 {
			t.Errorf("late %v: calls of packets are %v", late, got)
		}
	}
}

// TestSegmentsEarly: the client may be heard before any packet is.
func TestSegmentsEarly(t *testing.T) {
	w := newWire(inspect.Config{Segments: 2})
	e := trace.Event{Kind: trace.ConnOpened, Conn: 7, Time: w.since.Add(time.Second),
		Detail: &trace.Detail{Local: addrPort([4]byte{192, 0, 2, 100}, 4000), Remote: addrPort([4]byte{192, 0, 2, 1}, 80)}}
	w.in.Record(e)
	e.Kind, e.Call = trace.AcquireDone, 3
	w.in.Record(e)
	c := w.dial(4000, 1)
	c.packet(0, ack, "\x05\x01\x00") // SOCKS, which cannot be read
	c.packet(1, ack, "\x05\x00")
	c.close(0)
	w.wait(time.Minute)
	w.dial(4000, 1).get("a", "", fine) // the same addresses later are another connection
	r := w.in.Finish()
	if len(r.Conns) != 2 || r.Conns[0].Said.Conn != 7 || r.Conns[1].Said.Conn != 0 {
		t.Fatalf("%+v", r.Conns)
	}
	if s := r.Conns[0].Segments; len(s) != 2 || s[0].Call != 3 || s[0].From != inspect.Client || s[1].From != inspect.Server {
		t.Errorf("%+v", s)
	}
	if v := r.Verdict; v.Connections != 1 || v.Requests != 1 {
		t.Errorf("%+v", v)
	}
}

package trace_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sonde/trace"
)

// at is an event of call 1, ms milliseconds after began.
func at(ms int, attempt int, e trace.Event) trace.Event {
	e.Time, e.Call, e.Attempt = began.Add(time.Duration(ms)*time.Millisecond), 1, attempt
	return e
}

// spans are those of an attempt in a short form: "dns 1-3", "!" with an error,
// "…" cut.
func spans(a *trace.Attempt) string {
	var all []string
	for _, s := range a.Spans {
		text := fmt.Sprintf("%v %d-%d", s.Phase, s.Start.Milliseconds(), s.End.Milliseconds())
		if s.Cut {
			text += "…"
		}
		if s.Err != nil {
			text += "!"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestTimeline(t *testing.T) {
	six, four := netip.MustParseAddrPort("[2001:db8::1]:443"), netip.MustParseAddrPort("192.0.2.1:443")
	refused, reset := errors.New("refused"), errors.New("reset")
	for _, tt := range []struct {
		name   string
		events []trace.Event
		want   []string // of each attempt
	}{
		{"a race, TLS, and a retry of a dead connection", []trace.Event{
			at(0, 0, trace.Event{Kind: trace.CallStart, Detail: &trace.Detail{Method: "GET", URL: "https://h/"}}),
			at(0, 1, trace.Event{Kind: trace.AttemptStart}),
			at(0, 1, trace.Event{Kind: trace.AcquireStart, Detail: &trace.Detail{Host: "h:443"}}),
			at(1, 1, trace.Event{Kind: trace.AcquireDone, Reused: true, Idle: time.Second, Conn: 3}),
			at(2, 1, trace.Event{Kind: trace.HeadWritten, Bytes: 10, Conn: 3}),
			at(2, 1, trace.Event{Kind: trace.RequestWritten, Conn: 3}),
			at(3, 1, trace.Event{Kind: trace.ConnClosed, Reason: trace.ServerClosedInUse, Conn: 3, Detail: &trace.Detail{Remote: four}}),
			at(3, 1, trace.Event{Kind: trace.AttemptDone, Err: reset, Conn: 3}),
			at(3, 1, trace.Event{Kind: trace.Retry, Err: reset}),
			at(3, 2, trace.Event{Kind: trace.AttemptStart}),
			at(3, 2, trace.Event{Kind: trace.AcquireStart}),
			at(4, 2, trace.Event{Kind: trace.DNSStart, Detail: &trace.Detail{Host: "h"}}),
			at(6, 2, trace.Event{Kind: trace.DNSDone, Detail: &trace.Detail{Host: "h", Addrs: []netip.Addr{six.Addr(), four.Addr()}}}),
			at(6, 2, trace.Event{Kind: trace.ConnectStart, Detail: &trace.Detail{Remote: six}}),
			at(8, 2, trace.Event{Kind: trace.ConnectStart, Detail: &trace.Detail{Remote: four}}),
			at(9, 2, trace.Event{Kind: trace.ConnectDone, Detail: &trace.Detail{Remote: four}}),
			at(10, 2, trace.Event{Kind: trace.ConnectDone, Err: refused, Detail: &trace.Detail{Remote: six}}),
			at(10, 2, trace.Event{Kind: trace.TLSStart, Detail: &trace.Detail{Host: "h"}}),
			at(14, 2, trace.Event{Kind: trace.TLSDone, Detail: &trace.Detail{Host: "h", Proto: "http/1.1", TLSVersion: 0x304, Resumed: true}}),
			at(14, 2, trace.Event{Kind: trace.ConnOpened, Conn: 4, Reason: trace.RetryOfDead, Detail: &trace.Detail{Remote: four}}),
			at(14, 2, trace.Event{Kind: trace.AcquireDone, Conn: 4, Reason: trace.RetryOfDead}),
			at(15, 2, trace.Event{Kind: trace.HeadWritten, Bytes: 10, Conn: 4}),
			at(15, 2, trace.Event{Kind: trace.RequestWritten, Conn: 4}),
			at(20, 2, trace.Event{Kind: trace.FirstByte, Conn: 4}),
			at(20, 2, trace.Event{Kind: trace.HeadRead, Status: 200, Bytes: 90, Conn: 4}),
			at(25, 2, trace.Event{Kind: trace.BodyRead, Bytes: 1000, Conn: 4}),
			at(25, 2, trace.Event{Kind: trace.ConnPut, Conn: 4, Detail: &trace.Detail{Remote: four}}),
			at(25, 2, trace.Event{Kind: trace.AttemptDone, Conn: 4}),
			at(25, 2, trace.Event{Kind: trace.CallDone, Status: 200, Conn: 4}),
		}, []string{
			"acquire 0-1, send 1-2, wait 2-3…!",
			"acquire 3-14, dns 4-6, connect 6-10!, connect 8-9, tls 10-14, send 14-15, wait 15-20, receive 20-25",
		}},
		{"100 Continue: the wait is for the final response", []trace.Event{
			at(0, 1, trace.Event{Kind: trace.AttemptStart}),
			at(0, 1, trace.Event{Kind: trace.AcquireDone, Conn: 1}),
			at(1, 1, trace.Event{Kind: trace.HeadWritten, Bytes: 10}),
			at(1, 1, trace.Event{Kind: trace.ContinueWait}),
			at(3, 1, trace.Event{Kind: trace.FirstByte}),
			at(3, 1, trace.Event{Kind: trace.ContinueDone, Status: 100}),
			at(3, 1, trace.Event{Kind: trace.Informational, Status: 100}),
			at(5, 1, trace.Event{Kind: trace.BodyWritten, Bytes: 5}),
			at(5, 1, trace.Event{Kind: trace.RequestWritten}),
			at(8, 1, trace.Event{Kind: trace.HeadRead, Status: 200, Bytes: 20}),
			at(9, 1, trace.Event{Kind: trace.BodyRead, Bytes: 1}),
		}, []string{"send 0-5, continue 1-3, wait 5-8, receive 8-9"}},
		{"an early answer: nothing is waited for", []trace.Event{
			at(0, 1, trace.Event{Kind: trace.AcquireDone, Conn: 1}),
			at(1, 1, trace.Event{Kind: trace.HeadWritten}),
			at(2, 1, trace.Event{Kind: trace.FirstByte}),
			at(3, 1, trace.Event{Kind: trace.HeadRead, Status: 413}),
			at(4, 1, trace.Event{Kind: trace.RequestWritten, Err: reset}),
			at(5, 1, trace.Event{Kind: trace.BodyRead}),
		}, []string{"send 0-4!, receive 2-5"}},
		{"a dial function and a failure", []trace.Event{
			at(0, 1, trace.Event{Kind: trace.AcquireStart}),
			at(1, 1, trace.Event{Kind: trace.ConnectStart, Detail: &trace.Detail{Custom: true, Host: "h:80"}}),
			at(2, 1, trace.Event{Kind: trace.ConnectDone, Err: refused, Detail: &trace.Detail{Custom: true, Host: "h:80"}}),
			at(3, 1, trace.Event{Kind: trace.AcquireDone, Err: refused}),
			at(3, 1, trace.Event{Kind: trace.AttemptDone, Err: refused}),
		}, []string{"acquire 0-3!, connect 1-2!"}},
		{"cut off by a proxy", []trace.Event{
			at(0, 1, trace.Event{Kind: trace.AcquireStart}),
			at(1, 1, trace.Event{Kind: trace.ProxyStart, Detail: &trace.Detail{Host: "p"}}),
			at(2, 1, trace.Event{Kind: trace.ProxyDone, Detail: &trace.Detail{Host: "p"}}),
			at(2, 1, trace.Event{Kind: trace.TLSStart}),
			at(7, 0, trace.Event{Kind: trace.CallDone}),
		}, []string{"acquire 0-7…, proxy 1-2, tls 2-7…"}},
		{"a redirect", []trace.Event{
			at(0, 1, trace.Event{Kind: trace.AcquireStart}),
			at(1, 1, trace.Event{Kind: trace.Redirect, Status: 302, Detail: &trace.Detail{URL: "http://b/"}}),
			at(1, 1, trace.Event{Kind: trace.AttemptDone}),
			at(1, 2, trace.Event{Kind: trace.AcquireStart}),
			at(2, 2, trace.Event{Kind: trace.AcquireDone, Err: refused}),
		}, []string{"acquire 0-1…", "acquire 1-2!"}},
	} {
		// Another call in between changes nothing, nor does a connection of none.
		mixed := []trace.Event{{Kind: trace.ConnClosed, Time: began}}
		for _, e := range tt.events {
			mixed = append(mixed, e)
			e.Call = 2
			mixed = append(mixed, e)
		}
		lines := trace.Timelines(mixed)
		if len(lines) != 2 || lines[0].Call != 1 || lines[1].Call != 2 {
			t.Fatalf("%s: %d timelines", tt.name, len(lines))
		}
		for _, line := range lines {
			var got []string
			for i := range line.Attempts {
				got = append(got, spans(&line.Attempts[i]))
			}
			if g, w := strings.Join(got, "\n"), strings.Join(tt.want, "\n"); g != w {
				t.Errorf("%s:\n%s\nwant\n%s", tt.name, g, w)
			}
		}
	}
	if trace.Timelines(nil) != nil {
		t.Error("a timeline of nothing")
	}
}

// TestTimelineContinue: a wait for 100 Continue that failed says so.
func TestTimelineContinue(t *testing.T) {
	lost := errors.New("lost")
	line := trace.Timelines([]trace.Event{
		at(0, 1, trace.Event{Kind: trace.AcquireDone, Conn: 1}),
		at(1, 1, trace.Event{Kind: trace.ContinueWait}),
		at(2, 1, trace.Event{Kind: trace.ContinueDone, Err: lost}),
		at(2, 1, trace.Event{Kind: trace.RequestWritten, Err: lost}),
	})[0]
	if got, want := spans(&line.Attempts[0]), "send 0-2!, continue 1-2!"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestTimelineDecoded: what a body was under its codings stands beside what came.
func TestTimelineDecoded(t *testing.T) {
	lines := trace.Timelines([]trace.Event{
		at(0, 1, trace.Event{Kind: trace.HeadRead, Status: 200, Bytes: 90}),
		at(1, 1, trace.Event{Kind: trace.BodyRead, Bytes: 10}),
		at(1, 1, trace.Event{Kind: trace.BodyDecoded, Bytes: 1000, Detail: &trace.Detail{Name: "gzip"}}),
	})
	if a := lines[0].Attempts[0]; a.BodyRead != 10 || a.BodyDecoded != 1000 || a.Codings != "gzip" {
		t.Errorf("%+v", a)
	}
}

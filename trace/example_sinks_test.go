package trace_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"sonde"
	"sonde/trace"
)

// get sends a request with s as its sink.
func get(url string, s trace.Sink) {
	client, _ := sonde.New(sonde.Config{Sink: s, UserAgent: "-"})
	defer client.Close()
	client.Get(context.Background(), url)
}

// A transcript of a call, here without what differs from run to run.
func ExampleText() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	var out strings.Builder
	get(s.URL, trace.NewStableText(&out))
	fmt.Print(strings.ReplaceAll(out.String(), s.Listener.Addr().String(), "server:80"))
	// Output:
	// 1    call-start      GET http://server:80/
	// 1.1  attempt-start
	// 1.1  acquire-start   server:80
	// 1.1  connect-start   server:80
	// 1.1  connect-done    server:80
	// 1.1  conn-opened     #1 server:80 because: first to this route
	// 1.1  acquire-done    #1 new because: first to this route
	// 1.1  field-written   Host: server:80
	// 1.1  field-written   Accept-Encoding: gzip, deflate
	// 1.1  head-written    GET / HTTP/1.1, 73 bytes
	// 1.1  request-written
	// 1.1  first-byte
	// 1.1  head-read       200 117 bytes
	// 1.1  body-read       11 bytes
	// 1.1  conn-put        #1 server:80
	// 1.1  attempt-done
	// 1.1  call-done       200
	// -    conn-closed     #1 server:80 because: closed by the user
}

// Events for a program to read.
func ExampleJSONLines() {
	var out strings.Builder
	sink := trace.NewJSONLines(&out)
	sink.Record(trace.Event{
		Kind: trace.AcquireDone, Time: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		Call: 1, Attempt: 1, Conn: 7, Reused: true, Idle: 2 * time.Second,
	})
	if err := sink.Err(); err != nil {
		fmt.Println("not everything was written:", err)
	}
	var members map[string]any
	json.Unmarshal([]byte(out.String()), &members)
	fmt.Println(members["kind"], "conn", members["conn"], "reused", members["reused"], "idle", members["idle_ns"])
	// Output:
	// acquire-done conn 7 reused true idle 2e+09
}

// A flight recorder, looked at when something went wrong.
func ExampleRing() {
	ring := trace.NewRing(5)
	get("http://127.0.0.1:1/", ring)
	for _, e := range ring.Events() {
		fmt.Println(e.Kind, "failed:", e.Err != nil)
	}
	fmt.Println(ring.Lost(), "older events")
	// Output:
	// connect-start failed: false
	// connect-done failed: true
	// acquire-done failed: true
	// attempt-done failed: true
	// call-done failed: true
	// 3 older events
}

// Two sinks at once.
func ExampleTee() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	var all trace.Recorder
	failures := trace.SinkFunc(func(e trace.Event) {
		if e.Kind == trace.CallDone && e.Err != nil {
			fmt.Println("failed")
		}
	})
	get(s.URL, trace.Tee(&all, failures))
	fmt.Println(all.Count(trace.CallDone), "call")
	// Output:
	// 1 call
}

// Hooks of one call, beside those of others and of net/http/httptrace.
func ExampleHooks() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	ctx := trace.With(context.Background(), &trace.Hooks{
		ConnOpened:      func(why trace.Reason) { fmt.Println("new connection:", why) },
		GotResponseHead: func(status int) { fmt.Println("status", status) },
		BodyDone:        func(n int64, err error) { fmt.Println(n, "bytes", err) },
	})
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()
	client.Get(ctx, s.URL)
	// Output:
	// new connection: first to this route
	// status 200
	// 11 bytes <nil>
}

// events are those of a call with a retry.
func events() []trace.Event {
	dead := errors.New("connection reset by peer")
	return []trace.Event{
		at(0, 0, trace.Event{Kind: trace.CallStart, Detail: &trace.Detail{Method: "GET", URL: "http://example.com/"}}),
		at(0, 1, trace.Event{Kind: trace.AcquireStart}),
		at(0, 1, trace.Event{Kind: trace.AcquireDone, Reused: true, Conn: 1}),
		at(1, 1, trace.Event{Kind: trace.RequestWritten}),
		at(2, 1, trace.Event{Kind: trace.ConnClosed, Reason: trace.ServerClosedInUse}),
		at(2, 1, trace.Event{Kind: trace.AttemptDone, Err: dead}),
		at(2, 1, trace.Event{Kind: trace.Retry, Err: dead}),
		at(2, 2, trace.Event{Kind: trace.AcquireStart}),
		at(2, 2, trace.Event{Kind: trace.ConnectStart}),
		at(9, 2, trace.Event{Kind: trace.ConnectDone}),
		at(9, 2, trace.Event{Kind: trace.AcquireDone, Conn: 2, Reason: trace.RetryOfDead}),
		at(10, 2, trace.Event{Kind: trace.HeadWritten, Bytes: 37}),
		at(10, 2, trace.Event{Kind: trace.RequestWritten}),
		at(18, 2, trace.Event{Kind: trace.FirstByte}),
		at(18, 2, trace.Event{Kind: trace.HeadRead, Status: 200, Bytes: 38}),
		at(19, 2, trace.Event{Kind: trace.BodyRead, Bytes: 2}),
		at(19, 2, trace.Event{Kind: trace.AttemptDone}),
		at(19, 2, trace.Event{Kind: trace.CallDone, Status: 200}),
	}
}

// A call as a whole.
func ExampleTimeline() {
	for _, line := range trace.Timelines(events()) {
		fmt.Println(line.Method, line.URL, line.Status, "in", line.End, "with", len(line.Attempts), "attempts")
	}
	// Output:
	// GET http://example.com/ 200 in 19ms with 2 attempts
}

// Why a call took two attempts.
func ExampleAttempt() {
	for _, a := range trace.Timelines(events())[0].Attempts {
		fmt.Println(a.Number, "reused:", a.Reused, "retried:", a.Retried, "-", a.Err, "-", a.Closed)
	}
	// Output:
	// 1 reused: true retried: true - connection reset by peer - server closed it during an exchange
	// 2 reused: false retried: false - <nil> - none
}

// A waterfall.
func ExampleSpan() {
	for _, a := range trace.Timelines(events())[0].Attempts {
		for _, s := range a.Spans {
			bar := strings.Repeat(" ", int(s.Start.Milliseconds())) + strings.Repeat("#", int(s.Duration().Milliseconds()))
			fmt.Printf("%d %-8v|%s\n", a.Number, s.Phase, bar)
		}
	}
	// Output:
	// 1 acquire |
	// 1 send    |#
	// 1 wait    | #
	// 2 acquire |  #######
	// 2 connect |  #######
	// 2 send    |         #
	// 2 wait    |          ########
	// 2 receive |                  #
}

// How long the server took to answer.
func ExamplePhase() {
	last := trace.Timelines(events())[0].Attempts[1]
	if wait := last.Find(trace.PhaseWait); wait != nil {
		fmt.Println(wait.Phase, wait.Duration())
	}
	// Output:
	// wait 8ms
}

package trace_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"sonde"
	"sonde/trace"
)

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "Hello world") }

// What a client did for one request.
func ExampleRecorder() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	var recorder trace.Recorder
	client, _ := sonde.New(sonde.Config{Sink: &recorder})
	defer client.Close()

	client.Get(context.Background(), s.URL)
	client.Get(context.Background(), s.URL)
	fmt.Println("calls:      ", recorder.Count(trace.CallDone))
	fmt.Println("connections:", recorder.Count(trace.ConnOpened))
	for _, e := range recorder.Events() {
		if e.Kind == trace.AcquireDone {
			fmt.Println(e.Kind, "reused:", e.Reused)
		}
	}
	// Output:
	// calls:       2
	// connections: 1
	// acquire-done reused: false
	// acquire-done reused: true
}

// A sink for one request.
func ExampleSinkFunc() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	print := trace.SinkFunc(func(e trace.Event) {
		switch e.Kind {
		case trace.ConnOpened:
			fmt.Println("new:", e.Reason)
		case trace.HeadRead:
			fmt.Println("status", e.Status)
		}
	})
	client.Get(context.Background(), s.URL, sonde.WithSink(print))
	// Output:
	// new: first to this route
	// status 200
}

// counter is a Sink that keeps numbers only. Record must not block.
type counter struct{ events, bytes int64 }

func (c *counter) Record(e trace.Event) {
	c.events++
	if e.Kind == trace.BodyRead {
		c.bytes += e.Bytes
	}
}

func ExampleSink() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	var count counter
	client, _ := sonde.New(sonde.Config{Sink: &count})
	defer client.Close()

	client.Get(context.Background(), s.URL)
	fmt.Println(count.bytes, "bytes of bodies,", count.events > 10)
	// Output: 11 bytes of bodies, true
}

func ExampleEvent() {
	e := trace.Event{Kind: trace.AcquireDone, Reused: true, Idle: 3 * time.Second, Conn: 7}
	fmt.Printf("%v: connection %d was idle for %v\n", e.Kind, e.Conn, e.Idle)
	// Output: acquire-done: connection 7 was idle for 3s
}

func ExampleKind() {
	for k := trace.ConnectStart; k <= trace.TLSDone; k++ {
		fmt.Println(k)
	}
	// Output:
	// connect-start
	// connect-done
	// tls-start
	// tls-done
}

func ExampleReason() {
	for _, r := range []trace.Reason{trace.AllBusy, trace.ServerClosed} {
		fmt.Println(r, "| opens:", r.Opens(), "| ends:", r.Ends())
	}
	// Output:
	// all connections busy | opens: true | ends: false
	// server closed it while idle | opens: false | ends: true
}

func ExampleReasons() {
	var counts trace.Reasons
	counts[trace.FirstToRoute] = 1
	counts[trace.IdleTimeout] = 2
	text, _ := json.Marshal(counts.Map())
	fmt.Println(string(text))
	// Output: {"first to this route":1,"idle timeout":2}
}

// A sink that shows less than it was told. Events share a Detail, so that it takes one
// of its own.
func ExampleDetail() {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	var recorder trace.Recorder
	nameless := trace.SinkFunc(func(e trace.Event) {
		if e.Host() != "" {
			own := *e.Detail
			own.Host = "somewhere"
			e.Detail = &own
		}
		recorder.Record(e)
	})
	get(s.URL, nameless)
	for _, e := range recorder.Events() {
		if e.Kind == trace.AcquireStart {
			fmt.Println(e.Kind, e.Host())
		}
	}
	// Output:
	// acquire-start somewhere
}

package sse_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"sonde"
	"sonde/sse"
)

// count sends a number per connection, from where the client left off.
func count(w http.ResponseWriter, r *http.Request) {
	next := map[string]string{"": "1", "1": "2", "2": "3"}[r.Header.Get("Last-Event-ID")]
	if next == "" {
		w.WriteHeader(http.StatusNoContent) // that was all
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "retry: 10\nid: %s\nevent: count\ndata: number %[1]s\n\n", next)
}

func ExampleSource() {
	server := httptest.NewServer(http.HandlerFunc(count))
	defer server.Close()
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	source := sse.Source{Client: client, Request: sonde.NewRequest(sonde.GET, server.URL), Wait: time.Second}
	for event, err := range source.Events(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.Type, event.ID, event.Data)
	}
	// Output:
	// count 1 number 1
	// count 2 number 2
	// count 3 number 3
}

func ExampleRead() {
	stream := "data: one\n\n: a comment\nevent: ping\ndata: two\ndata: lines\n\ndata: cut off"
	for event, err := range sse.Read(strings.NewReader(stream)) {
		fmt.Printf("%s %q %v\n", event.Type, event.Data, err)
	}
	// Output:
	// message "one" <nil>
	// ping "two\nlines" <nil>
}

func ExampleDecoder() {
	d := sse.NewDecoder(strings.NewReader("retry: 250\nid: 7\ndata: x\n\n"), sse.Limits{Line: 1 << 10})
	event, err := d.Next()
	fmt.Println(event.Data, d.LastID(), d.Retry(), err)
	// Output: x 7 250ms <nil>
}

// An Event is what stands between two blank lines.
func ExampleEvent() {
	var last sse.Event
	for event, err := range sse.Read(strings.NewReader("id: 1\ndata: a\n\nid: 2\nevent: end\ndata: b\n\n")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		last = event
	}
	fmt.Printf("%+v\n", last)
	// Output: {Type:end Data:b ID:2}
}

// Two requests, and everything that happens to them. A Sink is given every event:
// the call, the connection and why it is a new one, each part of the message, and
// what became of the connection. The second request shows how short the way is
// when the connection is there.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"sonde"
	"sonde/lab"
	"sonde/trace"
)

func main() {
	server, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client, err := sonde.New(sonde.Config{Sink: printer(time.Now())})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for range 2 {
		if _, err := client.Get(context.Background(), server.URL()); err != nil {
			log.Fatal(err)
		}
	}
}

// printer writes events with the time since start.
func printer(start time.Time) trace.SinkFunc {
	return func(e trace.Event) {
		line := fmt.Sprintf("%9.3f ms  call %d  %s", float64(e.Time.Sub(start))/1e6, e.Call, e.Kind)
		switch {
		case e.Reason != trace.NoReason:
			line += fmt.Sprintf(": %v", e.Reason)
		case e.Reused:
			line += fmt.Sprintf(": connection %d again, idle for %v", e.Conn, e.Idle)
		case e.Status != 0:
			line += fmt.Sprintf(": status %d", e.Status)
		case e.Bytes != 0:
			line += fmt.Sprintf(": %d bytes", e.Bytes)
		case e.Remote().IsValid():
			line += fmt.Sprintf(": %v", e.Remote())
		}
		if e.Err != nil {
			line += fmt.Sprintf(", error: %v", e.Err)
		}
		fmt.Println(line)
	}
}

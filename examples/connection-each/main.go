// Ten requests with sonde, each on a connection of its own: WithOneShot asks for
// that, for one request, and tells the server with Connection: close. Compare the
// time with that of examples/sequential to see what reuse saves.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"sonde"
	"sonde/lab"
)

func main() {
	server, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	start := time.Now()
	for range 10 {
		if _, err := sonde.Get(context.Background(), server.URL(), sonde.WithOneShot()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("10 requests,", server.Accepted(), "connections,", time.Since(start).Round(time.Microsecond))
}

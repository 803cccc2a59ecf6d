// Ten goroutines with sonde, ten requests each, with default settings. The pool
// keeps what the load needed: at most ten connections, one for each goroutine.
// There may be fewer, when a goroutine is done before another begins.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"
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

	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 10 {
				if _, err := sonde.Get(context.Background(), server.URL()); err != nil {
					log.Print(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	all.Wait()
	fmt.Println("100 requests,", server.Accepted(), "connections")
}

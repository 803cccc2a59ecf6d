// Ten goroutines with sonde, ten requests each, on at most three connections.
// Where a server bears only so many, MaxConnsPerOrigin is the limit: the other
// goroutines wait for their turn, first come, first served.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"

	"sonde"
	"sonde/lab"
)

func main() {
	server, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client, err := sonde.New(sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 3}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 10 {
				if _, err := client.Get(context.Background(), server.URL()); err != nil {
					log.Print(err)
				}
			}
		})
	}
	all.Wait()
	fmt.Println("100 requests,", server.Accepted(), "connections")
}

// A look into the pool of a client: connections are opened ahead with Warm, used
// by some requests, listed one by one with what they carried, counted with the
// reason for each, and closed while the client lives on.
package main

import (
	"context"
	"fmt"
	"log"

	"sonde"
	"sonde/lab"
)

func main() {
	server, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client, err := sonde.New(sonde.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, pool := context.Background(), client.Pool()

	opened, err := pool.Warm(ctx, server.URL(), 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(opened, "connections opened ahead")

	for range 5 {
		if _, err := client.Get(ctx, server.URL()); err != nil {
			log.Fatal(err)
		}
	}
	for c := range pool.Conns() {
		fmt.Printf("connection %d to %s: %d requests, opened because: %v\n", c.ID, c.Origin, c.Requests, c.Why)
	}

	pool.CloseIdle()
	stats := pool.Stats()
	fmt.Println(stats.Opened, "opened,", stats.Closed, "closed,", stats.Hits, "requests found one at once")
	for why, n := range stats.Reasons.All {
		fmt.Printf("%d × %v\n", n, why)
	}
}

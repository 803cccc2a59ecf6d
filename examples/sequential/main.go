// Ten requests with sonde, one after another, in the shortest way. Get returns the
// response complete, with its body in memory, so the connection is back in the
// pool before the program looks at the answer. Nothing is there to be closed, and
// the body may be used or not.
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

	for range 10 {
		if _, err := sonde.Get(context.Background(), server.URL()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("10 requests,", server.Accepted(), "connections")
}

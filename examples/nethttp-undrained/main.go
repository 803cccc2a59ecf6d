// Ten requests with net/http, one after another, and the mistake that everybody
// makes once: the body is neither read nor closed. The transport cannot know that
// nobody will read it, so the connection stays with its response for good, and
// the next request opens another one.
package main

import (
	"fmt"
	"log"
	"net/http"

	"sonde/lab"
)

func main() {
	server, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{}}
	for range 10 {
		resp, err := client.Get(server.URL())
		if err != nil {
			log.Fatal(err)
		}
		_ = resp.StatusCode // all that was wanted
	}
	fmt.Println("10 requests,", server.Accepted(), "connections")
}

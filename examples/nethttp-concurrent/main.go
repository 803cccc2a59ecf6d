// Ten goroutines with net/http, ten requests each, with default settings. Each
// burst needs ten connections, but the transport keeps only two idle ones for a
// host (DefaultMaxIdleConnsPerHost): eight are closed after each burst, and the
// next burst opens eight again. Every body is drained; that is not the reason.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	"sonde/lab"
)

func main() {
	server, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{}}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 10 {
				if err := get(client, server.URL()); err != nil {
					log.Print(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	all.Wait()
	fmt.Println("100 requests,", server.Accepted(), "connections")
}

func get(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

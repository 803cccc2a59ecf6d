// Ten goroutines with net/http, ten requests each, and a transport that keeps as
// many idle connections for a host as there are goroutines. That one setting makes
// the connections last. It has to be known, and to follow the load.
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

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10}}
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

// Ten requests with net/http, each on a connection of its own, because the
// transport may not keep any (DisableKeepAlives). Each request pays for a
// handshake, and leaves a socket in TIME_WAIT for a minute.
package main

import (
	"fmt"
	"io"
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

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 10 {
		if err := get(client, server.URL()); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("10 requests,", server.Accepted(), "connections")
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

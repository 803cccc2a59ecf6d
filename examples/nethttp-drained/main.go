// Ten requests with net/http, one after another, written as net/http asks for it:
// the body is read to its end, then closed. Only then does the connection go back
// to the transport, and the next request finds it there. Closing alone is not
// enough when much of the body is left, nor is json.Decoder, which stops before
// the end.
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

	client := &http.Client{Transport: &http.Transport{}}
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

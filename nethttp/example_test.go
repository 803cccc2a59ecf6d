package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"sonde"
	"sonde/nethttp"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	}))
	defer server.Close()

	client := &http.Client{Transport: nethttp.New(nil)} // the one line
	defer client.CloseIdleConnections()
	resp, err := client.Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %s %v\n", resp.Status, body, err)
	// Output: 200 OK hello <nil>
}

func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()

	transport := nethttp.New(&http.Transport{MaxConnsPerHost: 10})
	client := &http.Client{Transport: transport}
	for range 3 {
		resp, err := client.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
	}
	// What net/http does not tell:
	stats := transport.Client().Pool().Stats()
	fmt.Println(stats.Opened, "connection,", stats.Hits, "times used again")
	for conn := range transport.Client().Pool().Conns() {
		fmt.Println("opened because:", conn.Why)
	}
	transport.CloseIdleConnections()
	// Output:
	// 1 connection, 2 times used again
	// opened because: first to this route
}

func ExampleHandler() {
	// A mock that was written for net/http.
	mock := func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		fmt.Fprintf(w, "%s of %s", r.Method, r.URL)
		return w.Result(), nil
	}
	client, err := sonde.New(sonde.Config{Middleware: []sonde.Middleware{
		func(sonde.Handler) sonde.Handler { return nethttp.Handler(roundTripper(mock)) },
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	resp, err := client.Get(context.Background(), "http://example.com/")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", resp.Body)
	// Output: GET of http://example.com/
}

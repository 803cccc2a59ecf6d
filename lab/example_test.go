package lab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"sonde/lab"
)

// One experiment by both clients: without reading bodies to their ends net/http
// opens a connection for each request.
func ExampleLab() {
	var l *lab.Lab
	l, err := lab.New(lab.Config{Only: []string{"sequential-undrained"}, Requests: 3, Interval: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	for r, err := range l.Run(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		var result lab.Result = r
		var opened lab.Connections = result.Connections
		fmt.Println(result.Client, result.Requests, "requests,", opened.Server, "connections, as expected:", result.AsExpected)
	}
	// Output:
	// net/http 3 requests, 3 connections, as expected: true
	// sonde 3 requests, 1 connections, as expected: true
}

// Each request is told as it is over.
func ExampleRequest() {
	sent := make(chan lab.Request, 4)
	l, err := lab.New(lab.Config{
		Only: []string{"sequential-drained"}, Requests: 2, Interval: -1,
		OnRequest: func(r lab.Request) { sent <- r },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	for _, err := range l.Run(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
	}
	close(sent)
	for r := range sent {
		fmt.Println(r.Client, r.Number, r.Reused, r.Err)
	}
	// Output:
	// net/http 1 false <nil>
	// net/http 2 true <nil>
	// sonde 1 false <nil>
	// sonde 2 true <nil>
}

func ExampleExperiment() {
	for _, e := range lab.Experiments()[:2] {
		var what lab.Experiment = e
		fmt.Println(what.Name, what.Concurrent)
	}
	// Output:
	// sequential-undrained false
	// sequential-drained false
}

func ExampleExpectation() {
	one, some := lab.Expectation{Min: 1, Max: 1}, lab.Expectation{Min: 1, Max: 10}
	fmt.Println(one, one.Met(2), some, some.Met(2))
	// Output: 1 false ≤ 10 true
}

func ExampleReport() {
	kernel := 3
	text, err := json.MarshalIndent(lab.Report{
		Interval: "50ms",
		Experiments: []lab.Result{{
			Experiment: "sequential-undrained", Client: lab.NetHTTP, Requests: 3,
			Connections: lab.Connections{Client: 3, Server: 3, Kernel: &kernel},
			Time:        lab.Time{Median: 80 * time.Microsecond},
		}},
	}, "", " ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(json.Valid(text), len(text) > 100)
	// Output: true true
}

func ExampleServer() {
	var s *lab.Server
	s, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		transport := &http.Transport{} // one for each request, as should not be
		resp, err := (&http.Client{Transport: transport}).Get(s.URL())
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
	}
	fmt.Println(s.Accepted())
	// Output: 2
}

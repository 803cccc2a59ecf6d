package lab_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync/atomic"

	"sonde/lab"
)

// forgetful is net/http's client as it should not be used: a new one for each
// request.
type forgetful struct{ opened atomic.Int64 }

func (f *forgetful) Get(ctx context.Context, url string) (lab.Visit, error) {
	t := &http.Transport{}
	defer t.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return lab.Visit{}, err
	}
	resp, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		return lab.Visit{}, err
	}
	defer resp.Body.Close()
	f.opened.Add(1)
	_, err = io.Copy(io.Discard, resp.Body)
	return lab.Visit{}, err
}

func (f *forgetful) Account() lab.Account { return lab.Account{Opened: int(f.opened.Load())} }

func (f *forgetful) Close() {}

// Another client takes part in the experiments.
func ExampleContender() {
	each := lab.Contender{
		Name:   "forgetful",
		Open:   func(string, int) (lab.Subject, error) { return new(forgetful), nil },
		Expect: func(_ string, requests, _ int) lab.Expectation { return lab.Expectation{Min: requests, Max: requests} },
	}
	l, err := lab.New(lab.Config{Only: []string{"sequential-drained"}, Requests: 3, Interval: -1, Also: []lab.Contender{each}})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	for r, err := range l.Run(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Client, r.Connections.Server, r.AsExpected)
	}
	// Output:
	// net/http 1 true
	// sonde 1 true
	// forgetful 3 true
}

// One request of a client, as an experiment makes it.
func ExampleSubject() {
	s, err := lab.Serve("")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	var client lab.Subject = new(forgetful)
	defer client.Close()
	var seen lab.Visit
	if seen, err = client.Get(context.Background(), s.URL()); err != nil {
		log.Fatal(err)
	}
	var said lab.Account = client.Account()
	fmt.Println(seen.Reused, said.Opened, s.Accepted())
	// Output: false 1 1
}

package sonde_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"sonde"
)

// lastCookie is a Jar that keeps the cookie that was set last. Package cookie has
// a real one.
type lastCookie struct {
	mu   sync.Mutex
	pair string
}

func (j *lastCookie) Cookie(*url.URL) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.pair
}

func (j *lastCookie) SetCookies(_ *url.URL, values []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pair, _, _ = strings.Cut(values[len(values)-1], ";")
}

// A Jar takes the cookies of every response, and gives them to requests.
func ExampleJar() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "you sent %q", r.Header.Get("Cookie"))
		w.Header().Set("Set-Cookie", "late=1") // the head has gone
	}))
	defer server.Close()
	var jar sonde.Jar = &lastCookie{pair: "session=31"}
	resp, err := sonde.Get(context.Background(), server.URL, sonde.WithJar(jar))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", resp.Body)
	// Output: you sent "session=31"
}

// always is an HSTS that trusts no plain HTTP. Package hsts has one that learns.
type always struct{}

func (always) Secure(string) bool   { return true }
func (always) Learn(string, string) {}

// What HSTS says of a host decides before a connection is touched.
func ExampleHSTS() {
	var policy sonde.HSTS = always{}
	seen := func(sonde.Handler) sonde.Handler {
		return func(_ context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			fmt.Println(req.URL())
			return sonde.NewExchange(sonde.Head{Status: 200}, nil), nil
		}
	}
	client, err := sonde.New(sonde.Config{HSTS: policy, AttemptMiddleware: []sonde.Middleware{seen}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	if _, err := client.Get(context.Background(), "http://shop.example/"); err != nil {
		fmt.Println(err)
	}
	// Output: https://shop.example/
}

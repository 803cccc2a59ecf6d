package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"sonde"
)

// moved is a server that has moved /old to /new.
func moved() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		fmt.Fprint(w, "found at last")
	}))
}

// Redirects are followed, and the response says which.
func ExampleHop() {
	server := moved()
	defer server.Close()
	resp, err := sonde.Get(context.Background(), server.URL+"/old")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hop := range resp.History() {
		fmt.Println(hop.Status, "at", strings.TrimPrefix(hop.URL, server.URL))
	}
	fmt.Println(string(resp.Body))
	// Output:
	// 301 Moved Permanently at /old
	// found at last
}

// A policy sees each redirect before it is followed.
func ExampleRedirects() {
	client, _ := sonde.New(sonde.Config{Redirects: sonde.Redirects{
		Max: 3,
		Policy: func(r *sonde.Redirect) error {
			if r.Leaves {
				return errors.New("this service has no business elsewhere")
			}
			fmt.Println(r.Head.Status, "with", len(r.History), "before")
			return nil
		},
	}})
	defer client.Close()
	server := moved()
	defer server.Close()
	_, err := client.Get(context.Background(), server.URL+"/old")
	fmt.Println(err)
	// Output:
	// 301 Moved Permanently with 0 before
	// <nil>
}

// What is not followed is an error that says where it would have led.
func ExampleRedirectError() {
	server := moved()
	defer server.Close()
	_, err := sonde.Get(context.Background(), server.URL+"/old", sonde.WithRedirects(sonde.Redirects{
		Policy: func(r *sonde.Redirect) error { return errors.New("not that way") },
	}))
	var refused *sonde.RedirectError
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, strings.TrimPrefix(refused.To, server.URL), refused.Err)
	}
	// Output: 301 Moved Permanently /new not that way
}

// A Redirect that is kept is the response itself.
func ExampleRedirect() {
	server := moved()
	defer server.Close()
	resp, err := sonde.Get(context.Background(), server.URL+"/old", sonde.WithRedirects(sonde.Redirects{
		Policy: func(r *sonde.Redirect) error { return sonde.ErrKeepResponse },
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, resp.Header.Get("Location"))
	// Output: 301 Moved Permanently /new
}

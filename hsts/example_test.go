package hsts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sonde"
	"sonde/hsts"
)

func Example() {
	known, err := hsts.New(hsts.Config{Preload: []string{".bank.example"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A middleware answers here in the server's place.
	answer := func(sonde.Handler) sonde.Handler {
		return func(_ context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			fmt.Println(req.URL())
			return sonde.NewExchange(sonde.Head{Status: 200}, nil), nil
		}
	}
	client, err := sonde.New(sonde.Config{HSTS: known, AttemptMiddleware: []sonde.Middleware{answer}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, url := range []string{"http://www.bank.example/", "http://other.example/"} {
		if _, err := client.Get(context.Background(), url); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// https://www.bank.example/
	// http://other.example/
}

// What was learned is there when the program runs again.
func ExampleStore_Save() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "hsts")

	known, err := hsts.New(hsts.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	known.Learn("shop.example", "max-age=31536000; includeSubDomains")
	if err := known.Save(file); err != nil {
		fmt.Println(err)
		return
	}

	again, err := hsts.New(hsts.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := again.Load(file); err != nil {
		fmt.Println(err)
		return
	}
	for host := range again.All() {
		fmt.Println(host.Name, host.Subdomains, again.Secure("www."+host.Name))
	}
	// Output: shop.example true true
}

// What is known can be looked at.
func ExampleHost() {
	known, err := hsts.New(hsts.Config{Preload: []string{".bank.example"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	known.Learn("shop.example", "max-age=31536000")
	var host hsts.Host
	for host = range known.All() {
		fmt.Println(host.Name, host.Subdomains, host.Preloaded)
	}
	// Output:
	// bank.example true true
	// shop.example false false
}

// A file that cannot be read is refused as a whole, with the line that is wrong.
func ExampleLineError() {
	known, err := hsts.New(hsts.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = known.Decode(strings.NewReader("shop.example \"20300101 00:00:00\"\nshop.example tomorrow\n"))
	var line *hsts.LineError
	fmt.Println(errors.As(err, &line), line.Line)
	// Output: true 2
}

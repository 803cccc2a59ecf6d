package ndjson_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"sonde"
	"sonde/ndjson"
)

// echo sends a request's body back.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.Write(body)
}

func ExampleValues() {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	client, err := sonde.New(sonde.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	type city struct {
		Name   string
		People int
	}
	req := sonde.NewRequest(sonde.POST, server.URL, sonde.WithBody(ndjson.Body(slices.Values([]city{{"Ulm", 126_000}, {"Bern", 134_000}}))))
	err = client.Stream(context.Background(), req, func(ex *sonde.Exchange) error {
		for c, err := range ndjson.Values[city](ex.Body, 0) {
			if err != nil {
				return err
			}
			fmt.Println(c.Name, c.People)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// Ulm 126000
	// Bern 134000
}

// A line that is no JSON is told by its number.
func ExampleLineError() {
	for value, err := range ndjson.Values[int](strings.NewReader("1\n2\nthree\n"), 0) {
		var line *ndjson.LineError
		if errors.As(err, &line) {
			fmt.Println("line", line.Line, "is wrong")
			return
		}
		fmt.Println(value)
	}
	// Output:
	// 1
	// 2
	// line 3 is wrong
}

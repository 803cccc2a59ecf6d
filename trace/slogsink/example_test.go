package slogsink_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"sonde"
	"sonde/trace/slogsink"
)

// Calls in the log of a program.
func ExampleNew() {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case "time", "call", "conn":
			return slog.Attr{} // they differ from run to run
		}
		return a
	}}
	client, err := sonde.New(sonde.Config{Sink: slogsink.New(slog.New(slog.NewTextHandler(os.Stdout, options)), nil)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	client.Get(context.Background(), s.URL)
	// Output:
	// level=INFO msg=call-done status=200
}

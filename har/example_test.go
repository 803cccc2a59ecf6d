package har_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"sonde"
	"sonde/har"
)

// An archive that the developer tools of a browser open.
func ExampleRecorder() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer s.Close()
	recorder := har.New(har.Config{})
	client, _ := sonde.New(sonde.Config{Middleware: []sonde.Middleware{recorder.Middleware}})
	defer client.Close()

	client.Get(context.Background(), s.URL)
	client.Get(context.Background(), s.URL)

	path := filepath.Join(os.TempDir(), "example.har")
	defer os.Remove(path)
	if err := recorder.WriteFile(path); err != nil {
		fmt.Println(err)
	}
	fmt.Println(recorder.Len(), "entries")
	// Output:
	// 2 entries
}

// Bodies are kept by choice, at most so many bytes of each.
func ExampleConfig() {
	recorder := har.New(har.Config{RequestBodies: true, ResponseBodies: true, MaxBody: 1 << 20})
	fmt.Println(recorder.Len(), "entries")
	// Output:
	// 0 entries
}

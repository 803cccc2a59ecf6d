package download_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"sonde/download"
)

// fixed is a server of one resource.
func fixed(text string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader([]byte(text)))
	}))
}

func ExampleFile() {
	s := fixed("a large file")
	defer s.Close()
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)

	path := filepath.Join(dir, "file")
	_, err := download.File(context.Background(), s.URL, path, download.Options{})
	text, _ := os.ReadFile(path)
	fmt.Printf("%s %v\n", text, err)
	// Output: a large file <nil>
}

// Four parts at once, each with its own request.
func ExampleOptions() {
	s := fixed("a large file, in parts")
	defer s.Close()
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)

	opts := download.Options{Parts: 4, MinPart: 4}
	result, err := download.File(context.Background(), s.URL, filepath.Join(dir, "file"), opts)
	fmt.Println(result.Size, result.Requests, err)
	// Output: 22 5 <nil>
}

func ExampleResult() {
	s := fixed("a file")
	defer s.Close()
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)

	var result download.Result
	result, err := download.File(context.Background(), s.URL, filepath.Join(dir, "file"), download.Options{})
	fmt.Println(result.Size, result.Resumed, result.ETag, err)
	// Output: 6 0 "v1" <nil>
}

// Uploads in three ways: a file, which the kernel copies to the socket by itself
// where it can; a reader of unknown length, which goes chunked as it comes; and a
// value as JSON, with the answer decoded in the same line.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"sonde"
)

type receipt struct {
	Method string
	Length int64 // as announced, -1 if it was not
	Bytes  int64
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(count))
	defer server.Close()
	dir, err := os.MkdirTemp("", "upload-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := upload(context.Background(), server.URL, filepath.Join(dir, "data")); err != nil {
		log.Print(err)
	}
}

func upload(ctx context.Context, url, path string) error {
	if err := os.WriteFile(path, make([]byte, 10<<20), 0o600); err != nil {
		return err
	}
	r, err := sonde.JSON[receipt](sonde.Put(ctx, url, sonde.File(path)))
	if err != nil {
		return err
	}
	fmt.Printf("file:   %+v\n", r)

	pr, pw := io.Pipe()
	go func() {
		for i := range 1000 {
			fmt.Fprintln(pw, "line", i)
		}
		pw.Close()
	}()
	r, err = sonde.JSON[receipt](sonde.Post(ctx, url, sonde.Reader(pr, -1)))
	if err != nil {
		return err
	}
	fmt.Printf("reader: %+v\n", r)

	r, err = sonde.PostJSON[receipt](ctx, url, map[string]int{"answer": 42})
	if err != nil {
		return err
	}
	fmt.Printf("JSON:   %+v\n", r)
	return nil
}

// count answers with what it got.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	json.NewEncoder(w).Encode(receipt{r.Method, r.ContentLength, n})
}

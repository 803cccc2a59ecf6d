// A download that does not fit into memory. Stream hands out the response once its
// head is there and ends it when the func returns, whatever happened in it: there
// is nothing to close here either. A download that breaks off is an error, never a
// short file that looks whole.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"sonde"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(large))
	defer server.Close()

	file, err := os.CreateTemp("", "download-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file.Name())

	req := sonde.NewRequest(sonde.GET, server.URL)
	err = sonde.Stream(context.Background(), req, func(ex *sonde.Exchange) error {
		n, err := io.Copy(file, ex.Body)
		fmt.Println(ex.Status, n, "bytes")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}

// large answers with 64 MiB.
func large(w http.ResponseWriter, r *http.Request) {
	part := make([]byte, 1<<20)
	for range 64 {
		w.Write(part)
	}
}

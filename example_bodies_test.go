package sonde_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"sonde"
	"sonde/br"
	"sonde/zstd"
)

// packing answers in the first coding that is asked for.
func packing(codings ...sonde.Coding) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range codings {
			if strings.Contains(r.Header.Get("Accept-Encoding"), c.Name()) {
				w.Header().Set("Content-Encoding", c.Name())
				enc, _ := c.NewWriter(w)
				io.WriteString(enc, strings.Repeat("hello ", 100))
				enc.Close()
				return
			}
		}
	}))
}

// Brotli and Zstandard are asked for, and decoded, by a client that was given them.
func ExampleCoding() {
	server := packing(zstd.Coding{})
	defer server.Close()

	client, err := sonde.New(sonde.Config{Codings: []sonde.Coding{br.Coding{}, zstd.Coding{}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	resp, err := client.Get(context.Background(), server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Decoded(), len(resp.Body), resp.Received() < 100)
	// Output: zstd 600 true
}

func ExampleWithoutDecoding() {
	server := packing(sonde.Gzip())
	defer server.Close()
	resp, err := sonde.Get(context.Background(), server.URL, sonde.WithoutDecoding(), sonde.WithHeader("Accept-Encoding", "gzip"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Header.Get("Content-Encoding"), len(resp.Body) < 100)
	// Output: gzip true
}

func ExampleWithDecoding() {
	server := packing(sonde.Gzip())
	defer server.Close()
	resp, err := sonde.Get(context.Background(), server.URL, sonde.WithDecoding(), sonde.WithHeader("Accept-Encoding", "gzip;q=0.5"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Decoded(), len(resp.Body))
	// Output: gzip 600
}

func ExampleBody_Compressed() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, _ := io.ReadAll(z)
		fmt.Fprintf(w, "%s %d", r.Header.Get("Content-Encoding"), len(text))
	}))
	defer server.Close()

	body := sonde.Text(strings.Repeat("hello ", 100)).Compressed(sonde.Gzip())
	resp, err := sonde.Post(context.Background(), server.URL, body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", resp.Body)
	// Output: gzip 600
}

func ExampleDeflate() {
	var out bytes.Buffer
	w, _ := sonde.Deflate().NewWriter(&out)
	io.WriteString(w, "hello")
	w.Close()
	r, _ := sonde.Deflate().NewReader(&out)
	text, err := io.ReadAll(r)
	fmt.Printf("%s %v\n", text, err)
	// Output: hello <nil>
}

func ExampleWithUploadProgress() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	}))
	defer server.Close()

	var sent, received int64
	_, err := sonde.Post(context.Background(), server.URL, sonde.Bytes(make([]byte, 100000)),
		sonde.WithUploadProgress(func(n, total int64) { sent = n * 100 / total }),
		sonde.WithDownloadProgress(func(n, total int64) { received = n }))
	fmt.Println(sent, "% sent,", received, "bytes received", err)
	// Output: 100 % sent, 100000 bytes received <nil>
}

// short is a check that refuses what is too short.
type short struct{ least, n int }

func (s *short) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }

func (s *short) End(sonde.Header) error {
	if s.n < s.least {
		return fmt.Errorf("only %d bytes", s.n)
	}
	return nil
}

func ExampleContentCheck() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer server.Close()
	_, err := sonde.Get(context.Background(), server.URL,
		sonde.WithContentCheck(func(*sonde.Head) sonde.ContentCheck { return &short{least: 10} }))
	e, _ := errors.AsType[*sonde.Error](err)
	fmt.Println(e.Op, e.Err)
	// Output: decode only 5 bytes
}

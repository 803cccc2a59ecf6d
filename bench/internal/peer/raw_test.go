package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sonde"
	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// TestSameBytes: raw asks by the very bytes that sonde asks by, so that both give
// kernel and server the same work.
func TestSameBytes(t *testing.T) {
	addr, asked := listening(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	get := job(t, Job{Addr: addr, Path: serve.Small, Workers: 1})
	shut := job(t, Job{Addr: addr, Path: serve.Close, Workers: 1})
	up := job(t, Job{Addr: addr, Path: serve.Up, Workers: 1, File: file, Size: 1000})
	for range 2 { // what NewJob has asked by
		<-asked
	}
	for _, c := range []struct {
		name       string
		raw, sonde measure.Client
	}{
		{"GET", Raw(get, Context{}), SondeDoInto(get, Context{})},
		{"Do", RawHold(get), SondeDo(get)},
		{"one connection each", RawOneShot(shut), SondeDoInto(shut, Context{}, sonde.WithOneShot())},
		{"upload", RawUpload(up), SondeUpload(up)},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := once(t, c.raw, asked)
			got := once(t, c.sonde, asked)
			if !slices.Equal(got, want) {
				t.Errorf("sonde sends\n%q, raw\n%q", got, want)
			}
		})
	}
}

func job(t *testing.T, j Job) *Job {
	t.Helper()
	made, err := NewJob(j)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// once has the client do its work twice, and returns the heads of its requests.
func once(t *testing.T, c measure.Client, asked <-chan string) []string {
	t.Helper()
	if c.Close != nil {
		defer c.Close()
	}
	op, err := c.Op(0)
	var heads []string
	for range 2 { // the second time a Request has its head ready
		if err == nil {
			err = op()
		}
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, <-asked)
	}
	return heads
}

// listening is the address of a server that tells the head of each request, as it
// came.
func listening(t *testing.T) (string, <-chan string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	asked := make(chan string, 16)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go answering(c, asked)
		}
	}()
	return ln.Addr().String(), asked
}

func answering(c net.Conn, asked chan<- string) {
	defer c.Close()
	var all bytes.Buffer
	for in := bufio.NewReader(io.TeeReader(c, &all)); ; all.Reset() {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, req.Body)
		if err != nil {
			return
		}
		head, _, _ := bytes.Cut(all.Bytes(), []byte("\r\n\r\n"))
		asked <- string(head)
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%0*d", uploadAnswer, uploadAnswer, n)
		if req.Close {
			return
		}
	}
}

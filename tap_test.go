package sonde_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"sonde"
)

// TestTap: taps see every byte and one end, however the body is read.
func TestTap(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "0123456789")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path != "/none" {
			io.WriteString(w, "0123456789")
		}
	}))
	defer srv.Close()
	made := func(body io.Reader) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
			return sonde.NewExchange(sonde.Head{Status: 200}, body), nil
		}
	}
	c := newClient(t, sonde.Config{Schemes: map[string]sonde.Handler{
		"made": made(strings.NewReader("0123456789")), "empty": made(nil),
	}})
	all := func(ex *sonde.Exchange) { io.ReadAll(struct{ io.Reader }{ex.Body}) }
	for _, tt := range []struct {
		url  string
		read func(*sonde.Exchange)
		want string
		end  error
	}{
		{srv.URL, all, "0123456789", io.EOF},
		{srv.URL, func(ex *sonde.Exchange) { ex.Body.WriteTo(io.Discard) }, "0123456789", io.EOF},
		{srv.URL, func(ex *sonde.Exchange) { io.ReadFull(ex.Body, make([]byte, 3)) }, "012", fs.ErrClosed},
		{srv.URL + "/none", func(*sonde.Exchange) {}, "", io.EOF},
		{srv.URL + "/cut", all, "0123456789", io.ErrUnexpectedEOF},
		{"made://x", all, "0123456789", io.EOF},
		{"empty://x", all, "", io.EOF},
	} {
		ex, err := c.Open(background, sonde.NewRequest(sonde.GET, tt.url))
		if err != nil {
			t.Fatal(err)
		}
		var first, second bytes.Buffer
		var ends []error
		for _, to := range []*bytes.Buffer{&first, &second} {
			ex.Body.Tap(func(p []byte, end error) {
				if to.Write(p); end != nil {
					ends = append(ends, end)
				}
			})
		}
		tt.read(ex)
		ex.Close()
		ex.Close()
		if first.String() != tt.want || second.String() != tt.want || len(ends) != 2 || !errors.Is(ends[0], tt.end) || !errors.Is(ends[1], tt.end) {
			t.Errorf("%s: %q %q, ends %v, want %q and %v twice", tt.url, first.String(), second.String(), ends, tt.want, tt.end)
		}
	}
}

// TestBodyTap: a witness of a request's body gets each attempt's bytes.
func TestBodyTap(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	defer srv.Close()
	c := newClient(t, sonde.Config{})
	path := t.TempDir() + "/f"
	if err := os.WriteFile(path, []byte("a body"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]sonde.Body{
		"bytes": sonde.Text("a body"), "file": sonde.File(path), "seeker": sonde.Reader(strings.NewReader("a body"), -1),
		"reader": sonde.Reader(io.MultiReader(strings.NewReader("a "), strings.NewReader("body")), -1),
	} {
		var saw [2]strings.Builder
		for i := range saw {
			body = body.Tap(func() io.Writer {
				saw[i].WriteString("|")
				return &saw[i]
			})
		}
		resp, err := c.Post(background, srv.URL, body)
		if err != nil || string(resp.Body) != "a body" || saw[0].String() != "|a body" || saw[1].String() != "|a body" {
			t.Errorf("%s: %v %q %q", name, err, saw[0].String(), saw[1].String())
		}
	}
}

// A middleware that counts bytes as they are read.
func ExampleBodyReader_Tap() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello world") }))
	defer s.Close()
	counting := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			ex, err := next(ctx, req)
			if err != nil {
				return nil, err
			}
			n := 0
			ex.Body.Tap(func(p []byte, end error) {
				if n += len(p); end != nil {
					fmt.Println(n, "bytes, then", end)
				}
			})
			return ex, nil
		}
	}
	client, _ := sonde.New(sonde.Config{Middleware: []sonde.Middleware{counting}})
	defer client.Close()
	client.Get(context.Background(), s.URL)
	// Output:
	// 11 bytes, then EOF
}

// The pool for Prometheus, as a handler would serve it.
func ExampleWritePoolMetrics() {
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()
	var out strings.Builder
	sonde.WritePoolMetrics(&out, map[string]sonde.PoolStats{"api": client.Pool().Stats()})
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "sonde_pool_connections") {
			fmt.Print(line)
		}
	}
	// Output:
	// sonde_pool_connections{pool="api",state="idle"} 0
	// sonde_pool_connections{pool="api",state="active"} 0
	// sonde_pool_connections{pool="api",state="dialing"} 0
}

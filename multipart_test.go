package sonde_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"sonde"
)

// formServer says what net/http makes of a form.
func formServer(t testing.TB) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		defer r.MultipartForm.RemoveAll()
		fmt.Fprintf(w, "length %d\n", r.ContentLength)
		for _, name := range []string{"plain", `a"b`, "empty"} {
			if v, ok := r.MultipartForm.Value[name]; ok {
				fmt.Fprintf(w, "field %s=%q\n", name, v)
			}
		}
		for _, name := range []string{"one", "two"} {
			for _, f := range r.MultipartForm.File[name] {
				in, _ := f.Open()
				b, _ := io.ReadAll(in)
				in.Close()
				fmt.Fprintf(w, "file %s %s %s %s: %d bytes\n", name, f.Filename, f.Header.Get("Content-Type"), f.Header.Get("X-Extra"), len(b))
			}
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestMultipart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var extra sonde.Header
	extra.Set("X-Extra", "more")
	srv := formServer(t)
	c := newClient(t, sonde.Config{})
	for _, tt := range []struct {
		name  string
		parts []sonde.Part
		want  string // %d is the length
		known bool
	}{
		{"fields", []sonde.Part{
			{Name: "plain", Body: sonde.Bytes([]byte("value"))},
			{Name: `a"b`, Body: sonde.Bytes([]byte("two\r\nlines"))},
			{Name: "empty"},
		}, "field plain=[\"value\"]\nfield empty=[\"\"]\n", true},
		{"files", []sonde.Part{
			{Name: "one", FileName: "x.txt", Body: sonde.File(path)},
			{Name: "two", FileName: "y.json", Header: extra, Body: sonde.JSONBody(1)},
		}, "file one x.txt application/octet-stream : 100000 bytes\nfile two y.json application/json more: 1 bytes\n", true},
		{"a reader of unknown length", []sonde.Part{
			{Name: "one", FileName: "r", Body: sonde.Reader(struct{ io.Reader }{strings.NewReader("abc")}, -1)},
		}, "file one r application/octet-stream : 3 bytes\n", false},
		{"a reader of known length", []sonde.Part{
			{Name: "one", FileName: "r", Body: sonde.Reader(struct{ io.Reader }{strings.NewReader("abc")}, 3)},
		}, "file one r application/octet-stream : 3 bytes\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := c.Post(background, srv.URL, sonde.Multipart(tt.parts...))
			if err != nil {
				t.Fatal(err)
			}
			length, rest, _ := strings.Cut(string(r.Body), "\n")
			if known := length != "length -1"; known != tt.known {
				t.Errorf("%s, want it known: %v", length, tt.known)
			}
			for _, line := range strings.Split(strings.TrimSpace(tt.want), "\n") {
				line = strings.Replace(line, "field two y", "file two y", 1)
				if !strings.Contains(rest, line) {
					t.Errorf("no %q in\n%s", line, rest)
				}
			}
		})
	}
}

// closes counts how often it is closed.
type closes struct {
	io.Reader
	n *atomic.Int32
}

func (c closes) Close() error { c.n.Add(1); return nil }

func TestMultipartErrors(t *testing.T) {
	srv := formServer(t)
	c := newClient(t, sonde.Config{})
	var n atomic.Int32
	for _, tt := range []struct {
		name  string
		parts []sonde.Part
		want  string
	}{
		{"no name", []sonde.Part{{Body: sonde.Text("x")}}, "no name"},
		{"no such file", []sonde.Part{
			{Name: "one", Body: sonde.Reader(closes{strings.NewReader("x"), &n}, 1)},
			{Name: "two", Body: sonde.File("/does/not/exist")},
			{Name: "three", Body: sonde.Reader(closes{strings.NewReader("x"), &n}, 1)},
		}, "no such file"},
		{"too short", []sonde.Part{{Name: "one", Body: sonde.Reader(closes{strings.NewReader("x"), &n}, 2)}}, "ended after 1 of 2"},
		{"too long", []sonde.Part{{Name: "one", Body: sonde.Reader(closes{strings.NewReader("xyz"), &n}, 2)}}, "longer than"},
	} {
		_, err := c.Post(background, srv.URL, sonde.Multipart(tt.parts...))
		var e *sonde.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if n.Load() != 4 {
		t.Errorf("%d of 4 readers closed", n.Load())
	}
	mustGet(t, c, newPeer(t, func(c *peerConn) { c.serve(okAnswer) }).url(), "ok")
}

func ExampleMultipart() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, head, _ := r.FormFile("photo")
		defer f.Close()
		fmt.Fprintf(w, "%s: %s, %d bytes", r.FormValue("title"), head.Filename, head.Size)
	}))
	defer srv.Close()
	resp, err := sonde.Post(background, srv.URL, sonde.Multipart(
		sonde.Part{Name: "title", Body: sonde.Bytes([]byte("Sunset"))},
		sonde.Part{Name: "photo", FileName: "sunset.jpg", Body: sonde.Bytes(make([]byte, 1000)).WithMediaType("image/jpeg")},
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: Sunset: sunset.jpg, 1000 bytes
}

func ExamplePart() {
	form := sonde.Multipart(sonde.Part{Name: "q", Body: sonde.Form(url.Values{"a": {"b"}})})
	req := sonde.NewRequest(sonde.POST, "http://example.com/", sonde.WithBody(form))
	kind, _, _ := strings.Cut(req.Header().Get("Content-Type"), ";")
	fmt.Println(kind)
	// Output: multipart/form-data
}

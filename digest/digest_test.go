package digest_test

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
	"testing"

	"sonde"
	"sonde/digest"
)

// vector is RFC 9530's own, of its appendix B.1: the content and its digest.
const (
	vector    = "{\"hello\": \"world\"}\n"
	vectorSum = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
)

func TestField(t *testing.T) {
	if got, err := digest.Field([]byte(vector)); got != vectorSum || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	both, err := digest.Field([]byte(vector), digest.SHA512, digest.SHA256)
	if err != nil || !strings.HasPrefix(both, "sha-512=:") || !strings.HasSuffix(both, ", "+vectorSum) {
		t.Errorf("%s, %v", both, err)
	}
	if got := digest.Parse(both); len(got) != 2 || got[1].Algorithm != digest.SHA256 || len(got[1].Sum) != 32 {
		t.Errorf("%v", got)
	}
	if _, err := digest.Field(nil, "md5"); err == nil {
		t.Error("md5 is known")
	}
	for _, field := range []string{"", "md5=:aaaa:", "sha-256=:aaaa:", "sha-256=aaaa", "sha-256=(:aaaa:)", "sha-256=:", vectorSum + ","} {
		if got := digest.Parse(field); len(got) != 0 {
			t.Errorf("%q is %v", field, got)
		}
	}
}

// server answers with what the path names.
func server(t *testing.T) string {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, strings.Repeat(vector, 100))
	z.Close()
	packedSum, _ := digest.Field(packed.Bytes(), digest.SHA512)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, body := w.Header(), vector
		switch r.URL.Path {
		case "/content":
			h.Set("Content-Digest", vectorSum)
		case "/repr":
			h.Set("Repr-Digest", vectorSum)
		case "/wrong":
			h.Set("Content-Digest", vectorSum)
			body = vector[1:]
		case "/one-wrong":
			h.Set("Content-Digest", vectorSum)
			h.Set("Repr-Digest", packedSum)
		case "/unknown":
			h.Set("Content-Digest", "md5=:aaaa:")
		case "/gzip":
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Digest", packedSum)
			body = packed.String()
		case "/part":
			h.Set("Content-Range", "bytes 0-3/19")
			h.Set("Repr-Digest", vectorSum)
			body = vector[:4]
			w.WriteHeader(206)
		case "/trailer", "/wrong-trailer":
			h.Set("Trailer", "Content-Digest")
			io.WriteString(w, vector)
			w.(http.Flusher).Flush()
			if body = ""; r.URL.Path == "/wrong-trailer" {
				body = "more"
			}
			h.Set("Content-Digest", vectorSum)
		case "/echo":
			all, _ := io.ReadAll(r.Body)
			body = r.Header.Get("Content-Digest") + r.Trailer.Get("Content-Digest") + " " + string(all)
		}
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestCheck: a body is what its digest says, or its end is an error.
func TestCheck(t *testing.T) {
	url := server(t)
	c, err := sonde.New(sonde.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, tt := range []struct {
		path            string
		check, required error
	}{
		{"/content", nil, nil},
		{"/repr", nil, nil},
		{"/wrong", digest.ErrMismatch, digest.ErrMismatch},
		{"/one-wrong", digest.ErrMismatch, digest.ErrMismatch},
		{"/unknown", nil, digest.ErrMissing},
		{"/none", nil, digest.ErrMissing},
		{"/gzip", nil, nil},
		{"/part", nil, digest.ErrMissing},
		{"/trailer", nil, nil},
		{"/wrong-trailer", digest.ErrMismatch, digest.ErrMismatch},
	} {
		for i, want := range []error{tt.check, tt.required} {
			opt := []sonde.Option{digest.WithCheck(), digest.WithRequired()}[i]
			r, err := c.Get(context.Background(), url+tt.path, opt)
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s: %v, want %v", tt.path, err, want)
			}
			if e := new(sonde.Error); err != nil && (!errors.As(err, &e) || e.Op != sonde.OpDecode) {
				t.Errorf("%s: %v", tt.path, err)
			}
			if err == nil && tt.path == "/gzip" && (r.Decoded() != "gzip" || string(r.Body) != strings.Repeat(vector, 100)) {
				t.Errorf("%s: decoded %q, %d bytes", tt.path, r.Decoded(), len(r.Body))
			}
		}
	}
}

// TestWithBody: a request's digest is in its head, or follows.
func TestWithBody(t *testing.T) {
	url := server(t)
	for name, b := range map[string]sonde.Body{
		"bytes": sonde.Text(vector), "once": sonde.Reader(struct{ io.Reader }{strings.NewReader(vector)}, -1),
	} {
		r, err := sonde.Do(context.Background(), sonde.NewRequest(sonde.POST, url+"/echo", digest.WithBody(b)))
		if err != nil || string(r.Body) != vectorSum+" "+vector {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	packed := sonde.Text(vector).Compressed(sonde.Gzip())
	r, err := sonde.Do(context.Background(), sonde.NewRequest(sonde.POST, url+"/echo", digest.WithBody(packed)))
	if err != nil || !bytes.Contains(r.Body, []byte("=: \x1f\x8b")) || bytes.HasPrefix(r.Body, []byte(vectorSum)) {
		t.Errorf("compressed: %q, %v", r.Body, err)
	}
	sonde.Default().Pool().CloseIdle()
	for name, opt := range map[string]sonde.Option{
		"algorithm": digest.WithBody(sonde.Text(vector), "md5"), "file": digest.WithBody(sonde.File(t.TempDir() + "/none")),
	} {
		if _, err := sonde.Do(context.Background(), sonde.NewRequest(sonde.POST, url, opt)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func ExampleWithCheck() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Digest", vectorSum)
		io.WriteString(w, "something else")
	}))
	defer s.Close()
	_, err := sonde.Get(context.Background(), s.URL, digest.WithCheck())
	fmt.Println(errors.Is(err, digest.ErrMismatch))
	// Output: true
}

func ExampleField() {
	field, err := digest.Field([]byte("{\"hello\": \"world\"}\n"))
	fmt.Println(field, err)
	// Output: sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=: <nil>
}

func ExampleDigest() {
	for _, d := range digest.Parse(vectorSum, "md5=:HUXZLQLMuI/KZ5KDcJPcOA==:") {
		fmt.Println(d.Algorithm, len(d.Sum))
	}
	// Output: sha-256 32
}

func ExampleAlgorithm() {
	h := digest.SHA512.New()
	fmt.Println(h.Size(), digest.Algorithm("md5").New())
	// Output: 64 <nil>
}

package ndjson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"sonde"
)

// TestValues: lines, and what is wrong with them.
func TestValues(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"lines", "1\n2\n3\n", "1 2 3 "},
		{"CRLF and blanks", "\n 1 \r\n\r\n\t\n2\r\n  ", "1 2 "},
		{"nothing", "", ""},
		{"a bad line in between", "1\nx\n\n2\n", "1 (line 2: invalid character 'x' looking for beginning of value) 2 "},
		{"another type", "1\n\"a\"\n2\n", "1 (line 2: json: cannot unmarshal string into Go value of type int) 2 "},
		{"two in a line", "1 2\n3\n", "(line 1: invalid character '2' after top-level value) 3 "},
		{"a number that is cut off", "1\n12", "1 (line 2: cut off: unexpected EOF) "},
		{"too long", "1\n" + strings.Repeat("2", 21) + "\n3\n", "1 (line 2: larger than the limit, 20 bytes) "},
		{"just not too long", "\"" + strings.Repeat("2", 18) + "\"\r\n1\n", "(line 1: json: cannot unmarshal string into Go value of type int) 1 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				got := ""
				for v, err := range Values[int](r, 20) {
					if err != nil {
						got += "(" + strings.TrimPrefix(err.Error(), "ndjson: ") + ") "
						continue
					}
					got += fmt.Sprint(v, " ")
				}
				if got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
		})
	}
	for in, want := range map[string]bool{
		`{"a":1}`: true, `[1]`: true, `"a"`: true, "true": true, "null": true, " {} ": true,
		`{"a":1`: false, `{"a":1}{`: false, "tru": false, "1": false, "1 ": false, "-1e5": false,
	} {
		for _, err := range Values[any](strings.NewReader(in), 0) {
			if ok := err == nil; ok != want || !ok && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s at the end: %v", in, err)
			}
		}
	}
	broken := errors.New("broken")
	n := 0
	for v, err := range Values[int](io.MultiReader(strings.NewReader("1\n2"), iotest.ErrReader(broken)), 0) {
		if n++; n == 1 && v != 1 || n == 2 && err != broken {
			t.Error(v, err)
		}
	}
	if n != 2 {
		t.Error(n, "rounds")
	}
}

// FuzzValues: lines are those of a plain splitting, whatever the pieces in which
// they come.
func FuzzValues(f *testing.F) {
	f.Add("1\n{\"a\": [2]}\r\n\n\"x\"")
	f.Fuzz(func(t *testing.T, in string) {
		type result struct {
			text string
			bad  bool
		}
		var want []result
		for line := range strings.Lines(in) {
			whole := strings.HasSuffix(line, "\n")
			line = strings.Trim(line, " \t\r\n\v\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000")
			if line == "" {
				continue
			}
			bad := !json.Valid([]byte(line)) || !whole && line[len(line)-1] >= '0' && line[len(line)-1] <= '9'
			if bad {
				line = ""
			}
			want = append(want, result{line, bad})
		}
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			var got []result
			for v, err := range Values[json.RawMessage](r, 0) {
				got = append(got, result{string(v), err != nil})
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%q: %+v, want %+v", in, got, want)
			}
		}
	})
}

// serve serves h on a free port, and counts connections.
func serve(t *testing.T, h http.HandlerFunc) (url string, conns func() int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan struct{}, 100)
	srv := &http.Server{Handler: h, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened <- struct{}{}
		}
	}}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	return "http://" + ln.Addr().String(), func() int { return len(opened) }
}

func client(t *testing.T) *sonde.Client {
	c, err := sonde.New(sonde.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestReuse: a loop to the end leaves the connection to the next request.
func TestReuse(t *testing.T) {
	url, conns := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 1000 {
			fmt.Fprintf(w, "{\"n\":%d}\n", i)
			w.(http.Flusher).Flush()
		}
	})
	c := client(t)
	for range 3 {
		ex, err := c.Open(t.Context(), sonde.NewRequest(sonde.GET, url))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for v, err := range Values[struct{ N int }](ex.Body, 0) {
			if err != nil || v.N != n {
				t.Fatal(v, err)
			}
			n++
		}
		if n != 1000 || !ex.Body.Done() {
			t.Error(n, ex.Body.Done())
		}
	}
	if n := conns(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestTruncated: a body that the connection's end cuts off between two lines is
// an error all the same.
func TestTruncated(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "1\n2\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	ex, err := client(t).Open(t.Context(), sonde.NewRequest(sonde.GET, url))
	if err != nil {
		t.Fatal(err)
	}
	defer ex.Close()
	got := ""
	for v, err := range Values[int](ex.Body, 0) {
		if _, ours := errors.AsType[*sonde.Error](err); ours {
			got += "error"
		} else {
			got += fmt.Sprint(v, " ")
		}
	}
	if got != "1 2 error" {
		t.Error(got)
	}
}

// TestBody: values are sent as they come, and anew for another attempt.
func TestBody(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d %v %s", r.Header.Get("Content-Type"), r.ContentLength, err, body)
	})
	stopped := 0
	numbers := func(yield func(int) bool) {
		defer func() { stopped++ }()
		for i := range 3 {
			if !yield(i) {
				return
			}
		}
	}
	c := client(t)
	body := Body(numbers)
	for range 2 {
		resp, err := c.Post(t.Context(), url, body)
		if err != nil || string(resp.Body) != "application/x-ndjson -1 <nil> 0\n1\n2\n" {
			t.Fatal(resp, err)
		}
	}
	if stopped != 2 {
		t.Error("the values were ranged over", stopped, "times")
	}
	if resp, err := c.Post(t.Context(), url, Body[int](nil)); err != nil || !strings.HasSuffix(string(resp.Body), "<nil> ") {
		t.Error(resp, err)
	}
	_, err := c.Post(t.Context(), url, Body(func(yield func(any) bool) { _ = yield(1) && yield(func() {}) }))
	if _, ok := errors.AsType[*json.UnsupportedTypeError](err); !ok {
		t.Error(err)
	}
}

// TestBodyStops: a call that ends early stops the values, also while it waits for
// one.
func TestBodyStops(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // or net/http would wait for the body
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	stopped, more := make(chan struct{}), make(chan struct{})
	values := func(yield func(int) bool) {
		defer close(stopped)
		for yield(1) {
			<-more
		}
	}
	c := client(t)
	_, err := c.Post(t.Context(), url, Body(iter.Seq[int](values)))
	if status, ok := errors.AsType[*sonde.StatusError](err); !ok || status.Status != 413 {
		t.Error(err)
	}
	close(more)
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Error("the values were not stopped")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Post(ctx, url, Body(iter.Seq[int](func(func(int) bool) { t.Error("ranged over") }))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

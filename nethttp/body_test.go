package nethttp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/nethttp"
	"sonde/trace"
)

// counted is a body that counts how often it is closed.
type counted struct {
	io.Reader
	closed atomic.Int32
}

func (c *counted) Close() error {
	c.closed.Add(1)
	return nil
}

// TestRequestBodyClosed: the request's body is closed once on every path.
func TestRequestBodyClosed(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			io.Copy(io.Discard, r.Body)
		}
	})
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name string
		edit func(*http.Request)
		fail bool
	}{
		{"read", func(r *http.Request) { r.URL.Path = "/read" }, false},
		{"chunked", func(r *http.Request) { r.URL.Path, r.ContentLength = "/read", -1 }, false},
		{"not read", func(r *http.Request) {}, false},
		{"nil URL", func(r *http.Request) { r.URL = nil }, true},
		{"nil header", func(r *http.Request) { r.Header = nil }, true},
		{"bad field", func(r *http.Request) { r.Header["X"] = []string{"a\nb"} }, true},
		{"bad trailer", func(r *http.Request) { r.Trailer = http.Header{"\n": nil} }, true},
		{"bad method", func(r *http.Request) { r.Method = "A B" }, true},
		{"no host", func(r *http.Request) { r.URL.Host = "" }, true},
		{"scheme", func(r *http.Request) { r.URL.Scheme = "x" }, true},
		{"refused", func(r *http.Request) { r.URL.Host = "127.0.0.1:1" }, true},
		{"too short", func(r *http.Request) { r.ContentLength = 20 }, true},
		{"too long", func(r *http.Request) { r.ContentLength = 2 }, true},
		{"canceled", func(r *http.Request) { *r = *r.WithContext(done) }, true},
	} {
		for _, reader := range []io.Reader{strings.NewReader("0123456789"), iotestReader{strings.NewReader("0123456789")}} {
			body := &counted{Reader: reader}
			req, _ := http.NewRequest("POST", s.URL, body)
			req.ContentLength = 10
			c.edit(req)
			resp, err := over(t, nil).RoundTrip(req)
			if err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if (err != nil) != c.fail {
				t.Errorf("%s: %v", c.name, err)
			}
			for range 100 { // it may come after the return
				if body.closed.Load() > 0 {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if n := body.closed.Load(); n != 1 {
				t.Errorf("%s: closed %d times", c.name, n)
			}
		}
	}
}

// TestBodies: bodies of every size and framing arrive, however they are read.
func TestBodies(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	rt := over(t, nil)
	for _, size := range []int{0, 1, 1000, 1 << 10, 5000, 20000, 100000} {
		want := bytes.Repeat([]byte("abcdefghij"), size/10+1)[:size]
		for _, read := range []func(io.Reader) ([]byte, error){io.ReadAll, func(r io.Reader) ([]byte, error) {
			var b bytes.Buffer
			_, err := io.Copy(&b, r)
			return b.Bytes(), err
		}} {
			for _, length := range []int64{int64(size), -1} {
				req, _ := http.NewRequest("POST", s.URL, bytes.NewReader(want))
				if length < 0 {
					req.Body, req.ContentLength = io.NopCloser(iotestReader{bytes.NewReader(want)}), -1
				}
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				got, err := read(resp.Body)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("size %d: %d bytes, %v", size, len(got), err)
				}
				resp.Body.Close()
			}
		}
	}
	if n := rt.Client().Pool().Stats().Opened; n != 1 {
		t.Errorf("%d connections were opened", n)
	}
}

// iotestReader hides what a reader is.
type iotestReader struct{ io.Reader }

// TestConcurrentBodies: a body's memory is nobody else's until it was read.
func TestConcurrentBodies(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat(r.URL.Query().Get("c"), 3000))
	})
	rt := over(t, nil)
	var all sync.WaitGroup
	for _, c := range "abcdefgh" {
		all.Go(func() {
			for i := range 50 {
				req, _ := http.NewRequest("GET", s.URL+"?c="+string(c), nil)
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 0 {
					resp.Body.Close()
					continue
				}
				if b, err := io.ReadAll(resp.Body); err != nil || strings.Trim(string(b), string(c)) != "" || len(b) != 3000 {
					t.Errorf("%d bytes for %c, %v", len(b), c, err)
				}
				resp.Body.Close()
			}
		})
	}
	all.Wait()
}

func TestGzip(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, strings.Repeat("sonde", 1000))
	z.Close()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	})
	rt := over(t, nil)
	resp, body := get(t, rt, s.URL)
	if !resp.Uncompressed || resp.ContentLength != -1 || resp.Header.Get("Content-Encoding") != "" || len(body) != 5000 {
		t.Error(resp.Uncompressed, resp.ContentLength, resp.Header, len(body))
	}
	req, _ := http.NewRequest("GET", s.URL, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.Uncompressed || !bytes.Equal(b, packed.Bytes()) {
		t.Error("who asks for gzip by hand gets it")
	}
}

func TestTrailers(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", r.Trailer.Get("X-Mine"))
		w.Header().Set(http.TrailerPrefix+"X-More", "m")
	})
	req, _ := http.NewRequest("POST", s.URL, iotestReader{strings.NewReader("x")})
	req.Trailer = http.Header{"X-Mine": {"42"}}
	resp, err := over(t, nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if v, there := resp.Trailer["X-Sum"]; !there || v != nil {
		t.Error("announced:", resp.Trailer)
	}
	io.Copy(io.Discard, resp.Body)
	if resp.Trailer.Get("X-Sum") != "42" || resp.Trailer.Get("X-More") != "m" {
		t.Error(resp.Trailer)
	}
}

// TestWith: a sink hears of the requests, over the connections that are there.
func TestWith(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	rt := over(t, nil)
	get(t, rt, s.URL)
	rec := new(trace.Recorder)
	heard, err := rt.With(func(c *sonde.Config) { c.Sink = rec })
	if err != nil {
		t.Fatal(err)
	}
	get(t, heard, s.URL)
	if len(rec.Events()) == 0 || rt.Client().Pool().Stats().Opened != 1 {
		t.Error(len(rec.Events()), rt.Client().Pool().Stats().Opened)
	}
	if _, err := rt.With(func(c *sonde.Config) { c.UserAgent = "\n" }); err == nil {
		t.Error("no error for a Config that is wrong")
	}
}

// TestAbandonedBody: a body that is dropped costs no more than its connection.
func TestAbandonedBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	rt := over(t, nil)
	func() {
		req, _ := http.NewRequest("GET", s.URL, nil)
		if _, err := rt.RoundTrip(req); err != nil {
			t.Fatal(err)
		}
	}()
	dropped := func() uint64 { return rt.Client().Pool().Stats().Reasons[trace.Dropped] }
	for range 200 {
		if dropped() > 0 {
			return
		}
		collect()
	}
	t.Error("nobody noticed")
}

func TestHandler(t *testing.T) {
	failure := errors.New("broken")
	body := &counted{Reader: strings.NewReader("x")}
	for _, c := range []struct {
		name string
		resp *http.Response
		err  error
		want string // of the body; with an error: part of its text
		bad  bool
	}{
		{"a response", &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("hello"))}, nil, "hello", false},
		{"no body", &http.Response{StatusCode: 200}, nil, "", false},
		{"no body but a length", &http.Response{StatusCode: 200, ContentLength: 3}, nil, "content length 3 but a nil Body", true},
		{"both", &http.Response{StatusCode: 200, Body: body}, failure, "broken", true},
		{"neither", nil, nil, "returned a nil *Response with a nil error", true},
		{"a field that is none", &http.Response{StatusCode: 200, Header: http.Header{"a b": {""}}}, nil, "a b", true},
	} {
		var got *http.Request
		rt := roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r
			return c.resp, c.err
		})
		client, err := sonde.New(sonde.Config{Middleware: []sonde.Middleware{
			func(sonde.Handler) sonde.Handler { return nethttp.Handler(rt) },
		}})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Post(context.Background(), "http://u:p@x.test/p?q#f", sonde.Text("in"), sonde.WithHost("other.test"), sonde.WithHeader("X-A", "1"))
		switch {
		case c.bad && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", c.name, err)
		case !c.bad && (err != nil || string(resp.Body) != c.want):
			t.Errorf("%s: %v", c.name, err)
		}
		in, _ := io.ReadAll(got.Body)
		if got.URL.String() != "http://x.test/p?q" || got.Host != "other.test" || got.Header.Get("X-A") != "1" ||
			got.ContentLength != 2 || c.err == nil && string(in) != "in" || got.GetBody == nil {
			t.Errorf("%s: got %v %q %v %q", c.name, got.URL, got.Host, got.Header, in)
		}
		client.Close()
	}
	if body.closed.Load() != 1 {
		t.Error("the body of a response with an error was not closed")
	}
	if _, err := nethttp.Handler(nil)(context.Background(), sonde.NewRequest(sonde.GET, "http://x")); err == nil {
		t.Error("no error for no RoundTripper")
	}
}

// TestNoClosureAlert: a body over TLS that ends with its connection is whole without an
// alert, too, as net/http has it.
func TestNoClosureAlert(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nall of it")
		conn.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn)
		conn.Close()
	}))
	t.Cleanup(s.Close)
	for name, rt := range map[string]http.RoundTripper{
		"net/http": &http.Transport{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig},
		"nethttp":  nethttp.New(&http.Transport{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig}),
	} {
		resp, err := (&http.Client{Transport: rt}).Get(s.URL)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "all of it" {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		rt.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	}
}

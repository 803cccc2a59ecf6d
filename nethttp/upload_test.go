package nethttp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sonde/nethttp"
)

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// badCloser is a body whose Close fails.
type badCloser struct{ io.Reader }

var errClose = errors.New("not closed")

func (badCloser) Close() error { return errClose }

// TestBodyErrors: what is wrong with a request's body is said as net/http does.
func TestBodyErrors(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done() // an answer would come before the error now and then
	})
	hidden := func(text string) io.ReadCloser { return io.NopCloser(iotestReader{strings.NewReader(text)}) }
	for _, c := range []struct {
		name   string
		body   func() io.ReadCloser
		length int64
		same   func(a, b error) bool
	}{
		{"short", func() io.ReadCloser { return hidden("abc") }, 5, sameText},
		{"long", func() io.ReadCloser { return hidden("abc") }, 2, sameText},
		{"short, in memory", func() io.ReadCloser { return io.NopCloser(strings.NewReader("abc")) }, 5, sameText},
		{"not closed", func() io.ReadCloser { return badCloser{strings.NewReader("abc")} }, 3, bothAre(errClose)},
		{"not closed, chunked", func() io.ReadCloser { return badCloser{strings.NewReader("abc")} }, -1, bothAre(errClose)},
		{"a deadline of its own", func() io.ReadCloser {
			return io.NopCloser(readerFunc(func([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }))
		}, -1, bothAre(os.ErrDeadlineExceeded)},
	} {
		native := &http.Transport{ResponseHeaderTimeout: time.Minute}
		send := func(rt http.RoundTripper) error {
			req, _ := http.NewRequest("POST", s.URL, nil)
			req.Body, req.ContentLength = c.body(), c.length
			resp, err := rt.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
				t.Fatalf("%s: no error", c.name)
			}
			return err
		}
		ours, theirs := send(over(t, native)), send(native)
		for range 50 { // now and then net/http's reader sees the connection closed before its writer says why
			if !errors.Is(theirs, net.ErrClosed) {
				break
			}
			theirs = send(native)
		}
		if !c.same(ours, theirs) {
			t.Errorf("%s:\nnethttp: %v\nnet/http: %v", c.name, ours, theirs)
		}
		native.CloseIdleConnections()
	}
}

// TestClientTimeoutText: http.Client names its Timeout in the error, before the
// response's head and in its body.
func TestClientTimeoutText(t *testing.T) {
	for answer, want := range map[string]string{
		"": "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc": "context deadline exceeded (Client.Timeout or context cancellation while reading body)",
	} {
		synctest.Test(t, func(t *testing.T) {
			rt := nethttp.New(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go func() {
					far.Read(make([]byte, 1000))
					if answer != "" {
						io.WriteString(far, answer)
					}
					io.Copy(io.Discard, far)
				}()
				return near, nil
			}})
			defer rt.Client().Close()
			resp, err := (&http.Client{Transport: rt, Timeout: time.Second}).Get("http://x.test/")
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%q: %v", answer, err)
			}
		})
	}
}

// TestAbandonedHead: what Close of a body needs to know of the head does not change
// with the next response, which has taken over the head's memory.
func TestAbandonedHead(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Header().Set("Content-Type", "text/plain")
			w.Write(make([]byte, 200_000))
		}
	})
	rt := over(t, nil)
	for range 50 {
		req, _ := http.NewRequest("GET", s.URL+"/long", nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan bool)
		go func() {
			resp.Body.Close()
			close(done)
		}()
		get(t, rt, s.URL)
		<-done
	}
}

// TestProxyWithoutScheme: as with net/http it speaks HTTP.
func TestProxyWithoutScheme(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) })
	rt := over(t, &http.Transport{Proxy: proxyAt(strings.TrimPrefix(proxy.URL, "http:"))})
	if _, body := get(t, rt, "http://x.test/p"); body != "http://x.test/p" {
		t.Error(body)
	}
}

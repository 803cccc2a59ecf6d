//lint:file-ignore SA1019 what is deprecated still counts

package nethttp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sonde/internal/porttest"
	"sonde/nethttp"
)

// scripted answers each connection's first request by f.
func scripted(t *testing.T, f func(c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				if req, err := http.ReadRequest(r); err == nil {
					io.Copy(io.Discard, req.Body)
					f(c, r)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func says(t *testing.T, text string) string {
	return scripted(t, func(c net.Conn, _ *bufio.Reader) { io.WriteString(c, text) })
}

// TestErrors: what programs compare is what net/http gives, for each way in which a
// round trip can fail.
func TestErrors(t *testing.T) {
	nowhere, _ := url.Parse("http://127.0.0.1:" + porttest.Closed)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		name, url string
		settings  *http.Transport
		same      func(sonde, native error) bool
	}{
		{"the server ends the connection", says(t, ""), nil, func(a, b error) bool { return a == io.EOF && b == io.EOF }},
		{"a head cut off", says(t, "HTTP/1.1 200 OK\r\nX:"), nil, bothAre(io.ErrUnexpectedEOF)},
		{"no HTTP", says(t, "SSH-2.0-x\r\n\r\n"), nil, sameText},
		{"TLS on http", says(t, "\x15\x03\x01\x00\x02"), nil, sameText},
		{"a head over the limit", says(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 9000)+"\r\n\r\n"), &http.Transport{MaxResponseHeaderBytes: 1000}, sameText},
		{"a port that is none", "http://127.0.0.1:99999", nil, func(a, b error) bool {
			var x *net.AddrError
			return errors.As(a, &x) && opError(a) != nil && opError(b) != nil && opError(a).Op == opError(b).Op
		}},
		{"Dial gives nothing", "http://x.test", &http.Transport{Dial: func(string, string) (net.Conn, error) { return nil, nil }}, sameText},
		{"DialContext gives nothing", "http://x.test", &http.Transport{DialContext: noConn}, sameText},
		{"DialTLSContext gives nothing", "https://x.test", &http.Transport{DialTLSContext: noConn}, sameText},
		{"a length with a sign", says(t, "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc"), nil, sameText},
		{"nobody listens", nowhere.String(), nil, func(a, b error) bool {
			x, y := opError(a), opError(b)
			return x != nil && y != nil && x.Op == "dial" && y.Op == "dial" && x.Net == y.Net
		}},
		{"no proxy listens", "http://x.test", &http.Transport{Proxy: http.ProxyURL(nowhere)}, func(a, b error) bool {
			x, ok := a.(*net.OpError)
			y := opError(b)
			return ok && x.Op == "proxyconnect" && y.Op == x.Op && y.Net == x.Net
		}},
		{"a proxy that does not connect", "https://x.test", &http.Transport{Proxy: proxyAt(says(t, "HTTP/1.1 407 Who are you?\r\n\r\n"))}, sameText},
		{"a proxy that ends the connection", "https://x.test", &http.Transport{Proxy: proxyAt(says(t, ""))}, func(a, b error) bool {
			return a == io.ErrUnexpectedEOF && b == a
		}},
		{"a proxy that is none", "https://x.test", &http.Transport{Proxy: proxyAt(says(t, "SSH-2.0-x\r\n\r\n"))}, sameText},
		{"a proxy that is not there", "http://x.test", &http.Transport{Proxy: proxyAt("//no-proxy.invalid:1")}, func(a, b error) bool {
			x, y := opError(a), opError(b)
			return x.Op == y.Op && opError(x.Err) != nil && opError(y.Err) != nil && opError(x.Err).Op == opError(y.Err).Op
		}},
		{"SOCKS that refuses", "http://x.test", &http.Transport{Proxy: proxyAt(socksRefusal(t))}, func(a, b error) bool {
			x, ok := a.(*net.OpError)
			y := opError(b)
			return ok && x.Op == "socks connect" && x.Op == y.Op
		}},
		{"plain HTTP on https", strings.Replace(plain.URL, "http:", "https:", 1), nil, bothAre(http.ErrSchemeMismatch)},
		{"another scheme", "gopher://x.test/", nil, sameText},
		{"no host", "http:///path", nil, sameText},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.settings == nil {
				c.settings = &http.Transport{}
			}
			defer c.settings.CloseIdleConnections()
			ours, theirs := through(t, over(t, c.settings), c.url), through(t, c.settings, c.url)
			if !c.same(ours, theirs) {
				t.Errorf("nethttp: %#v %v\nnet/http: %#v %v", ours, ours, theirs, theirs)
			}
		})
	}
}

func noConn(context.Context, string, string) (net.Conn, error) { return nil, nil }

func proxyAt(at string) func(*http.Request) (*url.URL, error) {
	return func(*http.Request) (*url.URL, error) { return url.Parse(at) }
}

// socksRefusal is a SOCKS proxy that takes nobody.
func socksRefusal(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.ReadFull(c, make([]byte, 3))
			c.Write([]byte{5, 0xff})
			c.Close()
		}
	}()
	return "socks5://" + l.Addr().String()
}

// through is the error of an http.Client's GET, without the url.Error.
func through(t *testing.T, rt http.RoundTripper, url string) error {
	t.Helper()
	resp, err := (&http.Client{Transport: rt}).Get(url)
	if err == nil {
		resp.Body.Close()
		t.Fatal("no error")
	}
	return errors.Unwrap(err)
}

func bothAre(want error) func(a, b error) bool {
	return func(a, b error) bool { return errors.Is(a, want) && errors.Is(b, want) }
}

func sameText(a, b error) bool { return a.Error() == b.Error() }

func opError(err error) *net.OpError {
	var op *net.OpError
	errors.As(err, &op)
	return op
}

func TestBodyCutOff(t *testing.T) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		rt := over(t, nil)
		req, _ := http.NewRequest("GET", says(t, text), nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if string(body) != "abc" || err != io.ErrUnexpectedEOF {
			t.Errorf("%q %v", body, err)
		}
		resp.Body.Close()
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil || err.Error() != "http: read on closed response body" {
			t.Error(err)
		}
	}
}

// TestCancel: each way to cancel ends a request before its head, and its body.
func TestCancel(t *testing.T) {
	started := make(chan bool, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			io.WriteString(w, "begun")
			http.NewResponseController(w).Flush()
		}
		started <- true
		<-r.Context().Done()
	})
	why := errors.New("why")
	for _, way := range []struct {
		name   string
		cancel func(rt *nethttp.Transport, req *http.Request) (*http.Request, func())
		want   error // nil: only the text is known
	}{
		{"context", func(_ *nethttp.Transport, req *http.Request) (*http.Request, func()) {
			ctx, cancel := context.WithCancel(context.Background())
			return req.WithContext(ctx), cancel
		}, context.Canceled},
		{"cause", func(_ *nethttp.Transport, req *http.Request) (*http.Request, func()) {
			ctx, cancel := context.WithCancelCause(context.Background())
			return req.WithContext(ctx), func() { cancel(why) }
		}, why},
		{"Cancel", func(_ *nethttp.Transport, req *http.Request) (*http.Request, func()) {
			c := make(chan struct{})
			req.Cancel = c
			return req, func() { close(c) }
		}, nil},
		{"CancelRequest", func(rt *nethttp.Transport, req *http.Request) (*http.Request, func()) {
			return req, func() { rt.CancelRequest(req) }
		}, nil},
	} {
		for _, path := range []string{"/head", "/body"} {
			t.Run(way.name+path, func(t *testing.T) {
				rt := over(t, nil)
				req, _ := http.NewRequest("GET", s.URL+path, nil)
				req, cancel := way.cancel(rt, req)
				var err error
				if path == "/head" {
					go func() { <-started; cancel() }()
					_, err = rt.RoundTrip(req)
				} else {
					var resp *http.Response
					if resp, err = rt.RoundTrip(req); err != nil {
						t.Fatal(err)
					}
					<-started
					defer resp.Body.Close()
					io.ReadFull(resp.Body, make([]byte, 5))
					cancel()
					_, err = resp.Body.Read(make([]byte, 1))
				}
				if way.want != nil && err != way.want || way.want == nil && (err == nil || err.Error() != "net/http: request canceled") {
					t.Error(err)
				}
			})
		}
	}
}

func TestClientTimeout(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := (&http.Client{Transport: over(t, nil), Timeout: 20e6}).Get(s.URL)
	var e net.Error
	if !errors.As(err, &e) || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestRegisterProtocol(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	rt := over(t, nil)
	rt.RegisterProtocol("own", roundTripper(func(r *http.Request) (*http.Response, error) {
		return httptest.NewRecorder().Result(), nil
	}))
	rt.RegisterProtocol("http", roundTripper(func(r *http.Request) (*http.Response, error) {
		io.ReadAll(r.Body) // it is read again, from GetBody
		return nil, http.ErrSkipAltProtocol
	}))
	if resp, _ := get(t, rt, "own://x"); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	req, _ := http.NewRequest("POST", s.URL, strings.NewReader("twice"))
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "twice" || resp.Request != req {
		t.Errorf("%q", b)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for a scheme that is registered")
		}
	}()
	rt.RegisterProtocol("own", rt)
}

// TestGivenProtocols: what is registered with the http.Transport still serves.
func TestGivenProtocols(t *testing.T) {
	tr := new(http.Transport)
	tr.RegisterProtocol("file", http.NewFileTransport(http.Dir(".")))
	if resp, body := get(t, over(t, tr), "file:///doc.go"); resp.StatusCode != 200 || !strings.Contains(body, "package nethttp") {
		t.Error(resp.Status)
	}
}

//lint:file-ignore SA1019 what is deprecated still counts

package nethttp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// taped is a server that keeps the bytes of one request on each connection.
func taped(t *testing.T) (string, <-chan string) {
	t.Helper()
	got := make(chan string, 1)
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
			var tape bytes.Buffer
			r := bufio.NewReader(io.TeeReader(c, &tape))
			if req, err := http.ReadRequest(r); err == nil {
				io.Copy(io.Discard, req.Body)
				io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			}
			got <- tape.String()
			c.Close()
		}
	}()
	return l.Addr().String(), got
}

// TestSameRequest: what goes over the wire is what net/http sends, to the byte.
func TestSameRequest(t *testing.T) {
	addr, got := taped(t)
	body := func(s string) io.Reader { return strings.NewReader(s) }
	hidden := func(s string) io.Reader { return iotestReader{strings.NewReader(s)} }
	for _, c := range []struct {
		name, method, url string
		body              func() io.Reader
		edit              func(*http.Request)
		settings          *http.Transport
	}{
		{name: "plain", url: "http://x/"},
		{name: "no path", url: "http://x"},
		{name: "query", url: "http://x/a b?q=ä&r"},
		{name: "escapes", url: "http://x/a%2Fb;c/%zz"[:16]},
		{name: "userinfo", url: "http://u:p@x/"},
		{name: "upper case", url: "http://Example.COM:80/"},
		{name: "international", url: "http://bücher.example/"},
		{name: "international, upper case", url: "http://BÜcher.example:81/"},
		{name: "IPv6 with a zone", url: "http://[fe80::1%25eth0]/"},
		{name: "force query", url: "http://x/?"},
		{name: "opaque", url: "http://x", edit: func(r *http.Request) { r.URL = &url.URL{Scheme: "http", Host: "x", Opaque: "/%2f%2F?y"} }},
		{name: "star", method: "OPTIONS", url: "http://x", edit: func(r *http.Request) { r.URL.Path = "*" }},
		{name: "another host", url: "http://x/", edit: func(r *http.Request) { r.Host = "other:8080" }},
		{name: "a host that is none", url: "http://x/", edit: func(r *http.Request) { r.Host = "a/b" }},
		{name: "method of one's own", method: "Frob", url: "http://x/"},
		{name: "no method", url: "http://x/", edit: func(r *http.Request) { r.Method = "" }},
		{name: "fields", url: "http://x/", edit: func(r *http.Request) {
			r.Header = http.Header{"Zoo": {"1"}, "accept": {"lower"}, "Accept": {" a ", "b"}, "X-Empty": {""}, "Nil": nil,
				"Content-Length": {"77"}, "Host": {"no"}, "Trailer": {"no"}, "Cookie": {"a=b"}}
		}},
		{name: "User-Agent", url: "http://x/", edit: func(r *http.Request) { r.Header.Set("User-Agent", " me ") }},
		{name: "User-Agent of blanks", url: "http://x/", edit: func(r *http.Request) { r.Header.Set("User-Agent", " ") }},
		{name: "no User-Agent", url: "http://x/", edit: func(r *http.Request) { r.Header["User-Agent"] = nil }},
		{name: "Accept-Encoding", url: "http://x/", edit: func(r *http.Request) { r.Header.Set("Accept-Encoding", "br") }},
		{name: "Range", url: "http://x/", edit: func(r *http.Request) { r.Header.Set("Range", "bytes=0-1") }},
		{name: "HEAD", method: "HEAD", url: "http://x/"},
		{name: "no compression", url: "http://x/", settings: &http.Transport{DisableCompression: true}},
		{name: "no keep-alive", url: "http://x/", settings: &http.Transport{DisableKeepAlives: true}},
		{name: "no keep-alive, upgrade", url: "http://x/", settings: &http.Transport{DisableKeepAlives: true}, edit: func(r *http.Request) {
			r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"x"}}
		}},
		{name: "close", url: "http://x/", edit: func(r *http.Request) { r.Close = true }},
		{name: "close by field", url: "http://x/", edit: func(r *http.Request) { r.Close = true; r.Header.Set("Connection", "close") }},
		{name: "POST without a body", method: "POST", url: "http://x/"},
		{name: "POST of NoBody", method: "POST", url: "http://x/", edit: func(r *http.Request) { r.Body = http.NoBody }},
		{name: "DELETE without a body", method: "DELETE", url: "http://x/"},
		{name: "a body", method: "POST", url: "http://x/", body: func() io.Reader { return body("hello") }},
		{name: "a large body", method: "PUT", url: "http://x/", body: func() io.Reader { return body(strings.Repeat("x", 20000)) }},
		{name: "unknown length", method: "POST", url: "http://x/", body: func() io.Reader { return hidden("hello") }},
		{name: "GET of unknown length", url: "http://x/", body: func() io.Reader { return hidden("hello") }},
		{name: "GET of nothing", url: "http://x/", body: func() io.Reader { return hidden("") }},
		{name: "chunked by hand", method: "POST", url: "http://x/", body: func() io.Reader { return hidden("hello") },
			edit: func(r *http.Request) { r.ContentLength, r.TransferEncoding = 5, []string{"chunked"} }},
		{name: "chunked without a body", method: "POST", url: "http://x/", edit: func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }},
		{name: "chunked NoBody", method: "POST", url: "http://x/", edit: func(r *http.Request) {
			r.Body, r.TransferEncoding = http.NoBody, []string{"chunked"}
		}},
		{name: "identity without a body", method: "DELETE", url: "http://x/", edit: func(r *http.Request) { r.TransferEncoding = []string{"identity"} }},
		{name: "identity NoBody", method: "DELETE", url: "http://x/", edit: func(r *http.Request) {
			r.Body, r.TransferEncoding = http.NoBody, []string{"identity"}
		}},
		{name: "trailers that should be fields", method: "POST", url: "http://x/", body: func() io.Reader { return hidden("hello") },
			edit: func(r *http.Request) { r.Trailer = http.Header{"Authorization": {"a"}, "Content-Type": {"b"}} }},
		{name: "a trailer in lower case", method: "POST", url: "http://x/", body: func() io.Reader { return hidden("hello") },
			edit: func(r *http.Request) { r.Trailer = http.Header{"x-a": {" 1 "}, "X-B": {"2"}} }},
		{name: "trailers set while the body is read", method: "POST", url: "http://x/", edit: func(r *http.Request) {
			r.Trailer = http.Header{"X-A": nil}
			r.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
				r.Trailer["X-A"], r.Trailer["X-Not-Announced"] = []string{"1"}, []string{"2"}
				return 0, io.EOF
			}))
			r.ContentLength = -1
		}},
		{name: "trailers", method: "POST", url: "http://x/", body: func() io.Reader { return hidden("hello") },
			edit: func(r *http.Request) { r.Trailer = http.Header{"X-B": {"2"}, "X-A": {"1", "3"}, "X-C": nil} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked string // to which address
			send := func(rt http.RoundTripper) string {
				var b io.Reader
				if c.body != nil {
					b = c.body()
				}
				req, err := http.NewRequest(c.method, c.url, b)
				if err != nil {
					t.Fatal(err)
				}
				if c.edit != nil {
					c.edit(req)
				}
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return asked + " " + <-got
			}
			if c.settings == nil {
				c.settings = new(http.Transport)
			}
			c.settings.Dial = func(_, to string) (net.Conn, error) {
				asked = to
				return net.Dial("tcp", addr)
			}
			defer c.settings.CloseIdleConnections()
			theirs := send(c.settings)
			if ours := send(over(t, c.settings)); ours != theirs {
				t.Errorf("nethttp:\n%q\nnet/http:\n%q", ours, theirs)
			}
		})
	}
}

// TestSameResponse: what the fields of http.Response are is what net/http makes of
// the same bytes.
func TestSameResponse(t *testing.T) {
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nhello",
		"HTTP/1.0 200 OK\r\n\r\nhello",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 404 Not Here\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 299 \r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 799 Odd\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A, X-B\r\n\r\n5\r\nhello\r\n0\r\nX-A: 1\r\nx-c: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTrailer: X\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nset-cookie: a\r\nSET-COOKIE: b\r\nvary: x\r\nX-:\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nPragma: no-cache\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive, close\r\n\r\nhello",
		"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: GZIP\r\n\r\nbad",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			text := head
			if method == "HEAD" {
				text = head[:strings.LastIndex(head, "\r\n\r\n")+4]
				if i := strings.Index(head, "chunked"); i > 0 {
					text = head[:strings.Index(head, "\r\n\r\n")+4]
				}
			}
			at := says(t, text)
			read := func(rt http.RoundTripper) string {
				req, _ := http.NewRequest(method, at, nil)
				resp, err := rt.RoundTrip(req)
				if err != nil {
					return err.Error()
				}
				defer resp.Body.Close()
				before := fmt.Sprintf("%v %v", resp.Trailer, resp.Header)
				body, err := io.ReadAll(resp.Body)
				return fmt.Sprintf("%q %d %q %d %d %v %d %v %v %v %v\n%s\n%v\n%q %v", resp.Status, resp.StatusCode, resp.Proto, resp.ProtoMajor,
					resp.ProtoMinor, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, resp.Uncompressed,
					resp.Request == req, before, resp.Trailer, body, err)
			}
			native := &http.Transport{DisableKeepAlives: true}
			if ours, theirs := read(over(t, native)), read(native); ours != theirs {
				t.Errorf("%s %q\nnethttp:\n%s\nnet/http:\n%s", method, text, ours, theirs)
			}
		}
	}
}

// TestSameHooks: the hooks of httptrace come in net/http's order.
func TestSameHooks(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "x")
	})
	listen := func(rt http.RoundTripper) (got []string) {
		say := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			GetConn: func(a string) { say("GetConn %s", a) },
			GotConn: func(i httptrace.GotConnInfo) { say("GotConn %v %v %T", i.Reused, i.WasIdle, i.Conn) },
			PutIdleConn: func(err error) {
				say("PutIdleConn %v", err)
			},
			GotFirstResponseByte: func() { say("GotFirstResponseByte") },
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				say("Got1xxResponse %d", code)
				return nil
			},
			ConnectStart:     func(n, a string) { say("ConnectStart %s %s", n, a) },
			ConnectDone:      func(n, a string, err error) { say("ConnectDone %s %s %v", n, a, err) },
			WroteHeaderField: func(n string, v []string) { say("WroteHeaderField %s %v", n, v) },
			WroteHeaders:     func() { say("WroteHeaders") },
			WroteRequest:     func(i httptrace.WroteRequestInfo) { say("WroteRequest %v", i.Err) },
		})
		for range 2 {
			req, _ := http.NewRequestWithContext(ctx, "POST", s.URL, strings.NewReader("body"))
			req.Header["X"] = []string{"1", "2"}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			say("done")
		}
		return got
	}
	native := &http.Transport{}
	defer native.CloseIdleConnections()
	ours, theirs := listen(over(t, native)), listen(native)
	// A response can be ahead of the word that its request was written.
	wrote := func(all []string) (rest []string, n int) {
		for _, s := range all {
			if strings.HasPrefix(s, "WroteRequest") {
				n++
			} else {
				rest = append(rest, s)
			}
		}
		return rest, n
	}
	a, n := wrote(ours)
	b, m := wrote(theirs)
	if !reflect.DeepEqual(a, b) || n != m {
		t.Errorf("nethttp:\n%s\nnet/http:\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// TestPutIdleMayWait: a hook that waits for another request on the connection that
// it is told of does not wait for ever.
func TestPutIdleMayWait(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	rt := over(t, &http.Transport{MaxConnsPerHost: 1})
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{PutIdleConn: func(error) { get(t, rt, s.URL) }})
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// TestHeadFirst: the head of a request does not wait for a body that is slow.
func TestHeadFirst(t *testing.T) {
	arrived := make(chan bool, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	r, w := io.Pipe()
	go func() {
		<-arrived
		io.WriteString(w, "late")
		w.Close()
	}()
	req, _ := http.NewRequest("POST", s.URL, r)
	resp, err := over(t, nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "late" {
		t.Errorf("%q", body)
	}
}

// TestExpectAnswered: where a final response comes instead of 100 Continue and the
// connection stays, the body is sent all the same, so that it serves another.
func TestExpectAnswered(t *testing.T) {
	bodies := make(chan string, 2)
	at := says2(t, bodies)
	rt := over(t, &http.Transport{ExpectContinueTimeout: time.Minute})
	for range 2 {
		req, _ := http.NewRequest("PUT", at, strings.NewReader("body"))
		req.Header.Set("Expect", "100-continue")
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if body := <-bodies; body != "body" {
			t.Errorf("%q", body)
		}
	}
	if n := rt.Client().Pool().Stats().Opened; n != 1 {
		t.Errorf("%d connections", n)
	}
}

// says2 answers before it reads the body.
func says2(t *testing.T, bodies chan<- string) string {
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
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					body, _ := io.ReadAll(req.Body)
					bodies <- string(body)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestInformationalLimit: 1xx responses that nobody looks at count as one head
// together; a hook that sees them bounds them itself.
func TestInformationalLimit(t *testing.T) {
	one := "HTTP/1.1 103 Early Hints\r\nLink: " + strings.Repeat("x", 100) + "\r\n\r\n"
	at := says(t, strings.Repeat(one, 20)+"HTTP/1.1 204 No Content\r\n\r\n")
	rt := over(t, &http.Transport{MaxResponseHeaderBytes: 1000})
	if err := failing(t, rt, at); !strings.Contains(err.Error(), "response headers exceeded 1000 bytes") {
		t.Error(err)
	}
	var codes []int
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		codes = append(codes, code)
		return nil
	}})
	req, _ := http.NewRequestWithContext(ctx, "GET", at, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(codes) != 20 || slices.Max(codes) != 103 {
		t.Error(codes)
	}
}

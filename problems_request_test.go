package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sonde"
)

// The tests of the second table of docs/net-http-problems.md: http.Request's fields.

// TestRequestIsTheClients: no field of a Request is open, so none has a second
// meaning for a server, and none can change while it is sent.
func TestRequestIsTheClients(t *testing.T) {
	for f := range reflect.TypeFor[sonde.Request]().Fields() {
		if f.IsExported() {
			t.Error("open field", f.Name)
		}
	}
}

func TestRequestMethod(t *testing.T) {
	for method, fine := range map[sonde.Method]bool{"GET": true, "get": true, "PURGE": true, "": false, "GE T": false, "GET\r\n": false} {
		if err := sonde.NewRequest(method, "http://a/").Err(); (err == nil) != fine {
			t.Errorf("%q: %v", method, err)
		}
	}
}

func TestRequestURL(t *testing.T) {
	r := sonde.NewRequest(sonde.GET, "http://ada:secret@Example.com:80/a?b", sonde.WithQuery("c", "d e"))
	if r.Err() != nil || r.URL() != "http://***@example.com/a?b&c=d+e" {
		t.Error(r.Err(), r.URL())
	}
	r = sonde.NewRequest(sonde.GET, "http://exa mple/")
	if _, err := sonde.Do(background, r.With(sonde.WithHeader("A", "b"))); !errors.Is(err, r.Err()) {
		t.Error("the first wrong argument does not stick:", err)
	}
}

func TestRequestProto(t *testing.T) {
	var line string
	p := newPeer(t, func(c *peerConn) {
		line, _, _ = strings.Cut(c.head(), "\r\n")
		c.say("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	c := newClient(t, sonde.Config{})
	r, err := c.Get(background, p.url())
	if err != nil || r.Proto != (sonde.Proto{Major: 1, Minor: 0}) || r.Proto.String() != "HTTP/1.0" || line != "GET / HTTP/1.1" {
		t.Error(err, r.Proto, line)
	}
}

func TestRequestHeader(t *testing.T) {
	r := sonde.NewRequest(sonde.GET, "http://a/", sonde.WithHeader("X", "1"))
	h := r.Header()
	h.Set("X", "2")
	other := r.With(sonde.WithHeader("X", "3"))
	if r.Header().Get("X") != "1" || other.Header().Get("X") != "3" {
		t.Error(r.Header(), other.Header())
	}
}

// TestRequestBody: each attempt opens the body once and closes it once, also where
// the call is refused or cannot connect.
func TestRequestBody(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	c := newClient(t, sonde.Config{})
	for _, tt := range []struct {
		name, url   string
		opens, fine bool
		opts        []sonde.Option
	}{
		{name: "sent", url: p.url(), opens: true, fine: true},
		{name: "refused", url: p.url(), opts: []sonde.Option{sonde.WithHeader("A b", "c")}},
		{name: "no host", url: "http:///"},
		{name: "nobody listens", url: "http://127.0.0.1:1/"},
	} {
		opened, closed := 0, 0
		body := sonde.Func(2, func() (io.ReadCloser, error) {
			opened++
			return readCloser{strings.NewReader("hi"), func() { closed++ }}, nil
		})
		_, err := c.Post(background, tt.url, body, tt.opts...)
		if (err == nil) != tt.fine || opened != closed || (opened == 1) != tt.opens || opened > 1 {
			t.Errorf("%s: a func: %v; opened %d, closed %d", tt.name, err, opened, closed)
		}
		var ended atomic.Int32
		given := readCloser{strings.NewReader("hi"), func() { ended.Add(1) }}
		_, err = c.Post(background, tt.url, sonde.Reader(given, 2), tt.opts...)
		if (err == nil) != tt.fine || ended.Load() != 1 {
			t.Errorf("%s: a reader: %v; closed %d times", tt.name, err, ended.Load())
		}
	}
}

type readCloser struct {
	io.Reader
	close func()
}

func (r readCloser) Close() error { r.close(); return nil }

// TestRequestGetBody: a body that can be opened again is, when the connection from
// the pool turns out to be dead; one that cannot is not sent again.
func TestRequestGetBody(t *testing.T) {
	for _, again := range []bool{true, false} {
		p := newPeer(t, func(c *peerConn) {
			c.request()
			c.say(okAnswer)
			if c.n > 1 {
				return
			}
			c.request() // and never an answer
		})
		c := newClient(t, sonde.Config{})
		mustGet(t, c, p.url(), "ok")
		opened := 0
		body := sonde.Func(-1, func() (io.ReadCloser, error) {
			opened++
			return io.NopCloser(strings.NewReader("hi")), nil
		})
		if !again {
			body = sonde.Reader(struct{ io.Reader }{strings.NewReader("hi")}, -1)
		}
		_, err := c.Put(background, p.url(), body)
		var e *sonde.Error
		switch {
		case again && (err != nil || opened != 2):
			t.Error(err, opened)
		case !again && (!errors.As(err, &e) || e.SafeToRetry()):
			t.Error(err)
		}
	}
}

// TestRequestContentLength: a length is absent, exact or unknown.
func TestRequestContentLength(t *testing.T) {
	for _, tt := range []struct {
		name string
		body sonde.Body
		want string
	}{
		{"absent", sonde.Body{}, ""},
		{"exact and 0", sonde.Bytes(nil), "Content-Length: 0"},
		{"exact", sonde.Reader(io.LimitReader(strings.NewReader("hello"), 5), 5), "Content-Length: 5"},
		{"unknown", sonde.Reader(io.LimitReader(strings.NewReader(""), 0), -1), "Transfer-Encoding: chunked"},
	} {
		got, _, err := onWire(t, sonde.DELETE, sonde.WithBody(tt.body))
		var framing []string
		for line := range strings.SplitSeq(got.head, "\r\n") {
			if strings.HasPrefix(line, "Content-Length") || strings.HasPrefix(line, "Transfer-") {
				framing = append(framing, line)
			}
		}
		if err != nil || strings.Join(framing, "|") != tt.want {
			t.Errorf("%s: %v, %q", tt.name, err, got.head)
		}
	}
	// net/http's 0 beside a body means unknown.
	r, _ := http.NewRequest("POST", "http://a/", io.LimitReader(strings.NewReader("hello"), 5))
	if r.ContentLength != 0 {
		t.Error("no problem any more:", r.ContentLength)
	}
}

func TestRequestForm(t *testing.T) {
	got, _, err := onWire(t, sonde.POST, sonde.WithBody(sonde.Form(url.Values{"a": {"1 2"}, "b": {"&"}})))
	if err != nil || got.body != "a=1+2&b=%26" || !strings.Contains(got.head, "Content-Type: application/x-www-form-urlencoded") {
		t.Error(err, got)
	}
}

func TestRequestMultipartForm(t *testing.T) {
	var text strings.Builder
	form := multipart.NewWriter(&text)
	form.WriteField("a", "1")
	form.Close()
	body := sonde.Text(text.String()).WithMediaType(form.FormDataContentType())
	got, _, err := onWire(t, sonde.POST, sonde.WithBody(body))
	if err != nil || got.body != text.String() || !strings.Contains(got.head, "Content-Type: multipart/form-data; boundary=") {
		t.Error(err, got)
	}
}

func TestRequestTrailer(t *testing.T) {
	sum := 0
	got, _, err := onWire(t, sonde.PUT,
		sonde.WithBody(sonde.Func(-1, func() (io.ReadCloser, error) {
			return readCloser{strings.NewReader("hello"), func() {}}, nil
		})),
		sonde.WithTrailer(func() (sonde.Header, error) { sum++; return header("X-Sum: 42"), nil }, "X-Sum"))
	if err != nil || sum != 1 || !strings.Contains(got.head, "\r\nTrailer: X-Sum") || !strings.HasSuffix(got.body, "0\r\nX-Sum: 42\r\n\r\n") {
		t.Error(err, sum, got)
	}
}

func TestRequestRemoteAddr(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.serve("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n") })
	c := newClient(t, sonde.Config{})
	_, err := c.Get(background, p.url())
	var e *sonde.Error
	if !errors.As(err, &e) || e.Remote != p.ln.Addr().String() {
		t.Error(err)
	}
	r, err := c.Get(background, p.url(), sonde.WithAccept(500))
	if err != nil || r.ConnInfo().Remote.String() != p.ln.Addr().String() || !r.ConnInfo().Local.IsValid() {
		t.Error(err, r.ConnInfo())
	}
}

// TestRequestTLS: what TLS agreed on is told about the connection that was used.
func TestRequestTLS(t *testing.T) {
	server, client := certificates(t)
	p := newPeer(t, func(c *peerConn) {
		c.Conn = tls.Server(c.Conn, server)
		c.r.Reset(c.Conn)
		c.serve(okAnswer)
	})
	c := newClient(t, sonde.Config{TLS: client})
	r, err := c.Get(background, "https"+strings.TrimPrefix(p.url(), "http"))
	if err != nil || r.ConnInfo().TLS.NegotiatedProtocol != "http/1.1" || r.ConnInfo().TLS.PeerCertificates[0].Subject.CommonName != "test" {
		t.Error(err)
	}
	plain := newPeer(t, func(c *peerConn) { c.serve(okAnswer) })
	if r, err := c.Get(background, plain.url()); err != nil || r.ConnInfo().TLS != nil {
		t.Error(err, r.ConnInfo())
	}
}

func TestRequestURI(t *testing.T) {
	got, _, err := onWire(t, sonde.OPTIONS, sonde.WithTarget("*"))
	if err != nil || !strings.HasPrefix(got.head, "OPTIONS * HTTP/1.1\r\n") {
		t.Error(err, got)
	}
	if err := sonde.NewRequest(sonde.GET, "http://a/", sonde.WithTarget("/a b")).Err(); err == nil {
		t.Error("a space in a target")
	}
}

// TestRequestContext: one Request, two calls, two contexts: the end of one is
// nothing to the other.
func TestRequestContext(t *testing.T) {
	release := make(chan struct{})
	p := newPeer(t, func(c *peerConn) {
		c.head()
		<-release
		c.say(okAnswer)
		c.gone()
	})
	c := newClient(t, sonde.Config{})
	req := sonde.NewRequest(sonde.GET, p.url())
	ctx, cancel := context.WithCancel(background)
	first, second := make(chan error), make(chan error)
	go func() { _, err := c.Do(ctx, req); first <- err }()
	go func() { _, err := c.Do(background, req); second <- err }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestProblemsDocument: docs/net-http-problems.md has a row for every field that
// http.Request has, and every row names tests.
func TestProblemsDocument(t *testing.T) {
	text, err := os.ReadFile("docs/net-http-problems.md")
	if err != nil {
		t.Fatal(err)
	}
	_, fields, found := strings.Cut(string(text), "## The fields of http.Request")
	if !found {
		t.Fatal("no second table")
	}
	var want, have []string
	for f := range reflect.TypeFor[http.Request]().Fields() {
		if f.IsExported() || f.Name == "ctx" {
			want = append(want, f.Name)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| ((?:`[A-Za-z]+`(?:, )?)+) \\|").FindAllStringSubmatch(fields, -1) {
		for name := range strings.SplitSeq(m[1], ", ") {
			have = append(have, strings.Trim(name, "`"))
		}
	}
	if !slices.Equal(have, want) {
		t.Errorf("rows for\n%v\nhttp.Request has\n%v", have, want)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| ") && !strings.Contains(line, "---") && !strings.Contains(line, "| test |") && !strings.Contains(line, "`Test") {
			t.Errorf("no test in the row %.60s…", line)
		}
	}
}

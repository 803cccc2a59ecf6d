package sonde_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sonde"
)

// The tests of docs/net-http-problems.md, which names them: each shows one known
// problem of net/http's client API answered. Those of http.Request's fields are in
// problems_request_test.go.

// TestProblemBodyToClose: what leaks a connection a request with net/http leaves
// nothing to close here.
func TestProblemBodyToClose(t *testing.T) {
	serve := func(c *peerConn) { c.serve(okAnswer) }
	const calls = 5

	p := newPeer(t, serve)
	h := &http.Transport{}
	defer h.CloseIdleConnections()
	var bodies []io.Closer
	for range calls {
		resp, err := (&http.Client{Transport: h}).Get(p.url())
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, resp.Body) // neither read nor closed
	}
	if n := p.conns.Load(); n != calls {
		t.Errorf("net/http: %d connections for %d calls: no problem any more?", n, calls)
	}
	for _, b := range bodies {
		b.Close()
	}

	p = newPeer(t, serve)
	c := newClient(t, sonde.Config{})
	for range calls {
		if _, err := c.Get(background, p.url()); err != nil {
			t.Fatal(err)
		}
		err := c.Stream(background, sonde.NewRequest(sonde.GET, p.url()), func(*sonde.Exchange) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("sonde: %d connections, want 1", n)
	}
}

// TestProblemJSONDecoder: JSON reads to the end, refuses what follows the value,
// and leaves the connection reusable either way.
func TestProblemJSONDecoder(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			if err != nil {
				return
			}
			body := `{"name":"ada"}` + map[string]string{"/fine": " \n", "/more": ` {"name":"eve"}`, "/cut": ""}[r.URL.Path]
			if r.URL.Path == "/cut" {
				body = body[:5]
			}
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for i := range body { // so that a decoder could stop early
				c.say("1\r\n" + body[i:i+1] + "\r\n")
			}
			c.say("0\r\n\r\n")
		}
	})
	type user struct{ Name string }
	c := newClient(t, sonde.Config{})
	if u, err := sonde.JSON[user](c.Get(background, p.url()+"/fine")); err != nil || u.Name != "ada" {
		t.Error(u, err)
	}
	for _, path := range []string{"/more", "/cut"} {
		u, err := sonde.JSON[user](c.Get(background, p.url()+path))
		var e *sonde.Error
		var syntax *json.SyntaxError
		if !errors.As(err, &e) || e.Op != sonde.OpDecode || !errors.As(err, &syntax) || u.Name != "" {
			t.Error(path, u, err)
		}
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestProblemShortCode: one line checks the status, bounds and ends the body, and
// takes a context.
func TestProblemShortCode(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for {
			r, _, err := c.request()
			if err != nil {
				return
			}
			if r.URL.Path == "/ada" && r.Header.Get("Accept") == "application/json" {
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + `{"name":"ada"}`)
			} else {
				c.say("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
			}
		}
	})
	type user struct{ Name string }
	if u, err := sonde.GetJSON[user](background, p.url()+"/ada"); err != nil || u.Name != "ada" {
		t.Error(u, err)
	}
	var s *sonde.StatusError
	if _, err := sonde.GetJSON[user](background, p.url()+"/eve"); !errors.As(err, &s) || s.Status != sonde.StatusNotFound {
		t.Error(err)
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestProblemStatusType(t *testing.T) {
	for s, want := range map[sonde.Status]struct {
		class int
		text  string
	}{
		sonde.StatusOK: {2, "200 OK"}, sonde.StatusNotFound: {4, "404 Not Found"},
		299: {2, "299"}, 999: {9, "999"}, 42: {0, "42"}, 0: {0, "0"},
	} {
		if s.Class() != want.class || s.String() != want.text || s.OK() != (want.class == 2) {
			t.Error(int(s), s.Class(), s.String(), s.OK())
		}
	}
}

// TestProblemContextFirst: every method and function that may wait has the context
// as its first parameter, and nothing else can end one call.
func TestProblemContextFirst(t *testing.T) {
	client := reflect.TypeFor[*sonde.Client]()
	for _, name := range []string{"Do", "DoInto", "Stream", "Open", "Get", "Head", "Delete", "Options", "Post", "Put", "Patch"} {
		m, ok := client.MethodByName(name)
		if !ok || m.Type.In(1) != reflect.TypeFor[context.Context]() {
			t.Error("Client."+name, m.Type)
		}
	}
	for m := range client.Methods() {
		if strings.Contains(m.Name, "Cancel") || strings.Contains(m.Name, "Timeout") {
			t.Error("another way to end a call:", m.Name)
		}
	}
}

// TestProblemStringsNeverChange: what the API returned stays as it was, although
// DoInto reuses memory.
func TestProblemStringsNeverChange(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		for n := 'a'; ; n++ {
			if c.head() == "" {
				return
			}
			c.say("HTTP/1.1 200 Fine-" + string(n) + "\r\nContent-Length: 0\r\nX-A: " + strings.Repeat(string(n), 9) + "\r\n\r\n")
		}
	})
	c := newClient(t, sonde.Config{})
	var resp sonde.Response
	req := sonde.NewRequest(sonde.GET, p.url())
	var got []string
	for range 3 {
		if err := c.DoInto(background, req, &resp); err != nil {
			t.Fatal(err)
		}
		got = append(got, resp.Header.Get("X-A"), resp.Header.Values("x-a")[0], resp.Header.String())
		for name, value := range resp.Header.All() {
			got = append(got, name+value)
		}
	}
	const want = "aaaaaaaaa|aaaaaaaaa|Content-Length: 0\r\nX-A: aaaaaaaaa\r\n|Content-Length0|X-Aaaaaaaaaa|" +
		"bbbbbbbbb|bbbbbbbbb|Content-Length: 0\r\nX-A: bbbbbbbbb\r\n|Content-Length0|X-Abbbbbbbbb|" +
		"ccccccccc|ccccccccc|Content-Length: 0\r\nX-A: ccccccccc\r\n|Content-Length0|X-Accccccccc"
	if all := strings.Join(got, "|"); all != want {
		t.Errorf("%q\nwant\n%q", all, want)
	}
}

// TestProblemHeader: names in any case find a field; order and case stay.
func TestProblemHeader(t *testing.T) {
	h := header("x-LOWER: 1", "Accept: a", "ACCEPT: b, gzip", "x-lower: 2")
	if h.Get("X-Lower") != "1" || !slices.Equal(h.Values("x-lower"), []string{"1", "2"}) || h.Combined("accept") != "a, b, gzip" {
		t.Error(h)
	}
	if !h.HasToken("accept", "GZIP") || h.HasToken("Accept", "zip") {
		t.Error("tokens")
	}
	var names []string
	for name := range h.All() {
		names = append(names, name)
	}
	if strings.Join(names, " ") != "x-LOWER Accept ACCEPT x-lower" {
		t.Error(names)
	}
	copied := h
	copied.Set("accept", "c")
	if h.Combined("Accept") != "a, b, gzip" {
		t.Error("a copy changed the original")
	}
	if err := h.Add("X", "a\r\nY: b"); err == nil || h.Len() != 4 {
		t.Error("a value can smuggle a field", err)
	}
}

// TestProblemALPN: Protocols alone decides what ALPN offers; a tls.Config with
// other NextProtos, as a clone of net/http's has, changes nothing.
func TestProblemALPN(t *testing.T) {
	server, client := certificates(t)
	var offered []string
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		offered = hello.SupportedProtos
		return nil, nil
	}
	p := newPeer(t, func(c *peerConn) {
		c.Conn = tls.Server(c.Conn, server)
		c.r.Reset(c.Conn)
		c.serve(okAnswer)
	})
	client.NextProtos = []string{"h2", "http/1.1"}
	c := newClient(t, sonde.Config{TLS: client})
	mustGet(t, c, "https"+strings.TrimPrefix(p.url(), "http"), "ok")
	if !slices.Equal(offered, []string{"http/1.1"}) {
		t.Errorf("ALPN offered %q", offered)
	}
	if !slices.Equal(client.NextProtos, []string{"h2", "http/1.1"}) {
		t.Error("the caller's tls.Config was changed")
	}
}

// TestProblemSchemes: other schemes are explicit, of one client, and never http's.
func TestProblemSchemes(t *testing.T) {
	mem := func(_ context.Context, r *sonde.Request) (*sonde.Exchange, error) {
		return sonde.NewExchange(sonde.Head{Status: 200}, strings.NewReader(string(r.Method())+" "+r.URL())), nil
	}
	c := newClient(t, sonde.Config{Schemes: map[string]sonde.Handler{"mem": mem}})
	mustGet(t, c, "mem:a/b?c", "GET mem:a/b?c")
	if _, err := newClient(t, sonde.Config{}).Get(background, "mem:a"); err == nil {
		t.Error("another client has it too")
	}
	if _, err := sonde.New(sonde.Config{Schemes: map[string]sonde.Handler{"https": mem}}); err == nil {
		t.Error("https was replaced")
	}
}

// TestProblemResponseOrError: never both, never neither, and *Error outermost.
func TestProblemResponseOrError(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal")
	})
	closed := 0
	both := sonde.Middleware(func(sonde.Handler) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
			return sonde.NewExchange(sonde.Head{Status: 200}, closeFunc(func() { closed++ })), errMine
		}
	})
	neither := sonde.Middleware(func(sonde.Handler) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) { return nil, nil }
	})
	bare := sonde.Middleware(func(sonde.Handler) sonde.Handler {
		return func(context.Context, *sonde.Request) (*sonde.Exchange, error) {
			return &sonde.Exchange{Head: sonde.Head{Status: 500}}, nil
		}
	})
	plain := newClient(t, sonde.Config{})
	var nobody *sonde.Client
	for name, call := range map[string]func() (*sonde.Response, error){
		"cut off":      func() (*sonde.Response, error) { return plain.Get(background, p.url()) },
		"bad URL":      func() (*sonde.Response, error) { return plain.Get(background, "::") },
		"nil client":   func() (*sonde.Response, error) { return nobody.Get(background, p.url()) },
		"both":         func() (*sonde.Response, error) { return through(t, both).Get(background, "http://a/") },
		"neither":      func() (*sonde.Response, error) { return through(t, neither).Get(background, "http://a/") },
		"without body": func() (*sonde.Response, error) { return through(t, bare).Get(background, "http://a/") },
	} {
		resp, err := call()
		if _, ok := err.(*sonde.Error); !ok || resp != nil {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
	}
	if closed != 1 {
		t.Error("the response beside an error was not closed")
	}
	if s := nobody.Pool().Stats(); s.Routes != 0 {
		t.Error(s)
	}
	for range nobody.Pool().Conns() {
		t.Error("a connection of nobody's")
	}
	nobody.Pool().CloseIdle()
}

func through(t *testing.T, m sonde.Middleware) *sonde.Client {
	return newClient(t, sonde.Config{Middleware: []sonde.Middleware{m}})
}

// closeFunc is an empty body that says when it is closed.
type closeFunc func()

func (f closeFunc) Read([]byte) (int, error) { return 0, io.EOF }
func (f closeFunc) Close() error             { f(); return nil }

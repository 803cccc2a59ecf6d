package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"sonde"
	"sonde/trace"
)

// One example for each type that the calls of example_test.go do not show.

func ExampleClient() {
	base, stop := server(hello)
	defer stop()

	client, err := sonde.New(sonde.Config{
		Timeouts: sonde.Timeouts{Call: 10 * time.Second},
		Pool:     sonde.PoolConfig{MaxConnsPerOrigin: 8},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	resp, err := client.Get(context.Background(), base)
	fmt.Println(resp.Status, err)
	// Output: 200 OK <nil>
}

func ExampleConfig() {
	_, err := sonde.New(sonde.Config{UserAgent: "two\nlines"})
	fmt.Println(err)
	// Output: sonde: Config.UserAgent: byte 0x0a in the value of field User-Agent
}

func ExampleLimits() {
	base, stop := server(hello)
	defer stop()

	_, err := sonde.Get(context.Background(), base, sonde.WithLimits(sonde.Limits{Body: 10}))
	fmt.Println(errors.Is(err, sonde.ErrTooLarge))
	// Output: true
}

// At most two connections: the others wait in turn.
func ExamplePoolConfig() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 2}})
	defer client.Close()

	done := make(chan bool)
	for range 20 {
		go func() {
			_, err := client.Get(context.Background(), base)
			done <- err == nil
		}()
	}
	for range 20 {
		<-done
	}
	fmt.Println(client.Pool().Stats().Opened <= 2)
	// Output: true
}

func ExamplePoolStats() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	opened, err := client.Pool().Warm(context.Background(), base, 3)
	s := client.Pool().Stats()
	fmt.Println(opened, err, s.Idle, s.Reasons[trace.Warming])
	// Output: 3 <nil> 3 3
}

func ExamplePoolConn() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	client.Get(context.Background(), base)
	for c := range client.Pool().Conns() {
		fmt.Println(c.Origin == base, c.Requests, "request,", c.Why)
	}
	// Output: true 1 request, first to this route
}

// A request is made once and may be sent many times; With makes variants.
func ExampleRequest() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) })
	defer stop()

	search := sonde.NewRequest(sonde.GET, base+"/search", sonde.WithHeader("Accept-Language", "de"))
	for _, word := range []string{"a", "b"} {
		resp, err := sonde.Do(context.Background(), search.With(sonde.WithQuery("q", word)))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(resp.Body))
	}
	// Output:
	// /search?q=a
	// /search?q=b
}

func ExampleResponse() {
	base, stop := server(hello)
	defer stop()

	resp, err := sonde.Get(context.Background(), base)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, _ := resp.Header.Int("Content-Length")
	fmt.Println(resp.Status, n, len(resp.Body), resp.Timing().Total > 0)
	// Output: 200 OK 11 11 true
}

func ExampleExchange() {
	ex := sonde.NewExchange(sonde.Head{Status: 200}, strings.NewReader("from memory"))
	defer ex.Close()
	text, err := io.ReadAll(ex.Body)
	fmt.Println(ex.Status, string(text), err)
	// Output: 200 OK from memory <nil>
}

// The body is what must be kept: whoever has it has the connection.
func ExampleBodyReader() {
	base, stop := server(hello)
	defer stop()

	download := func(url string) (io.ReadCloser, error) {
		ex, err := sonde.Open(context.Background(), sonde.NewRequest(sonde.GET, url))
		if err != nil {
			return nil, err
		}
		return ex.Body, nil
	}
	body, err := download(base)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer body.Close()
	text, _ := io.ReadAll(body)
	fmt.Println(string(text))
	// Output: Hello world
}

func ExampleUpgradedConn() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 Connected\r\n\r\nwelcome")
	})
	defer stop()

	ex, err := sonde.Open(context.Background(), sonde.NewRequest(sonde.CONNECT, base))
	if err != nil {
		fmt.Println(err)
		return
	}
	var conn net.Conn
	if conn, err = ex.Upgrade(); err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	text, _ := io.ReadAll(conn)
	fmt.Println(string(text))
	// Output: welcome
}

// A func that takes a *Head serves for a Response, an Exchange and a StatusError.
func ExampleHead() {
	describe := func(h *sonde.Head) string {
		return fmt.Sprint(h.Proto, " ", h.Status.Class(), "xx ", h.Header.Get("Server"))
	}
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "small")
		w.WriteHeader(http.StatusTeapot)
	})
	defer stop()

	_, err := sonde.Get(context.Background(), base)
	var status *sonde.StatusError
	if errors.As(err, &status) {
		fmt.Println(describe(&status.Head))
	}
	// Output: HTTP/1.1 4xx small
}

func ExampleHeader() {
	var h sonde.Header
	h.Add("Accept", "text/html")
	h.Add("accept", "text/plain")
	fmt.Println(h.Combined("ACCEPT"), h.HasToken("accept", "text/plain"))
	fmt.Println(h.Add("X", "a\r\nSet-Cookie: b"))
	for name, value := range h.All() {
		fmt.Println(name, "=", value)
	}
	// Output:
	// text/html, text/plain true
	// byte 0x0d in the value of field X
	// Accept = text/html
	// accept = text/plain
}

func ExampleMediaType() {
	var h sonde.Header
	h.Set("Content-Type", `text/html; charset="utf-8"`)
	mt, err := h.MediaType("Content-Type")
	fmt.Println(mt.Type, err)
	// Output: text/html <nil>
}

func ExampleMethod() {
	for _, m := range []sonde.Method{sonde.GET, sonde.PUT, sonde.POST, "PURGE"} {
		fmt.Println(m, m.Safe(), m.Idempotent())
	}
	// Output:
	// GET true true
	// PUT false true
	// POST false false
	// PURGE false false
}

func ExampleStatus() {
	s := sonde.Status(503)
	fmt.Println(s, s.Class(), s.OK(), s == sonde.StatusServiceUnavailable)
	// Output: 503 Service Unavailable 5 false true
}

func ExampleProto() {
	fmt.Println(sonde.Proto{Major: 1, Minor: 1}, sonde.Proto{Major: 2})
	// Output: HTTP/1.1 HTTP/2
}

func ExampleProtocols() {
	base, stop := server(hello)
	defer stop()

	resp, err := sonde.Get(context.Background(), base, sonde.WithProtocols(sonde.HTTP1))
	fmt.Println(resp.Proto, err)
	// Output: HTTP/1.1 <nil>
}

func ExampleError() {
	_, err := sonde.Get(context.Background(), "http://ada:secret@localhost:99999/")
	fmt.Println(err)
	var e *sonde.Error
	fmt.Println(errors.As(err, &e), e.SafeToRetry())
	// Output:
	// GET request: the port "99999" is not from 1 to 65535
	// true true
}

func ExampleOp() {
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	ln.Close() // nobody listens there now
	_, err := sonde.Get(context.Background(), "http://"+ln.Addr().String())
	var e *sonde.Error
	if errors.As(err, &e) {
		switch e.Op {
		case sonde.OpResolve, sonde.OpConnect, sonde.OpTLS:
			fmt.Println("could not get there:", e.Op)
		case sonde.OpStatus:
			fmt.Println("the server said no")
		}
	}
	// Output: could not get there: connect
}

// Options that go together have a name of their own.
func ExampleOption() {
	asAda := sonde.Join(
		sonde.WithHeader("Authorization", "Bearer t0ken"),
		sonde.WithHeader("Accept-Language", "en"),
		sonde.WithTimeout(time.Minute))
	req := sonde.NewRequest(sonde.GET, "https://api.example/", asAda)
	fmt.Println(req.Header().Get("Authorization"), req.Header().Get("Accept-Language"))
	// Output: Bearer t0ken en
}

func ExampleBody() {
	base, stop := server(sum)
	defer stop()
	for _, body := range []sonde.Body{
		sonde.Text("hello"),
		sonde.JSONBody(User{Name: "Ada"}),
		sonde.Bytes([]byte{1, 2, 3}).WithMediaType("application/x-three"),
		sonde.Reader(strings.NewReader("of unknown length"), -1).WithMediaType("text/plain"),
	} {
		resp, err := sonde.Post(context.Background(), base, body)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(resp.Body))
	}
	// Output:
	// 5 of text/plain; charset=utf-8
	// 14 of application/json
	// 3 of application/x-three
	// 17 of text/plain
}

func ExampleConnInfo() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	first, _ := client.Get(context.Background(), base)
	second, _ := client.Get(context.Background(), base)
	fmt.Println(first.ConnInfo().Reused, second.ConnInfo().Reused)
	fmt.Println(first.ConnInfo().ID == second.ConnInfo().ID, second.ConnInfo().Why)
	// Output:
	// false true
	// true first to this route
}

func ExampleTiming() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	resp, _ := client.Get(context.Background(), base)
	t := resp.Timing()
	fmt.Println(t.Connect > 0, t.TLS > 0, t.FirstByte > 0, t.Total >= t.Connect+t.FirstByte)
	resp, _ = client.Get(context.Background(), base)
	fmt.Println(resp.Timing().Connect) // reused
	// Output:
	// true false true true
	// 0s
}

// names is a Resolver for tests: names that no name server knows.
type names map[string]string

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	addr, err := netip.ParseAddr(n[host])
	if err != nil || network == "ip6" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{addr}, nil
}

func ExampleResolver() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		fmt.Fprint(w, host)
	})
	defer stop()
	client, _ := sonde.New(sonde.Config{Resolver: names{"api.example": "127.0.0.1"}})
	defer client.Close()

	resp, err := client.Get(context.Background(), strings.Replace(base, "127.0.0.1", "api.example", 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: api.example
}

package sonde_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sonde"
)

// The calls that programs make, each against a small server on loopback.

// server answers with h until stop is called.
func server(h http.HandlerFunc) (url string, stop func()) {
	s := httptest.NewServer(h)
	return s.URL, s.Close
}

// hello answers every request in the same way.
func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello world") }

type User struct {
	Name string `json:"name"`
}

func ExampleGetJSON() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, `{"name":"Ada"}`) })
	defer stop()

	user, err := sonde.GetJSON[User](context.Background(), base+"/users/1")
	fmt.Println(user.Name, err)
	// Output: Ada <nil>
}

func ExamplePostJSON() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.Copy(w, r.Body)
	})
	defer stop()

	made, err := sonde.PostJSON[User](context.Background(), base+"/users", User{Name: "Ada"})
	fmt.Println(made.Name, err)
	// Output: Ada <nil>
}

func ExampleGet() {
	base, stop := server(hello)
	defer stop()

	resp, err := sonde.Get(context.Background(), base)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, string(resp.Body))
	// Output: 200 OK Hello world
}

// A client of one's own, a request with options, and the fields of the answer.
func ExampleClient_Do() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=60")
		fmt.Fprintf(w, "%s for %s", r.URL.RawQuery, r.Header.Get("Authorization"))
	})
	defer stop()

	client, err := sonde.New(sonde.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	req := sonde.NewRequest(sonde.GET, base+"/search",
		sonde.WithQuery("q", "sonde & friends"),
		sonde.WithHeader("Authorization", "Bearer t0ken"))
	resp, err := client.Do(context.Background(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	fmt.Println(resp.Header.HasToken("cache-control", "private"))
	// Output:
	// q=sonde+%26+friends for Bearer t0ken
	// true
}

// A loop that reuses the memory of one Response.
func ExampleClient_DoInto() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	req := sonde.NewRequest(sonde.GET, base)
	var resp sonde.Response
	bytes := 0
	for range 100 {
		if err := client.DoInto(context.Background(), req, &resp); err != nil {
			fmt.Println(err)
			return
		}
		bytes += len(resp.Body) // valid until resp is passed again
	}
	fmt.Println(bytes)
	// Output: 1100
}

// A status that is no success is an error with the server's explanation in it.
func ExampleStatusError() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such user", http.StatusNotFound)
	})
	defer stop()

	_, err := sonde.Get(context.Background(), base+"/users/2")
	var status *sonde.StatusError
	if errors.As(err, &status) {
		fmt.Printf("%v: %s", status.Status, status.Body)
	}
	// Output: 404 Not Found: no such user
}

// A status that is an answer like any other.
func ExampleWithAccept() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) })
	defer stop()

	resp, err := sonde.Get(context.Background(), base, sonde.WithAccept(sonde.StatusNotFound))
	fmt.Println(resp.Status.OK(), resp.Status, err)
	// Output: false 404 Not Found <nil>
}

// Timeouts are for phases; the context bounds the call.
func ExampleTimeouts() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	defer stop()

	_, err := sonde.Get(context.Background(), base,
		sonde.WithTimeouts(sonde.Timeouts{FirstByte: 20 * time.Millisecond}))
	var e *sonde.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Timeout(), errors.Is(err, os.ErrDeadlineExceeded))
	}
	// Output: first-byte true true
}

// A download into a file: the body never lies in memory.
func ExampleClient_Stream() {
	base, stop := server(hello)
	defer stop()
	file, err := os.CreateTemp("", "download")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	defer file.Close()

	err = sonde.Stream(context.Background(), sonde.NewRequest(sonde.GET, base), func(ex *sonde.Exchange) error {
		n, err := io.Copy(file, ex.Body)
		fmt.Println(n, "bytes")
		return err
	})
	fmt.Println(err)
	// Output:
	// 11 bytes
	// <nil>
}

// A response that is passed on before it is complete.
func ExampleClient_Open() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "one\ntwo\n") })
	defer stop()

	ex, err := sonde.Open(context.Background(), sonde.NewRequest(sonde.GET, base))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ex.Close()
	text, err := io.ReadAll(ex.Body)
	fmt.Printf("%s%v", text, err)
	// Output:
	// one
	// two
	// <nil>
}

// sum answers with the number of bytes and the media type that came.
func sum(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	fmt.Fprintf(w, "%d of %s", n, r.Header.Get("Content-Type"))
}

func ExampleFile() {
	base, stop := server(sum)
	defer stop()
	path := filepath.Join(os.TempDir(), "sonde-example.png")
	os.WriteFile(path, make([]byte, 100_000), 0o600)
	defer os.Remove(path)

	resp, err := sonde.Put(context.Background(), base, sonde.File(path).WithMediaType("image/png"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: 100000 of image/png
}

func ExampleForm() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.PostFormValue("name")) })
	defer stop()

	resp, err := sonde.Post(context.Background(), base, sonde.Form(url.Values{"name": {"Ada & Charles"}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: Ada & Charles
}

// A check sum that is known only when all of the body has been read.
func ExampleWithTrailer() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.Trailer.Get("X-Length"))
	})
	defer stop()

	var seen bytes.Buffer
	body := sonde.Reader(io.TeeReader(strings.NewReader("Hello world"), &seen), -1)
	resp, err := sonde.Post(context.Background(), base, body, sonde.WithTrailer(func() (sonde.Header, error) {
		var h sonde.Header
		err := h.Set("X-Length", fmt.Sprint(seen.Len()))
		return h, err
	}, "X-Length"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: 11
}

// Early hints, before the answer itself.
func ExampleWithInformational() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		hello(w, r)
	})
	defer stop()

	resp, err := sonde.Get(context.Background(), base, sonde.WithInformational(func(h *sonde.Head) error {
		fmt.Println(h.Status, h.Header.Get("Link"))
		return nil
	}))
	fmt.Println(resp.Status, err)
	// Output:
	// 103 Early Hints </style.css>; rel=preload
	// 200 OK <nil>
}

// A body that leaves only if the server wants it.
func ExampleWithExpectContinue() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	})
	defer stop()

	body := sonde.Func(1<<30, func() (io.ReadCloser, error) { return io.NopCloser(neverRead{}), nil })
	_, err := sonde.Put(context.Background(), base, body, sonde.WithExpectContinue(),
		sonde.WithTimeouts(sonde.Timeouts{Continue: time.Minute}))
	var status *sonde.StatusError
	fmt.Println(errors.As(err, &status), status.Status)
	// Output: true 413 Content Too Large
}

type neverRead struct{}

func (neverRead) Read([]byte) (int, error) { panic("the body was read") }

// Another protocol on the connection, after 101.
func ExampleExchange_Upgrade() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, _ := http.NewResponseController(w).Hijack()
		defer conn.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		io.WriteString(conn, "echo "+line)
	})
	defer stop()

	ex, err := sonde.Open(context.Background(), sonde.NewRequest(sonde.GET, base,
		sonde.WithHeader("Connection", "upgrade"), sonde.WithHeader("Upgrade", "echo")))
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := ex.Upgrade()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	answer, _ := io.ReadAll(conn)
	fmt.Print(string(answer))
	// Output: echo hello
}

// The API of a daemon that listens on a unix socket.
func ExampleWithUnixSocket() {
	dir, _ := os.MkdirTemp("", "sonde")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "api.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"name":%q}`, r.Host+r.URL.Path)
	})}
	go s.Serve(ln)
	defer s.Close()

	info, err := sonde.GetJSON[User](context.Background(), "http://docker/v1/info", sonde.WithUnixSocket(path))
	fmt.Println(info.Name, err)
	// Output: docker/v1/info <nil>
}

// A middleware that signs every request.
func ExampleMiddleware() {
	base, stop := server(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Signature")) })
	defer stop()

	sign := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			signature := fmt.Sprintf("%s of %d bytes", req.Method(), len(req.URL())-len(base))
			return next(ctx, req.With(sonde.WithHeader("X-Signature", signature)))
		}
	}
	client, _ := sonde.New(sonde.Config{Middleware: []sonde.Middleware{sign}})
	defer client.Close()
	resp, err := client.Delete(context.Background(), base+"/users/1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
	// Output: DELETE of 8 bytes
}

// A test without a server: a middleware that answers by itself.
func ExampleNewExchange() {
	mock := func(sonde.Handler) sonde.Handler {
		return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
			return sonde.NewExchange(sonde.Head{Status: 200}, strings.NewReader(`{"name":"Ada"}`)), nil
		}
	}
	client, _ := sonde.New(sonde.Config{Middleware: []sonde.Middleware{mock}})
	defer client.Close()
	user, err := sonde.JSON[User](client.Get(context.Background(), "https://api.example/users/1"))
	fmt.Println(user.Name, err)
	// Output: Ada <nil>
}

// URLs of another scheme.
func ExampleHandler() {
	files := func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		u, err := url.Parse(req.URL())
		if err != nil {
			return nil, err
		}
		f, err := os.Open(u.Path)
		if errors.Is(err, os.ErrNotExist) {
			return sonde.NewExchange(sonde.Head{Status: sonde.StatusNotFound}, nil), nil
		}
		if err != nil {
			return nil, err
		}
		return sonde.NewExchange(sonde.Head{Status: sonde.StatusOK}, f), nil // closes it
	}
	client, _ := sonde.New(sonde.Config{Schemes: map[string]sonde.Handler{"file": files}})
	defer client.Close()
	_, err := client.Get(context.Background(), "file:/no/such/file")
	fmt.Println(err)
	// Output: GET file:/no/such/file: status: status 404 Not Found (body of 0 bytes)
}

// A client with other TLS settings that shares the pool; connections of the two
// are never mixed.
func ExampleClient_With() {
	s := httptest.NewTLSServer(http.HandlerFunc(hello))
	defer s.Close()
	s.Config.ErrorLog = nil
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	trusting, err := client.With(func(c *sonde.Config) {
		c.TLS = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := trusting.Get(context.Background(), s.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, resp.ConnInfo().TLS.NegotiatedProtocol)
	// Output: 200 OK http/1.1
}

// Why connections were opened. Reasons has also why they ended.
func ExamplePool() {
	base, stop := server(hello)
	defer stop()
	client, _ := sonde.New(sonde.Config{})
	defer client.Close()

	for range 10 {
		client.Get(context.Background(), base)
	}
	client.Get(context.Background(), base, sonde.WithOneShot())
	stats := client.Pool().Stats()
	fmt.Println(stats.Opened, "opened,", stats.Hits, "requests on a kept one")
	for reason, n := range stats.Reasons.All {
		if reason.Opens() {
			fmt.Println(n, reason)
		}
	}
	// Output:
	// 2 opened, 9 requests on a kept one
	// 1 first to this route
	// 1 asked for a connection of its own
}

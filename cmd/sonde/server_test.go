package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/br"
	"sonde/zstd"
)

// testServer does what the request's path says, also what no server should do.
type testServer struct{ url, tls, closed string }

func startServer(t *testing.T) *testServer {
	t.Helper()
	plain := httptest.NewServer(http.HandlerFunc(serve))
	secure := httptest.NewTLSServer(http.HandlerFunc(serve))
	gone := httptest.NewServer(nil)
	gone.Close()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	return &testServer{plain.URL, secure.URL, gone.URL}
}

var busy sync.Map // how often each URL was asked for

func serve(w http.ResponseWriter, r *http.Request) {
	what, arg, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch what {
	case "hello":
		io.WriteString(w, "Hello world\n")
	case "status":
		n, _ := strconv.Atoi(arg)
		w.WriteHeader(n)
		fmt.Fprintf(w, "this is %d\n", n)
	case "binary":
		w.Write([]byte{1, 2, 0, 3})
	case "lines":
		for i := range 1 << 20 {
			if _, err := fmt.Fprintln(w, "line", i); err != nil {
				return
			}
		}
	case "hang":
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	case "ranges":
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
	case "coded":
		serveCoded(w, r)
	case "redirect": // so many times, then to where the query says
		to := r.URL.RawQuery
		if n, _ := strconv.Atoi(arg); n > 1 {
			to = fmt.Sprintf("/redirect/%d?%s", n-1, to)
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
		io.WriteString(w, "elsewhere\n")
	case "busy": // so many times
		if seen, _ := busy.LoadOrStore(r.Host+r.RequestURI, new(atomic.Int32)); fmt.Sprint(seen.(*atomic.Int32).Add(1)) <= arg {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		echo(w, r)
	case "echo", "store":
		echo(w, r)
	case "private": // for whoever says anything of the scheme that the path names
		if !strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), arg) {
			w.Header().Set("WWW-Authenticate", arg+` realm="here", nonce="once", qop="auth"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		echo(w, r)
	case "early":
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "done\n")
	default:
		raw(w, what)
	}
}

// serveCoded answers in the coding that the query names.
func serveCoded(w http.ResponseWriter, r *http.Request) {
	name := r.URL.RawQuery
	if !strings.Contains(r.Header.Get("Accept-Encoding"), name) {
		io.WriteString(w, "not asked for\n")
		return
	}
	w.Header().Set("Content-Encoding", name)
	for _, c := range []sonde.Coding{sonde.Gzip(), sonde.Deflate(), br.Coding{}, zstd.Coding{}} {
		if c.Name() == name {
			enc, err := c.NewWriter(w)
			if err != nil {
				panic(err)
			}
			fmt.Fprintln(enc, "in", name)
			enc.Close()
			return
		}
	}
	io.WriteString(w, "in no coding")
}

// echo answers with the request.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s\nHost: %s\nContent-Length: %d\n", r.Method, r.RequestURI, r.Host, r.ContentLength)
	r.Header.Write(w)
	io.WriteString(w, "\n")
	io.Copy(w, r.Body)
}

// raw answers without rules.
func raw(w http.ResponseWriter, what string) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	switch what {
	case "empty":
	case "reset":
		conn.(*net.TCPConn).SetLinger(0)
	case "garbage":
		io.WriteString(conn, "this is not HTTP\r\n\r\n")
	case "short":
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all")
	case "shortreset":
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all")
		time.Sleep(50 * time.Millisecond)
		conn.(*net.TCPConn).SetLinger(0)
	case "badchunk":
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	case "screen":
		// C1 controls in UTF-8 and as a byte: the parser lets them through.
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Evil: \xc2\x9b2J\x9b2Jend\r\n\r\nok\n")
	case "reason":
		io.WriteString(conn, "HTTP/1.1 200 ev\xc2\x9b2Jil\r\nContent-Length: 0\r\n\r\n")
		discardUntilClosed(rw.Reader)
	case "short0":
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
	case "slow":
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
		discardUntilClosed(rw.Reader)
	}
}

// discardUntilClosed waits for the client to go.
func discardUntilClosed(r *bufio.Reader) { io.Copy(io.Discard, r) }

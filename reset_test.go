package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sonde"
	"sonde/trace"
)

// streaming is a body without an end, until somebody closes it.
type streaming struct {
	closed chan struct{}
	over   atomic.Bool
}

func (e *streaming) Read(p []byte) (int, error) {
	if e.over.Load() {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (e *streaming) Close() error {
	if !e.over.Swap(true) {
		close(e.closed)
	}
	return nil
}

// TestResetDuringUpload: the system tells of a reset once, and the write of an upload
// may be told instead of the read. A body that ends with the connection is not whole
// then, and the error is the same.
func TestResetDuringUpload(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a reset leaves to be read is the system's own")
	}
	for _, head := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "HTTP/1.0 413 Too large\r\n\r\n"} {
		for _, first := range []string{"write", "read"} { // who is told
			read := make(chan struct{})
			p := newPeer(t, func(c *peerConn) {
				c.head()
				c.say(head + "abc")
				<-read
				reset(c.Conn)
			})
			c := newClient(t, sonde.Config{})
			body := &streaming{closed: make(chan struct{})}
			req := sonde.NewRequest(sonde.PUT, p.url(), sonde.WithAccept(sonde.AnyStatus), sonde.WithBody(
				sonde.Func(-1, func() (io.ReadCloser, error) { return body, nil })))
			err := c.Stream(background, req, func(ex *sonde.Exchange) error {
				if _, err := io.ReadFull(ex.Body, make([]byte, 3)); err != nil {
					t.Error(err)
				}
				close(read)
				if first == "write" {
					<-body.closed
				}
				_, err := ex.Body.Read(make([]byte, 10))
				return err
			})
			var e *sonde.Error
			if !errors.As(err, &e) || e.Op != sonde.OpRead || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%.15s, %s first: %v", head, first, err)
			}
			if n := c.Pool().Stats().Reasons[trace.ReadFailed]; n != 1 {
				t.Errorf("%.15s, %s first: the connection ended for %v", head, first, c.Pool().Stats().Reasons.Map())
			}
		}
	}
}

// TestResetWithoutAnswer: of a reset the same is said whoever notes it first.
func TestResetWithoutAnswer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a reset leaves to be read is the system's own")
	}
	p := newPeer(t, func(c *peerConn) {
		c.head()
		reset(c.Conn)
	})
	c := newClient(t, sonde.Config{})
	for range 50 {
		req := sonde.NewRequest(sonde.PUT, p.url(), sonde.WithBody(sonde.Func(-1, func() (io.ReadCloser, error) {
			return &streaming{closed: make(chan struct{})}, nil
		})))
		_, err := c.Do(background, req)
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpFirstByte || e.SafeToRetry() || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
	}
	if s := c.Pool().Stats(); s.Active != 0 || s.Opened != s.Closed || s.Reasons[trace.ReadFailed] != 50 {
		t.Errorf("%+v", s)
	}
}

// TestNoClosureAlert: a body that ends with the connection is complete under TLS only
// if the server has said so (RFC 9112 §9.8).
func TestNoClosureAlert(t *testing.T) {
	server, client := certificates(t)
	for _, tt := range []struct {
		name, head   string
		alert, whole bool
	}{
		{"an alert", "HTTP/1.1 200 OK\r\n\r\n", true, true},
		{"none", "HTTP/1.1 200 OK\r\n\r\n", false, false},
		{"none, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", false, false},
		{"none, but a length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, true},
		{"none, but a last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, func(c *peerConn) {
				secure := tls.Server(c.Conn, server)
				c.r.Reset(secure)
				c.head()
				text := tt.head
				if !strings.Contains(text, "chunked") {
					text += "abc"
				}
				io.WriteString(secure, text)
				if tt.alert {
					secure.CloseWrite()
				}
			})
			c := newClient(t, sonde.Config{TLS: client})
			resp, err := c.Get(background, "https"+strings.TrimPrefix(p.url(), "http"))
			var e *sonde.Error
			switch {
			case tt.whole && (err != nil || string(resp.Body) != "abc"):
				t.Errorf("%+v, %v", resp, err)
			case !tt.whole && (!errors.As(err, &e) || e.Op != sonde.OpRead || !errors.Is(err, io.ErrUnexpectedEOF)):
				t.Errorf("%+v, %v", resp, err)
			}
		})
	}
}

// TestAlertBeforeReset: with TLS 1.3 a server refuses a client's certificate when the
// client takes the handshake for done. Its alert is the error, whether a write still
// went well or met the reset behind it.
func TestAlertBeforeReset(t *testing.T) {
	server, client := certificates(t)
	server.ClientAuth, server.MinVersion = tls.RequireAnyClientCert, tls.VersionTLS13
	large := strings.Repeat("x", 100_000)
	for _, late := range []bool{false, true} { // the request leaves only then
		for _, opts := range [][]sonde.Option{nil, {sonde.WithBody(sonde.Text("x"))}, {sonde.WithBody(sonde.Text(large))}} {
			ended := make(chan struct{})
			p := newPeer(t, func(c *peerConn) {
				tls.Server(c.Conn, server).Handshake()
				reset(c.Conn)
				close(ended)
			})
			c := newClient(t, sonde.Config{TLS: client})
			ctx := httptrace.WithClientTrace(background, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
				if late {
					<-ended
				}
			}})
			_, err := c.Do(ctx, sonde.NewRequest(sonde.PUT, "https"+strings.TrimPrefix(p.url(), "http"), opts...))
			var e *sonde.Error
			if !errors.As(err, &e) || e.Op != sonde.OpFirstByte || !strings.Contains(err.Error(), "certificate required") {
				t.Errorf("late %v: %v", late, err)
			}
		}
	}
}

// TestRetryNotAfterAlert: a server that refuses a handshake by an alert, and then
// closes or resets, is not asked again.
func TestRetryNotAfterAlert(t *testing.T) {
	_, client := certificates(t)
	for _, end := range []func(net.Conn){reset, func(c net.Conn) { c.Close() }} {
		p := newPeer(t, func(c *peerConn) {
			c.Read(make([]byte, 4096))
			c.say("\x15\x03\x03\x00\x02\x02\x28") // handshake_failure
			end(c.Conn)
		})
		c := newClient(t, sonde.Config{TLS: client, Retry: quickly(2)})
		_, err := c.Get(context.Background(), "https"+strings.TrimPrefix(p.url(), "http"))
		var e *sonde.Error
		if !errors.As(err, &e) || e.Op != sonde.OpTLS || e.Attempt != 1 {
			t.Errorf("%v (%+v)", err, e)
		}
	}
}

// TestWarmIsLookedAt: what a server says on a connection that Warm has opened, or its
// end, came before the request, as on one that was used.
func TestWarmIsLookedAt(t *testing.T) {
	if !looks {
		t.Skip("within a second nobody looks here")
	}
	for _, method := range []sonde.Method{sonde.GET, sonde.POST} {
		for _, says := range []string{"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", ""} {
			ended := make(chan struct{})
			p := newPeer(t, func(c *peerConn) {
				if c.n > 1 {
					c.serve(okAnswer)
					return
				}
				c.say(says)
				c.Conn.(*net.TCPConn).CloseWrite()
				close(ended)
				c.gone()
			})
			c := newClient(t, sonde.Config{})
			if n, err := c.Pool().Warm(background, p.url(), 1); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			<-ended
			resp, err := c.Do(background, sonde.NewRequest(method, p.url()))
			if err != nil || string(resp.Body) != "ok" {
				t.Fatalf("%s: %+v, %v", method, resp, err)
			}
			if why := c.Pool().Stats().Reasons; why[trace.ServerClosed]+why[trace.UnsolicitedBytes] != 1 {
				t.Errorf("%s: the connection ended for %v", method, why.Map())
			}
		}
	}
}

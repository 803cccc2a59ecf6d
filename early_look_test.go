package sonde_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// gathered is a connection whose Writes wait for the last of them, so that several
// records of TLS come together.
type gathered struct {
	net.Conn
	mu   sync.Mutex
	on   bool
	kept []byte
}

func (g *gathered) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.on {
		return g.Conn.Write(p)
	}
	g.kept = append(g.kept, p...)
	return len(p), nil
}

// SetWriteDeadline does nothing: CloseWrite of TLS leaves one in the past behind.
func (g *gathered) SetWriteDeadline(time.Time) error { return nil }

// gather makes all that f writes one Write.
func (g *gathered) gather(f func()) {
	g.on = true
	f()
	g.on = false
	g.Conn.Write(g.kept)
	g.kept = nil
}

func httpsURL(p *peer) string { return "https" + strings.TrimPrefix(p.url(), "http") }

const stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"

// TestBeyondTheAnswer: a response that came together with the one before is nobody's,
// also where TLS has read it and the socket shows nothing of it.
func TestBeyondTheAnswer(t *testing.T) {
	large := strings.Repeat("x", 12_000)
	for _, tt := range []struct {
		name, body string
		say        func(g *gathered, c *peerConn, answer string)
	}{
		{"in the same record", "ok", func(_ *gathered, c *peerConn, answer string) { c.say(answer + stolen) }},
		{"in a record of its own", "ok", func(g *gathered, c *peerConn, answer string) {
			g.gather(func() { c.say(answer); c.say(stolen) })
		}},
		{"in the record of a body that is read past the buffer", large, func(_ *gathered, c *peerConn, answer string) { c.say(answer + stolen) }},
		{"with an end behind", "ok", func(g *gathered, c *peerConn, answer string) {
			g.gather(func() { c.say(answer); c.Conn.(*tls.Conn).CloseWrite() })
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := certificates(t)
			p := newPeer(t, func(c *peerConn) {
				g := &gathered{Conn: c.Conn}
				c.Conn = tls.Server(g, server)
				c.r.Reset(c.Conn)
				answer := "HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(tt.body)) + "\r\n\r\n" + tt.body
				if c.n > 1 {
					c.serve(answer)
					return
				}
				c.head()
				tt.say(g, c, answer)
				c.gone()
			})
			var put atomic.Int32
			c := newClient(t, sonde.Config{TLS: client, Sink: trace.SinkFunc(func(e trace.Event) {
				if e.Kind == trace.ConnPut {
					put.Add(1)
				}
			})})
			for range 2 {
				var got bytes.Buffer
				err := c.Stream(background, sonde.NewRequest(sonde.GET, httpsURL(p)), func(ex *sonde.Exchange) error {
					_, err := io.Copy(&got, ex.Body)
					return err
				})
				if err != nil || got.String() != tt.body {
					t.Fatalf("%d bytes, %v", got.Len(), err)
				}
			}
			if n := p.conns.Load(); n != 2 || put.Load() != 1 {
				t.Errorf("%d connections, %d times one was kept", n, put.Load())
			}
		})
	}
}

// TestFoundBefore: what a look finds on a kept connection costs a request nothing that
// may not be sent twice; where there is no other attempt, its error says what was
// found, and that nothing was sent.
func TestFoundBefore(t *testing.T) {
	if !looks {
		t.Skip("nobody looks here")
	}
	for _, tt := range []struct {
		name string
		tls  bool
		end  func(raw net.Conn, c *peerConn)
		eof  bool
		says string
	}{
		{"closed", false, func(raw net.Conn, _ *peerConn) { raw.(*net.TCPConn).CloseWrite() }, true, "closed"},
		{"bytes", false, func(_ net.Conn, c *peerConn) { c.say(stolen) }, false, "bytes came"},
		{"closed, TLS", true, func(raw net.Conn, _ *peerConn) { raw.(*net.TCPConn).CloseWrite() }, true, "closed"},
		{"close_notify", true, func(_ net.Conn, c *peerConn) { c.Conn.(*tls.Conn).CloseWrite() }, true, "closed"},
		{"bytes, TLS", true, func(_ net.Conn, c *peerConn) { c.say(stolen) }, false, "bytes came"},
		{"no record, TLS", true, func(raw net.Conn, _ *peerConn) { io.WriteString(raw, "\x17\x03\x03\x00\x05hello") }, false, "TLS ended"},
	} {
		for _, retries := range []int{0, -1} {
			for _, size := range []int{2, 20_000} { // sent with the head, or by a goroutine
				t.Run(tt.name+", "+itoa(retries+1)+", "+itoa(size), func(t *testing.T) {
					server, client := certificates(t)
					ended, closed := make(chan struct{}), make(chan struct{})
					p := newPeer(t, func(c *peerConn) {
						raw := c.Conn
						if tt.tls {
							c.Conn = tls.Server(raw, server)
							c.r.Reset(c.Conn)
						}
						if c.n > 1 {
							c.serve(okAnswer)
							return
						}
						c.head()
						c.say(okAnswer)
						tt.end(raw, c)
						time.AfterFunc(50*time.Millisecond, func() { close(ended) })
						if rest, _ := io.ReadAll(raw); !tt.tls && len(rest) > 0 {
							t.Errorf("%q was sent", rest)
						}
						close(closed)
					})
					url := p.url()
					if tt.tls {
						url = httpsURL(p)
					}
					c := newClient(t, sonde.Config{TLS: client, Retries: retries})
					mustGet(t, c, url, "ok")
					<-ended
					resp, err := c.Do(background, sonde.NewRequest(sonde.PUT, url, sonde.WithBody(sonde.Bytes(make([]byte, size)))))
					within(t, 20*time.Second, func() { <-closed })
					var e *sonde.Error
					switch {
					case retries == 0 && (err != nil || string(resp.Body) != "ok" || resp.ConnInfo().Reused):
						t.Fatal(resp, err)
					case retries == 0:
					case err == nil && !resp.ConnInfo().Reused: // on a slow machine the pool had asked it
					case !errors.As(err, &e) || !e.SafeToRetry() || errors.Is(err, io.EOF) != tt.eof || !strings.Contains(err.Error(), tt.says):
						t.Fatal(resp, err)
					}
				})
			}
		}
	}
}

// whenAsked is an Authenticator that speaks only when it is asked.
type whenAsked func(*sonde.AuthRequest)

func (f whenAsked) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	if len(a.Challenges) > 0 {
		f(a)
	}
	return nil
}

// TestProxyBytesBetween: bytes that a proxy sends between its refusal and the next
// CONNECT are no answer to that: another connection is asked, and the first one closed.
func TestProxyBytesBetween(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			if !looks {
				t.Skip("nobody looks here")
			}
			said, closed := make(chan struct{}), make(chan struct{})
			refused := make(chan struct{})
			var asked atomic.Int32
			server, _ := certificates(t)
			c, _ := scriptedProxy(t, scheme, func(c *peerConn) {
				raw := c.Conn
				if scheme == "https" {
					c.Conn = tls.Server(raw, server)
					c.r.Reset(c.Conn)
				}
				c.head()
				if asked.Add(1) > 1 {
					c.say("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
					c.gone()
					return
				}
				c.say("HTTP/1.1 407 Who\r\nProxy-Authenticate: Any\r\nContent-Length: 0\r\n\r\n")
				<-refused
				c.say("HTTP/1.1 200 OK\r\n\r\n")
				time.AfterFunc(50*time.Millisecond, func() { close(said) })
				io.Copy(io.Discard, raw)
				close(closed)
			}, sonde.ProxyConfig{Auth: whenAsked(func(a *sonde.AuthRequest) {
				close(refused)
				<-said
				a.Set("Proxy-Authorization", "Any x")
			})})
			var refusal *sonde.ProxyError
			if _, err := c.Get(background, "https://origin.test/"); !errors.As(err, &refusal) || refusal.Status != 403 {
				t.Error(err)
			}
			within(t, 20*time.Second, func() { <-closed })
		})
	}
}

// dialedBy is a connection of a custom dialer's that says which socket it is.
type dialedBy struct{ *net.TCPConn }

// TestForeignLook: a connection that a custom dialer has wrapped is looked at where its
// descriptor is known.
func TestForeignLook(t *testing.T) {
	if !looks {
		t.Skip("nobody looks here")
	}
	ended := make(chan struct{})
	p := newPeer(t, func(c *peerConn) {
		if c.n > 1 {
			c.serve(okAnswer)
			return
		}
		c.head()
		c.say(okAnswer)
		c.say(stolen)
		time.AfterFunc(50*time.Millisecond, func() { close(ended) })
		c.gone()
	})
	c := newClient(t, sonde.Config{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return dialedBy{conn.(*net.TCPConn)}, nil
	}})
	mustGet(t, c, p.url(), "ok")
	<-ended
	mustGet(t, c, p.url(), "ok")
	if n := p.conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

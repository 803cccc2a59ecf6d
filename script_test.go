package sonde_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
)

// peer is a scripted server: handle gets each accepted connection, numbered from 1.
type peer struct {
	t     testing.TB
	ln    net.Listener
	conns atomic.Int32
	wg    sync.WaitGroup
	mu    sync.Mutex
	open  []net.Conn
}

func newPeer(t testing.TB, handle func(p *peerConn)) *peer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, ln: ln}
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.open = append(p.open, c)
			p.mu.Unlock()
			n := int(p.conns.Add(1))
			p.wg.Go(func() {
				defer c.Close()
				handle(&peerConn{Conn: c, r: bufio.NewReader(c), n: n, t: t})
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.mu.Lock()
		for _, c := range p.open {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *peer) url() string { return "http://" + p.ln.Addr().String() }

// peerConn is a connection of a scripted server.
type peerConn struct {
	net.Conn
	r *bufio.Reader
	n int
	t testing.TB

	hanging func() // called when the script comes to where it says nothing more
}

// head reads a request head and returns it, "" at the end.
func (c *peerConn) head() string {
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return ""
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// request reads a request with its body.
func (c *peerConn) request() (*http.Request, []byte, error) {
	r, err := http.ReadRequest(c.r)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(r.Body)
	return r, body, err
}

func (c *peerConn) say(s string) { io.WriteString(c.Conn, s) }

// gone waits until the client has closed the connection.
func (c *peerConn) gone() {
	c.hangs()
	io.Copy(io.Discard, c.r)
}

func (c *peerConn) hangs() {
	if c.hanging != nil {
		c.hanging()
	}
}

// serve answers every request with answer.
func (c *peerConn) serve(answer string) {
	for {
		if _, _, err := c.request(); err != nil {
			return
		}
		c.say(answer)
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// mustGet is a GET that must give want, to see that a client still works.
func mustGet(t *testing.T, c *sonde.Client, url, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := c.Get(ctx, url)
	if err != nil {
		t.Fatal("a plain GET afterwards:", err)
	}
	if string(r.Body) != want {
		t.Fatalf("a plain GET afterwards: body %q, want %q", r.Body, want)
	}
}

// within fails the test when f takes longer than d.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("not over after %v", d)
	}
}

package sonde_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// TestAttackMayhem: everything at once. Calls of every kind with bodies of every
// kind, cancelled, closed and dropped at random, against a server that answers
// early, late, by halves or not at all. What comes back whole is right, and
// nothing is left.
func TestAttackMayhem(t *testing.T) {
	t.Run("plain", func(t *testing.T) { mayhem(t, false) })
	t.Run("tls", func(t *testing.T) { mayhem(t, true) })
}

func mayhem(t *testing.T, secure bool) {
	server, trusting := certificates(t)
	p := newPeer(t, func(c *peerConn) {
		if secure {
			c.Conn = tls.Server(c.Conn, server)
			c.r.Reset(c.Conn)
		}
		for {
			switch rand.IntN(30) {
			case 0:
				return
			case 1:
				c.head()
				c.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
				return
			case 2:
				c.head()
				reset(c.Conn)
				return
			case 3:
				c.head()
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\nhalf")
				return
			}
			r, body, err := c.request()
			if err != nil {
				return
			}
			answer := fmt.Sprintf("%s %d %08x", r.URL.Path, len(body), crc32.ChecksumIEEE(body))
			if rand.IntN(4) == 0 {
				c.say("HTTP/1.1 103 Early Hints\r\nLink: " + r.URL.Path + "\r\n\r\n")
			}
			if rand.IntN(10) == 0 {
				time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
			}
			switch rand.IntN(3) {
			case 0:
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(answer), answer) + "0\r\nX-Path: " + r.URL.Path + "\r\n\r\n")
			case 1:
				pad := strings.Repeat(" ", 20_000)
				c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Path: %s\r\n\r\n%s%s", len(answer)+len(pad), r.URL.Path, answer, pad))
			default:
				c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Path: %s\r\n\r\n%s", len(answer), r.URL.Path, answer))
			}
		}
	})
	url := p.url()
	if secure {
		url = "https" + strings.TrimPrefix(url, "http")
	}
	dir := t.TempDir()
	large := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	if err := os.WriteFile(filepath.Join(dir, "large"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	var rec atomic.Int64
	c := newClient(t, sonde.Config{
		TLS:  trusting,
		Pool: sonde.PoolConfig{MaxConnsPerOrigin: 12},
		Sink: trace.SinkFunc(func(trace.Event) { rec.Add(1) }),
	})
	var opened, closed, right atomic.Int64
	body := func() (sonde.Body, []byte, func()) {
		data := large[:rand.IntN(len(large))]
		if rand.IntN(2) == 0 {
			data = large[:rand.IntN(1000)]
		}
		nothing := func() {}
		switch rand.IntN(6) {
		case 0:
			return sonde.Body{}, nil, nothing
		case 1:
			return sonde.Bytes(data), data, nothing
		case 2:
			return sonde.File(filepath.Join(dir, "large")), large, nothing
		case 3:
			return sonde.Reader(bytes.NewReader(data), -1), data, nothing
		case 4:
			return sonde.Func(-1, func() (io.ReadCloser, error) {
				opened.Add(1)
				return &closeOnce{Reader: bytes.NewReader(data), closed: &closed}, nil
			}), data, nothing
		}
		r, w := io.Pipe()
		go func() {
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 5000)
				if _, err := w.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
			w.Close()
		}()
		return sonde.Reader(r, -1), data, func() { w.CloseWithError(io.ErrUnexpectedEOF) }
	}
	end := time.Now().Add(1500 * time.Millisecond)
	var wg sync.WaitGroup
	for g := range 24 {
		wg.Go(func() {
			var into sonde.Response
			for i := 0; time.Now().Before(end); i++ {
				b, data, done := body()
				path := fmt.Sprintf("/%d/%d", g, i)
				want := fmt.Sprintf("%s %d %08x", path, len(data), crc32.ChecksumIEEE(data))
				ctx, cancel := context.WithCancel(background)
				switch rand.IntN(4) {
				case 0:
					ctx, cancel = context.WithTimeout(background, time.Duration(rand.IntN(20))*time.Millisecond)
				case 1:
					stop := time.AfterFunc(time.Duration(rand.IntN(10_000))*time.Microsecond, cancel)
					defer stop.Stop()
				}
				opts := []sonde.Option{sonde.WithBody(b)}
				if rand.IntN(4) == 0 {
					opts = append(opts, sonde.WithExpectContinue(), sonde.WithTimeouts(sonde.Timeouts{Continue: time.Millisecond}))
				}
				if rand.IntN(10) == 0 {
					opts = append(opts, sonde.WithOneShot())
				}
				method := sonde.PUT
				if rand.IntN(2) == 0 {
					method = sonde.POST
				}
				req := sonde.NewRequest(method, url+path, opts...)
				check := func(got []byte, head *sonde.Head, trailer sonde.Header, err error) {
					if err != nil {
						var e *sonde.Error
						if !errors.As(err, &e) {
							t.Errorf("%#v", err)
						}
						return
					}
					right.Add(1)
					if strings.TrimRight(string(got), " ") != want {
						t.Errorf("got %.60q, want %q", got, want)
					}
					if p := head.Header.Get("X-Path") + trailer.Get("X-Path"); p != path {
						t.Errorf("head of %q for %q", p, path)
					}
				}
				switch rand.IntN(5) {
				case 0:
					r, err := c.Do(ctx, req)
					if err == nil {
						check(r.Body, &r.Head, r.Trailer(), nil)
					} else {
						check(nil, nil, sonde.Header{}, err)
					}
				case 1, 2:
					err := c.DoInto(ctx, req, &into)
					check(into.Body, &into.Head, into.Trailer(), err)
				case 3:
					err := c.Stream(ctx, req, func(ex *sonde.Exchange) error {
						if rand.IntN(3) == 0 {
							return nil // left over
						}
						got, err := io.ReadAll(ex.Body)
						check(got, &ex.Head, ex.Trailer(), err)
						return nil
					})
					check2(t, err)
				case 4:
					ex, err := c.Open(ctx, req)
					check2(t, err)
					if err != nil {
						break
					}
					var both sync.WaitGroup
					if rand.IntN(2) == 0 {
						both.Go(func() { ex.Close() })
					}
					var buf bytes.Buffer
					_, err = io.Copy(&buf, ex.Body)
					if err == nil {
						check(buf.Bytes(), &ex.Head, ex.Trailer(), nil)
					}
					both.Wait()
					ex.Close()
				}
				done()
				cancel()
			}
		})
	}
	wg.Wait()
	for range 500 {
		s := c.Pool().Stats()
		if s.Active+s.Waiting+s.Dialing == 0 && s.Opened-s.Closed == uint64(s.Idle) && opened.Load() == closed.Load() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if s := c.Pool().Stats(); s.Active+s.Waiting+s.Dialing != 0 || s.Opened-s.Closed != uint64(s.Idle) {
		t.Errorf("%+v", s)
	}
	if o, c := opened.Load(), closed.Load(); o != c {
		t.Errorf("%d bodies opened, %d closed", o, c)
	}
	if right.Load() < 10 {
		t.Errorf("only %d calls came through", right.Load())
	}
	t.Logf("%d calls came through; %v", right.Load(), c.Pool().Stats().Reasons.Map())
}

func check2(t *testing.T, err error) {
	if err == nil {
		return
	}
	if _, ok := err.(*sonde.Error); !ok {
		t.Errorf("%#v", err)
	}
}

// closeOnce panics when it is closed twice.
type closeOnce struct {
	io.Reader
	once   atomic.Bool
	closed *atomic.Int64
}

func (c *closeOnce) Close() error {
	if c.once.Swap(true) {
		panic("closed twice")
	}
	c.closed.Add(1)
	return nil
}

// TestAttackUnixSocket: many calls over a unix socket, each client and request
// with its own way to it; the Host stays the URL's.
func TestAttackUnixSocket(t *testing.T) {
	dir := t.TempDir()
	var urls [2]string
	for i := range urls {
		urls[i] = filepath.Join(dir, itoa(i))
		ln, err := net.Listen("unix", urls[i])
		if err != nil {
			t.Fatal(err)
		}
		var open sync.WaitGroup
		t.Cleanup(func() { ln.Close(); open.Wait() })
		open.Go(func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				open.Go(func() {
					defer conn.Close()
					c := &peerConn{Conn: conn, t: t}
					c.r = bufio.NewReader(conn)
					for {
						r, _, err := c.request()
						if err != nil {
							return
						}
						answer := itoa(i) + r.Host
						c.say("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(answer)) + "\r\n\r\n" + answer)
					}
				})
			}
		})
	}
	c := newClient(t, sonde.Config{UnixSocket: urls[0]})
	for range 3 {
		mustGet(t, c, "http://some.test/", "0some.test")
		r, err := c.Get(background, "http://some.test/", sonde.WithUnixSocket(urls[1]))
		if err != nil || string(r.Body) != "1some.test" {
			t.Fatal(err)
		}
	}
	if s := c.Pool().Stats(); s.Opened != 2 || s.Idle != 2 {
		t.Errorf("%+v", s)
	}
	var e *sonde.Error
	_, err := c.Get(background, "http://some.test/", sonde.WithUnixSocket(filepath.Join(dir, "none")))
	if !errors.As(err, &e) || e.Op != sonde.OpConnect || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

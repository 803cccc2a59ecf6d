package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sonde"
	"sonde/internal/porttest"
	"sonde/internal/race"
	"sonde/trace"
)

// reset makes the close of c a RST.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// looks says that a connection is looked at before each request.
const looks = runtime.GOOS == "linux" && runtime.GOARCH != "386" && runtime.GOARCH != "s390x" && !race.Enabled

// TestDeadConnections: every way in which a server ends a kept connection, plain
// and TLS, early and late, for requests that can be sent again and others.
func TestDeadConnections(t *testing.T) {
	endings := []struct {
		name string
		end  func(*peerConn) // after the first answer
		late bool            // only when the second request has come
	}{
		{"close", func(c *peerConn) { c.Close() }, false},
		{"half close", func(c *peerConn) { c.Conn.(interface{ CloseWrite() error }).CloseWrite() }, false},
		{"reset", func(c *peerConn) { reset(c.Conn) }, false},
		{"FIN without close_notify", func(c *peerConn) {
			if tc, ok := c.Conn.(*tls.Conn); ok {
				tc.NetConn().Close()
			} else {
				c.Close()
			}
		}, false},
		{"408", func(c *peerConn) {
			c.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			c.Close()
		}, false},
		{"unsolicited bytes", func(c *peerConn) { c.say(okAnswer) }, false},
		{"close at the next request", func(c *peerConn) { c.Close() }, true},
		{"reset at the next request", func(c *peerConn) { reset(c.Conn) }, true},
	}
	for _, secure := range []bool{false, true} {
		for _, e := range endings {
			for _, method := range []sonde.Method{sonde.GET, sonde.POST} {
				name := fmt.Sprintf("%s, %s, tls %v", e.name, method, secure)
				t.Run(name, func(t *testing.T) {
					server, client := certificates(t)
					ended := make(chan struct{})
					p := newPeer(t, func(c *peerConn) {
						if secure {
							c.Conn = tls.Server(c.Conn, server)
							c.r.Reset(c.Conn)
						}
						if c.n > 1 {
							c.serve(okAnswer)
							return
						}
						c.head()
						c.say(okAnswer)
						if e.late {
							c.head()
						}
						e.end(c)
						time.AfterFunc(50*time.Millisecond, func() { close(ended) })
						c.gone()
					})
					url := p.url()
					if secure {
						url = "https" + strings.TrimPrefix(url, "http")
					}
					c := newClient(t, sonde.Config{TLS: client})
					mustGet(t, c, url, "ok")
					if !e.late {
						<-ended
					}
					resp, err := c.Do(background, sonde.NewRequest(method, url))
					var f *sonde.Error
					switch {
					case e.late && method == sonde.POST:
						// The server may have acted on it: nobody can know.
						if !errors.As(err, &f) || f.SafeToRetry() {
							t.Fatalf("%+v, %v", resp, err)
						}
					case e.name == "unsolicited bytes" && secure && method == sonde.GET && err == nil:
						// TLS may have read them together with the answer before.
					case looks && !e.late && (err != nil || resp.ConnInfo().Reused):
						t.Fatalf("%+v, %v", resp, err) // nothing may have gone where that was
					case looks:
					case e.name == "unsolicited bytes" && method == sonde.GET:
						// Elsewhere a connection is not looked at within a second of its last use.
						if err != nil {
							t.Fatal(err)
						}
					case e.name == "408" && method == sonde.GET && err != nil:
						var s *sonde.StatusError
						if !errors.As(err, &s) || s.Status != 408 {
							t.Fatal(err)
						}
					case err != nil:
						t.Fatal(err)
					case string(resp.Body) != "ok":
						t.Fatalf("body %q", resp.Body)
					}
				})
			}
		}
	}
}

// TestAllDead: a server that restarts leaves a pool full of dead connections; one
// request gets through all the same.
func TestAllDead(t *testing.T) {
	var restart sync.WaitGroup
	restart.Add(20)
	p := newPeer(t, func(c *peerConn) {
		if c.n > 20 {
			c.serve(okAnswer)
			return
		}
		c.head()
		restart.Done()
		restart.Wait() // all 20 at once
		c.say(okAnswer)
	})
	c := newClient(t, sonde.Config{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { mustGet(t, c, p.url(), "ok") })
	}
	wg.Wait()
	mustGet(t, c, p.url(), "ok")
	if n := p.conns.Load(); n != 21 {
		t.Errorf("%d connections", n)
	}
}

// TestNoAnswerFresh: a server that never answers is not tried again.
func TestNoAnswerFresh(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.head() })
	c := newClient(t, sonde.Config{})
	var e *sonde.Error
	if _, err := c.Get(background, p.url()); !errors.As(err, &e) || e.Attempt != 1 || e.Op != sonde.OpFirstByte {
		t.Fatal(err)
	}
	if n := p.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestRefused(t *testing.T) {
	c := newClient(t, sonde.Config{})
	var e *sonde.Error
	_, err := c.Get(background, "http://127.0.0.1:"+porttest.Closed)
	if !errors.As(err, &e) || e.Op != sonde.OpConnect || !e.SafeToRetry() || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
}

// TestStress: 256 goroutines against a server that closes at random; nothing is
// lost, doubled or mixed up.
func TestStress(t *testing.T) {
	total := 100_000
	if testing.Short() || race.Enabled && testing.CoverMode() != "" {
		total = 10_000
	}
	seen := make([]atomic.Int32, total)
	p := newPeer(t, func(c *peerConn) {
		for {
			head := c.head()
			if head == "" {
				return
			}
			_, rest, _ := strings.Cut(head, " /")
			path, _, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(path)
			if err != nil {
				t.Error("request line", head)
				return
			}
			what := rand.IntN(100)
			if what == 0 {
				return // before acting
			}
			seen[n].Add(1)
			switch answer := "HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(path)) + "\r\n\r\n" + path; what {
			case 1:
				c.say(answer)
				return
			case 2:
				c.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + path)
				return
			case 3:
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + itoa(len(path)) + "\r\n" + path + "\r\n0\r\n\r\n")
			default:
				c.say(answer)
			}
		}
	})
	c := newClient(t, sonde.Config{Pool: sonde.PoolConfig{MaxConnsPerOrigin: 64}})
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			var resp sonde.Response
			for {
				n := int(next.Add(1)) - 1
				if n >= total {
					return
				}
				method := sonde.GET
				if n%4 == 0 {
					method = sonde.POST
				}
				err := c.DoInto(ctx, sonde.NewRequest(method, p.url()+"/"+itoa(n)), &resp)
				switch {
				case err == nil && string(resp.Body) != itoa(n):
					t.Errorf("answer %q to %d", resp.Body, n)
				case err == nil && method == sonde.POST && seen[n].Load() != 1:
					t.Errorf("POST %d came %d times", n, seen[n].Load())
				case err != nil:
					failed.Add(1)
					var e *sonde.Error
					if !errors.As(err, &e) || e.Op != sonde.OpFirstByte && e.Op != sonde.OpWrite && e.Op != sonde.OpRead {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for n := range seen {
		if n%4 == 0 && seen[n].Load() > 1 {
			t.Errorf("POST %d came %d times", n, seen[n].Load())
		}
	}
	s := c.Pool().Stats()
	for i := 0; i < 100 && s.Dialing != 0; i++ { // a dial that nobody waits for any more goes on
		time.Sleep(20 * time.Millisecond)
		s = c.Pool().Stats()
	}
	if s.Active != 0 || s.Waiting != 0 || s.Dialing != 0 || s.Opened-s.Closed != uint64(s.Idle) {
		t.Errorf("%+v", s)
	}
	// One in a hundred requests meets a close; those that are not repeated fail.
	if f := failed.Load(); f == 0 || f > int64(total)/25 {
		t.Errorf("%d of %d failed", f, total)
	}
}

// TestReasons: every new connection says why.
func TestReasons(t *testing.T) {
	closing := make(chan *peerConn, 10)
	p := newPeer(t, func(c *peerConn) {
		closing <- c
		c.serve(okAnswer)
	})
	c := newClient(t, sonde.Config{})
	why := func() trace.Reason {
		t.Helper()
		r, err := c.Get(background, p.url())
		if err != nil {
			t.Fatal(err)
		}
		return r.ConnInfo().Why
	}
	if r := why(); r != trace.FirstToRoute {
		t.Error(r)
	}
	ex, err := c.Open(background, sonde.NewRequest(sonde.GET, p.url(), sonde.WithOneShot()))
	if err != nil || ex.ConnInfo().Why != trace.OneShotAsked {
		t.Error(err, ex.ConnInfo().Why)
	}
	ex.Close()
	(<-closing).Close()
	for range 100 { // the sweeper, or the next request's check, finds it
		if c.Pool().Stats().Idle == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if r := why(); r != trace.IdleClosedByServer {
		t.Error(r)
	}
	c.Pool().CloseIdle()
	if r := why(); r != trace.IdleClosedByUser {
		t.Error(r)
	}
	_ = http.MethodGet
}

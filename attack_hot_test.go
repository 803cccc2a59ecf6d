package sonde_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sonde"
)

// TestAttackHotPath: the shortest way of a call, by a Request that was sent before on
// a connection that was used before, with nobody listening; while calls are cancelled
// at random, servers close, stop in the middle, dawdle, or say more than they were
// asked. No call gets another's answer, nor an older one to the same request; and what
// a Response lends stays until it is passed again, whoever passes it.
func TestAttackHotPath(t *testing.T) {
	const calls, lifetime = 48, 1200 * time.Millisecond
	began := time.Now()
	p := newPeer(t, func(c *peerConn) {
		for {
			r, body, err := c.request()
			if err != nil {
				return
			}
			at := time.Since(began)
			text := fmt.Sprintf("%s|%d|%s|%s", r.URL.Path, at, body, strings.Repeat("x", rand.IntN(2000)))
			answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Path: %s\r\nContent-Length: %d\r\n\r\n%s", r.URL.Path, len(text), text)
			if rand.IntN(3) == 0 {
				answer = fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Path: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", r.URL.Path, len(text), text)
			}
			switch rand.IntN(60) {
			case 0:
				return
			case 1:
				c.say(answer[:rand.IntN(len(answer))])
				return
			case 2:
				reset(c.Conn)
				return
			case 3:
				c.say(answer + "HTTP/1.1 200 OK\r\nX-Path: /none\r\nContent-Length: 4\r\n\r\nnone")
				continue
			case 4:
				time.Sleep(time.Duration(rand.IntN(10_000)) * time.Microsecond)
			case 5:
				half := rand.IntN(len(answer))
				c.say(answer[:half])
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				answer = answer[half:]
			}
			c.say(answer)
		}
	})
	c := newClient(t, sonde.Config{Pool: sonde.PoolConfig{MaxIdle: -1, MaxIdlePerOrigin: -1}})
	lent := make(chan *sonde.Response, calls)
	var right atomic.Int64
	var all sync.WaitGroup
	for g := range calls {
		all.Go(func() {
			path := "/" + strconv.Itoa(g)
			reqs := []*sonde.Request{
				sonde.NewRequest(sonde.GET, p.url()+path),
				sonde.NewRequest(sonde.POST, p.url()+path, sonde.WithBody(sonde.Text(path))),
			}
			into := new(sonde.Response)
			for time.Since(began) < lifetime {
				which := rand.IntN(2)
				ctx, cancel := someContext()
				asked := time.Since(began)
				if c.DoInto(ctx, reqs[which], into) == nil {
					right.Add(1)
					for range 2 { // the second time others have been at work
						if why := wrong(into, path, []string{"", path}[which], asked); why != "" {
							t.Error(why)
							return
						}
						time.Sleep(time.Duration(rand.IntN(2)) * time.Microsecond)
					}
				} else if into.Status != 0 || len(into.Body) > 0 {
					t.Error("an error and a response")
				}
				cancel()
				if rand.IntN(8) == 0 {
					lent <- into
					into = <-lent
				}
			}
		})
	}
	all.Wait()
	if right.Load() < calls {
		t.Errorf("only %d calls came through", right.Load())
	}
	t.Logf("%d calls came through; %v", right.Load(), c.Pool().Stats().Reasons.Map())
}

// someContext is the background, or one that ends soon, by a cancel or by time.
func someContext() (context.Context, context.CancelFunc) {
	soon := time.Duration(rand.IntN(10_000)) * time.Microsecond
	switch rand.IntN(4) {
	case 0:
		ctx, cancel := context.WithCancel(background)
		stop := time.AfterFunc(soon, cancel)
		return ctx, func() { stop.Stop(); cancel() }
	case 1:
		return context.WithTimeout(background, soon)
	}
	return background, func() {}
}

// wrong says what is wrong with an answer to a request that was asked after began.
func wrong(r *sonde.Response, path, body string, asked time.Duration) string {
	parts := strings.Split(string(r.Body), "|")
	if len(parts) != 4 || parts[0] != path || parts[2] != body || r.Header.Get("X-Path") != path {
		return fmt.Sprintf("%s got %.60q, %s", path, r.Body, r.Header.Get("X-Path"))
	}
	if at, err := strconv.ParseInt(parts[1], 10, 64); err != nil || time.Duration(at) < asked {
		return fmt.Sprintf("%s got an answer from %v, asked at %v", path, time.Duration(at), asked)
	}
	return ""
}

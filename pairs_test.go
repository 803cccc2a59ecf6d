package sonde_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// TestEventPairs: over many requests of every kind, with failures, cancels and
// uploads, each step that begins ends, the numbers of calls and connections fit
// together, and a call's end is its last event, but for a dial that outlives it.
func TestEventPairs(t *testing.T) {
	total := 4000
	if testing.Short() {
		total = 400
	}
	rec := pairsRun(t, total, false)
	t.Logf("%d events", len(rec.Events()))
	for _, k := range []trace.Kind{trace.Retry, trace.ContinueDone, trace.Informational, trace.TrailerRead, trace.ConnPut} {
		if rec.Count(k) == 0 {
			t.Errorf("it never came to %s", k)
		}
	}
}

// TestEventPairsClose: the same where the client is closed in the middle.
func TestEventPairsClose(t *testing.T) {
	for range 10 {
		pairsRun(t, 400, true)
	}
}

// TestEventPairsInRing: a Ring puts events in the order of their times, and that is the
// order in which they happened.
func TestEventPairsInRing(t *testing.T) {
	for i := range 3 {
		ring := trace.NewRing(1 << 16)
		pairsInto(t, 800, i > 0, ring, ring.Events)
		if n := ring.Lost(); n > 0 {
			t.Errorf("lost %d", n)
		}
	}
}

// pairsRun makes so many calls and checks their events.
func pairsRun(t *testing.T, total int, early bool) *trace.Recorder {
	rec := new(trace.Recorder)
	pairsInto(t, total, early, rec, rec.Events)
	return rec
}

// pairsInto is pairsRun with any sink.
func pairsInto(t *testing.T, total int, early bool, sink trace.Sink, events func() []trace.Event) {
	p := newPeer(t, pairsPeer)
	c, err := sonde.New(sonde.Config{
		Sink: sink, Resolver: nameTable{"good.test": {"127.0.0.1"}, "bad.test": nil, "two.test": {"127.0.0.9", "127.0.0.1"}},
		Pool:     sonde.PoolConfig{MaxConnsPerOrigin: 8},
		Timeouts: sonde.Timeouts{Call: 5 * time.Second, Continue: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	if early {
		time.AfterFunc(time.Duration(rand.IntN(100))*time.Millisecond, func() { c.Close() })
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range total / 16 {
				anyCall(c, p.ln.Addr().(*net.TCPAddr).Port)
			}
		})
	}
	wg.Wait()
	c.Close()
	time.Sleep(50 * time.Millisecond) // attempts to connect that lost their race end on their own
	for _, wrong := range checkPairs(events(), early) {
		t.Error(wrong)
	}
}

// nameTable is a resolver with a table.
type nameTable map[string][]string

func (n nameTable) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, a := range n[host] {
		if addr := netip.MustParseAddr(a); addr.Is4() == (network == "ip4") {
			all = append(all, addr)
		}
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return all, nil
}

// pairsPeer does what a request's path says.
func pairsPeer(c *peerConn) {
	for {
		head := c.head()
		_, path, _ := strings.Cut(head, " ")
		path, _, _ = strings.Cut(path, " ")
		if head == "" || path == "/close" {
			return
		}
		if strings.Contains(head, "Expect:") && path != "/refuse" && path != "/late" {
			c.say("HTTP/1.1 100 Continue\r\n\r\n")
		}
		if path != "/refuse" {
			discardBody(c, head)
		}
		switch path {
		case "/hints":
			c.say("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okAnswer)
		case "/refuse":
			c.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
			c.gone()
			return
		case "/trailer":
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: yes\r\n\r\n")
		case "/long":
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome")
			c.gone()
			return
		case "/cut":
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			return
		case "/garbage":
			c.say("garbage\r\n\r\n")
			return
		case "/once":
			c.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
			return
		case "/last":
			c.say(okAnswer)
			return // without a word: the next request meets a dead connection
		case "/hang":
			c.gone()
			return
		case "/upgrade":
			c.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
			return
		default:
			c.say(okAnswer)
		}
	}
}

// discardBody reads the body that a head announces.
func discardBody(c *peerConn, head string) {
	if _, length, ok := strings.Cut(head, "Content-Length: "); ok {
		n := 0
		fmt.Sscan(length, &n)
		io.CopyN(io.Discard, c.r, int64(n))
		return
	}
	if !strings.Contains(head, "Transfer-Encoding: chunked") {
		return
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil || line == "0\r\n" {
			c.r.ReadString('\n')
			return
		}
		n := 0
		fmt.Sscanf(line, "%x", &n)
		io.CopyN(io.Discard, c.r, int64(n)+2)
	}
}

// anyCall makes a call of some kind, and does not care what becomes of it.
func anyCall(c *sonde.Client, port int) {
	pick := func(of ...string) string { return of[rand.IntN(len(of))] }
	host := pick("127.0.0.1", "127.0.0.1", "127.0.0.1", "good.test", "two.test", "bad.test")
	scheme := "http"
	if rand.IntN(40) == 0 {
		scheme = "https" // which the peer does not speak
	}
	url := fmt.Sprintf("%s://%s:%d/%s", scheme, host, port, pick("ok", "ok", "ok", "hints", "refuse", "trailer",
		"long", "cut", "garbage", "once", "last", "hang", "upgrade", "close", "late"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(40))*time.Millisecond+time.Millisecond)
	defer cancel()
	if rand.IntN(10) == 0 {
		cancel()
	}
	var opts []sonde.Option
	method := sonde.GET
	switch rand.IntN(6) {
	case 0:
		method, opts = sonde.POST, append(opts, sonde.WithBody(sonde.Text("some text")))
	case 1:
		method, opts = sonde.PUT, append(opts, sonde.WithBody(sonde.Reader(strings.NewReader("read"), -1)))
	case 2:
		method, opts = sonde.PUT, append(opts, sonde.WithBody(sonde.Reader(&slowReader{left: 3}, -1)))
	case 3:
		method, opts = sonde.PUT, append(opts, sonde.WithBody(sonde.Reader(strings.NewReader("short"), 10)))
	}
	if method != sonde.GET && rand.IntN(2) == 0 {
		opts = append(opts, sonde.WithExpectContinue())
	}
	if strings.HasSuffix(url, "upgrade") {
		opts = append(opts, sonde.WithHeader("Connection", "Upgrade"), sonde.WithHeader("Upgrade", "test"))
	}
	if rand.IntN(10) == 0 {
		opts = append(opts, sonde.WithOneShot())
	}
	req := sonde.NewRequest(method, url, opts...)
	switch rand.IntN(4) {
	case 0:
		c.Stream(ctx, req, func(ex *sonde.Exchange) error {
			if rand.IntN(2) == 0 {
				return errors.New("not wanted")
			}
			_, err := io.Copy(io.Discard, ex.Body)
			return err
		})
	case 1:
		if ex, err := c.Open(ctx, req); err == nil {
			if conn, err := ex.Upgrade(); err == nil {
				conn.Close()
			}
			ex.Close()
		}
	default:
		c.Do(ctx, req)
	}
}

// slowReader gives a byte now and then, and has no Close.
type slowReader struct{ left int }

func (r *slowReader) Read(p []byte) (int, error) {
	if r.left--; r.left < 0 {
		return 0, io.EOF
	}
	time.Sleep(8 * time.Millisecond)
	return copy(p, "x"), nil
}

// TestIdleSinceOpened: a connection that nobody has used is idle since it was opened,
// so that who takes it does so later, by the times of the events too.
func TestIdleSinceOpened(t *testing.T) {
	p := newPeer(t, func(c *peerConn) { c.gone() })
	rec := new(trace.Recorder)
	c := newClient(t, sonde.Config{Sink: rec})
	if _, err := c.Pool().Warm(background, p.url(), 1); err != nil {
		t.Fatal(err)
	}
	if e := rec.Events(); len(e) == 0 || e[0].Kind != trace.ConnectStart || e[0].Call != 0 {
		t.Error(e)
	}
	for conn := range c.Pool().Conns() {
		for _, e := range rec.Events() {
			if e.Kind == trace.ConnOpened && !e.Time.Equal(conn.IdleSince) {
				t.Errorf("opened %v, idle since %v", e.Time, conn.IdleSince)
			}
		}
	}
	if rec.Count(trace.ConnOpened) != 1 {
		t.Errorf("%d connections", rec.Count(trace.ConnOpened))
	}
}

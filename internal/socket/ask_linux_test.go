package socket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"sonde/internal/clock"
)

// unixPair is pair over a unix socket.
func unixPair(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // t.TempDir's name may be too long for one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return pairBy(t, "unix", filepath.Join(dir, "s"))
}

// within ends the test if f hangs.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}

// TestAskBlocking: a socket that somebody has made blocking is neither waited for
// where it is only looked at, nor with the scheduler unaware of it.
func TestAskBlocking(t *testing.T) {
	c, peer := pair(t)
	f, err := c.raw.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Fd() // makes it blocking
	go func() {
		p := make([]byte, 8)
		n, _ := peer.Read(p)
		peer.Write(p[:n])
	}()
	var call Call
	c.Begin(&call, nil, 0, clock.Now())
	got := make([]byte, 8)
	within(t, func() {
		if n, wrote, err := c.Ask([]byte("hello"), got, nil); wrote != nil || err != nil || string(got[:n]) != "hello" {
			t.Errorf("%q, %v, %v", got[:n], wrote, err)
		}
	})
}

// TestAskAfterTick: where a tick ends before anything was sent, what lies there is
// seen all the same.
func TestAskAfterTick(t *testing.T) {
	c, peer := pair(t)
	if c.sys == nil {
		t.Skip("nobody looks with a detector")
	}
	peer.Write([]byte("early"))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var call Call
	c.Begin(&call, ctx, 0, clock.Now())
	c.raw.SetDeadline(time.Unix(1, 0)) // the tick is over
	for !c.Waiting() {
		time.Sleep(time.Millisecond)
	}
	within(t, func() {
		_, wrote, err := c.Ask([]byte("request"), make([]byte, 8), hears(func() { t.Error("it was sent") }))
		if wrote != nil || err != ErrEarly || call.Sent != 0 {
			t.Errorf("%v, %v, sent %d", wrote, err, call.Sent)
		}
	})
}

// TestAskEnds: what ends an Ask, before anything was sent and after, and what it says
// of that.
func TestAskEnds(t *testing.T) {
	out := []byte("request")
	for _, tt := range []struct {
		name  string
		limit time.Duration // of the call; 0: none
		end   func(c *Conn, peer *net.TCPConn, cancel func())
		early bool // end comes before Ask
		is    error
	}{
		{"closed before", 0, func(c *Conn, _ *net.TCPConn, _ func()) { c.Kill() }, true, net.ErrClosed},
		{"aborted while it waits", 0, func(c *Conn, _ *net.TCPConn, _ func()) { c.Abort(7) }, false, net.ErrClosed},
		{"the context ends while it waits", 0, func(_ *Conn, _ *net.TCPConn, cancel func()) { cancel() }, false, net.ErrClosed},
		{"the limit is over before", -time.Second, func(*Conn, *net.TCPConn, func()) {}, true, os.ErrDeadlineExceeded},
		{"the limit ends while it waits", 100 * time.Millisecond, func(*Conn, *net.TCPConn, func()) {}, false, os.ErrDeadlineExceeded},
		{"the peer closed before", 0, func(c *Conn, peer *net.TCPConn, _ func()) { peer.Close() }, true, io.EOF},
		{"the peer closes while it waits", 0, func(_ *Conn, peer *net.TCPConn, _ func()) { peer.CloseWrite() }, false, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, peer := pair(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			limit := int64(0)
			if tt.limit != 0 {
				limit = clock.Now() + int64(tt.limit)
			}
			var call Call
			c.Begin(&call, ctx, limit, clock.Now())
			if tt.early {
				tt.end(c, peer, cancel)
				for tt.is == io.EOF && c.sys != nil && !c.Waiting() {
					time.Sleep(time.Millisecond)
				}
			} else {
				go func() {
					io.ReadFull(peer, make([]byte, len(out)))
					tt.end(c, peer, cancel)
				}()
			}
			within(t, func() {
				told := false
				n, wrote, err := c.Ask(out, make([]byte, 8), hears(func() { told = true }))
				if wrote != nil {
					err = wrote
				}
				if n != 0 || !errors.Is(err, tt.is) {
					t.Errorf("%d, %v, want %v", n, err, tt.is)
				}
				sent := !tt.early || tt.is == io.EOF && c.sys == nil
				if told != sent || (call.Sent != 0) != sent {
					t.Errorf("sent %d, told %t, want %t", call.Sent, told, sent)
				}
			})
			for _, field := range []string{"p", "out", "then"} {
				if v := reflect.ValueOf(&call.in).Elem().FieldByName(field); v.IsValid() && !v.IsNil() {
					t.Errorf("%s of the caller's is kept", field)
				}
			}
		})
	}
}

// TestAskPartly: what the peer does not take at once goes on when it takes more, each
// byte once, and the answer is read then; where nothing at all goes at first, too.
func TestAskPartly(t *testing.T) {
	for _, over := range []string{"tcp", "unix"} {
		for _, left := range []int{0, 1} { // how much goes at once: some, nothing
			var c *Conn
			var peer net.Conn
			if over == "tcp" {
				c, peer = pair(t)
				c.raw.(*net.TCPConn).SetWriteBuffer(4 << 10)
				peer.(*net.TCPConn).SetReadBuffer(4 << 10)
			} else {
				c, peer = unixPair(t)
				c.raw.(*net.UnixConn).SetWriteBuffer(4 << 10)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			filled := 0
			if left == 1 { // as an upload before that the peer has not read
				c.raw.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
				for {
					n, err := c.raw.Write(make([]byte, 1000))
					if filled += n; err != nil {
						break
					}
				}
			}
			var call Call
			c.Begin(&call, ctx, 0, clock.Now())
			out := make([]byte, 64<<10) // as much as goes that way
			for i := range out {
				out[i] = byte(i * 31)
			}
			var got []byte
			go func() {
				time.Sleep(3 * Tick) // the tick ends meanwhile
				all := make([]byte, filled+len(out))
				if _, err := io.ReadFull(peer, all); err == nil {
					got = all[filled:]
				}
				peer.Write([]byte("answer"))
			}()
			within(t, func() {
				p, told := make([]byte, 100), 0
				n, wrote, err := c.Ask(out, p, hears(func() { told++ }))
				if wrote != nil || err != nil || string(p[:n]) != "answer" || told != 1 || call.Sent != int64(len(out)) {
					t.Errorf("%s, %d: %q, %v, %v, told %d times, sent %d", over, left, p[:n], wrote, err, told, call.Sent)
				}
			})
			if !bytes.Equal(got, out) {
				t.Errorf("%s, %d: other bytes came", over, left)
			}
		}
	}
}

// hears is a Witness for what was sent.
type hears func()

func (h hears) Waits() {}
func (h hears) Sent()  { h() }

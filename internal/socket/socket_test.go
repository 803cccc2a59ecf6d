package socket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"sonde/internal/clock"
)

// pair is a Conn and the other end of its connection.
func pair(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	c, peer := pairBy(t, "tcp", "127.0.0.1:0")
	return c, peer.(*net.TCPConn)
}

// pairBy is a Conn and the other end of its connection, which a listener there made.
func pairBy(t *testing.T, network, addr string) (*Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := New(raw)
	t.Cleanup(func() { c.Kill(); peer.Close() })
	return c, peer
}

var errWhy = errors.New("the cause")

// TestEnds: what ends a Read or a Write that waits, and what is said of it.
func TestEnds(t *testing.T) {
	later := func(f func()) { time.AfterFunc(30*time.Millisecond, f) }
	for _, tt := range []struct {
		name string
		call func(c *Conn, call *Call) // begins a call and arranges for its end
		want []error
	}{
		{"cancel", func(c *Conn, call *Call) {
			ctx, cancel := context.WithCancelCause(context.Background())
			c.Begin(call, ctx, 0, clock.Now())
			later(func() { cancel(errWhy) })
		}, []error{context.Canceled, errWhy}},
		{"cancel, watched", func(c *Conn, call *Call) {
			ctx, cancel := context.WithCancelCause(context.Background())
			c.Begin(call, ctx, 0, clock.Now())
			c.Watch()
			later(func() { cancel(errWhy) })
		}, []error{context.Canceled, errWhy}},
		{"cancel before the tick", func(c *Conn, call *Call) {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(errWhy)
			c.Begin(call, ctx, 0, clock.Now())
		}, []error{context.Canceled, errWhy}},
		{"deadline of the context", func(c *Conn, call *Call) {
			ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Millisecond, errWhy)
			t.Cleanup(cancel)
			c.Begin(call, ctx, 0, clock.Now())
		}, []error{context.DeadlineExceeded, errWhy}},
		{"limit", func(c *Conn, call *Call) {
			c.Begin(call, nil, clock.Now()+int64(30*time.Millisecond), clock.Now())
		}, []error{os.ErrDeadlineExceeded}},
		{"limit, with a context", func(c *Conn, call *Call) {
			ctx, cancel := context.WithCancel(context.Background())
			t.Cleanup(cancel)
			c.Begin(call, ctx, clock.Now()+int64(30*time.Millisecond), clock.Now())
		}, []error{os.ErrDeadlineExceeded}},
		{"kill", func(c *Conn, call *Call) {
			c.Begin(call, nil, 0, clock.Now())
			later(c.Kill)
		}, []error{net.ErrClosed}},
	} {
		for _, op := range []string{"read", "write"} {
			t.Run(tt.name+", "+op, func(t *testing.T) {
				c, _ := pair(t)
				var call Call
				tt.call(c, &call)
				start := time.Now()
				var err error
				if op == "read" {
					_, err = c.Read(make([]byte, 1))
				} else {
					_, err = c.Write(make([]byte, 64<<20)) // nobody reads
				}
				if err == nil || time.Since(start) > 5*time.Second {
					t.Fatalf("error %v after %v", err, time.Since(start))
				}
				cause := c.Cause()
				for _, want := range tt.want {
					if !errors.Is(cause, want) {
						t.Errorf("cause %v, want %v", cause, want)
					}
				}
			})
		}
	}
}

// TestReadLimit: a phase's limit ends a Read that waits already, and lifting it
// leaves the connection usable.
func TestReadLimit(t *testing.T) {
	c, peer := pair(t)
	var call Call
	c.Begin(&call, nil, 0, clock.Now())
	time.AfterFunc(20*time.Millisecond, func() { c.SetReadLimit(clock.Now()) })
	if _, err := c.Read(make([]byte, 1)); !IsTimeout(err) || !errors.Is(c.Cause(), os.ErrDeadlineExceeded) {
		t.Fatal(err, c.Cause())
	}
	c.SetReadLimit(0)
	peer.Write([]byte("x"))
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if !c.End() {
		t.Fatal("not usable")
	}
}

// TestTicksPass: an exchange that takes longer than a tick goes on, in both
// directions, and the next call meets no deadline of this one.
func TestTicksPass(t *testing.T) {
	c, peer := pair(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	data := bytes.Repeat([]byte("sonde"), 1<<20)
	got := make(chan []byte, 1)
	go func() {
		time.Sleep(3 * Tick) // the write waits for longer than a tick
		b := make([]byte, len(data))
		io.ReadFull(peer, b)
		got <- b
		time.Sleep(3 * Tick)
		peer.Write([]byte("answer"))
	}()
	var call Call
	c.Begin(&call, ctx, 0, clock.Now())
	if n, err := c.Write(data); n != len(data) || err != nil {
		t.Fatal(n, err)
	}
	if !bytes.Equal(<-got, data) {
		t.Fatal("the ticks cost bytes")
	}
	if b := make([]byte, 6); must(io.ReadFull(c, b)) != 6 || string(b) != "answer" {
		t.Fatalf("%q", b)
	}
	if call.Sent != int64(len(data)) || !c.End() {
		t.Fatal(call.Sent)
	}
	// A call of a context that cannot end, after one that could.
	c.Begin(&call, nil, 0, clock.Now())
	time.AfterFunc(4*Tick, func() { peer.Write([]byte("x")) })
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

func must(n int, err error) int {
	if err != nil {
		return -1
	}
	return n
}

// TestEndAfterCancel: a connection whose context ended during the call is never
// used again, even if the call itself was over.
func TestEndAfterCancel(t *testing.T) {
	c, _ := pair(t)
	ctx, cancel := context.WithCancel(context.Background())
	var call Call
	c.Begin(&call, ctx, 0, clock.Now())
	c.Watch()
	cancel()
	if c.End() {
		t.Fatal("it can be used again")
	}
}

// TestReady: what poll says of an idle connection.
func TestReady(t *testing.T) {
	c, peer := pair(t)
	if c.Fd() < 0 {
		t.Skip("poll does not apply here")
	}
	want := func(r Readiness) {
		t.Helper()
		for range 100 {
			if c.Ready() == r {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		t.Fatalf("%v, want %v", c.Ready(), r)
	}
	seen := 0
	Poll([]int{-1, c.Fd()}, func(int) { seen++ })
	if want(Quiet); seen != 0 {
		t.Error("poll reports a quiet one")
	}
	peer.Write([]byte("x"))
	want(Readable)
	peer.CloseWrite() // behind a byte: a peek would not find it
	want(HungUp)
	Poll([]int{-1, c.Fd()}, func(i int) { seen += i })
	if seen != 1 {
		t.Error("poll reports", seen)
	}
}

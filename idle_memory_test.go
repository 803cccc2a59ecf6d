package sonde_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/internal/race"
)

// bareConn is a connection that answers a request with a head, then with three bytes. Of
// a net.Conn it has what an exchange asks for.
type bareConn struct{ rest string }

func (m *bareConn) Read(p []byte) (int, error) {
	if m.rest == "" {
		return 0, io.EOF
	}
	n := strings.LastIndex(m.rest, "\n") + 1
	if n == 0 {
		n = len(m.rest)
	}
	n = copy(p, m.rest[:n])
	m.rest = m.rest[n:]
	return n, nil
}
func (m *bareConn) Write(p []byte) (int, error) {
	m.rest = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
	return len(p), nil
}
func (*bareConn) Close() error                     { return nil }
func (*bareConn) LocalAddr() net.Addr              { return nil }
func (*bareConn) RemoteAddr() net.Addr             { return nil }
func (*bareConn) SetDeadline(time.Time) error      { return nil }
func (*bareConn) SetReadDeadline(time.Time) error  { return nil }
func (*bareConn) SetWriteDeadline(time.Time) error { return nil }

// TestIdleConnectionMemory bounds what an idle connection has on the heap besides
// its net.Conn, which is 16 bytes here.
func TestIdleConnectionMemory(t *testing.T) {
	if race.Enabled {
		t.Skip("the detector allocates, too")
	}
	const n, most = 2000, 216
	c, err := sonde.New(sonde.Config{
		Dial: func(context.Context, string, string) (net.Conn, error) { return new(bareConn), nil },
		Pool: sonde.PoolConfig{MaxIdle: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hold := func(n int) {
		var all []*sonde.Exchange
		for range n { // each has its connection to itself until its body is read
			ex, err := c.Open(context.Background(), c.NewRequest(sonde.GET, "http://idle.test/"))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ex)
		}
		for _, ex := range all {
			if body, err := io.ReadAll(ex.Body); err != nil || string(body) != "abc" {
				t.Fatalf("%q, %v", body, err)
			}
		}
	}
	hold(n / 10) // so that pools and lists are there
	before := heap()
	hold(n)
	each := (heap() - before) / (n - n/10)
	if idle := c.Pool().Stats().Idle; idle != n {
		t.Fatalf("%d are idle", idle)
	}
	if each > most || each < 100 {
		t.Errorf("an idle connection has %d bytes, not between 100 and %d", each, most)
	}
	t.Logf("%d bytes", each)
}

// heap is what is reachable, once pools have let go of what they keep, and cleanups
// of what they were for.
func heap() int {
	for range 8 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

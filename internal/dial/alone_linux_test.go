package dial

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"sonde/internal/porttest"
	"sonde/internal/socket"
)

// TestAlone: who dials for nobody's eyes has connections of ours, with the same options
// as package net's, and the same errors.
func TestAlone(t *testing.T) {
	if !socket.HasTCP {
		t.Skip("under a detector package net makes all connections")
	}
	for _, network := range []string{"tcp4", "tcp6"} {
		ln, err := net.Listen(network, map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"}[network])
		if err != nil {
			t.Skip(err)
		}
		defer ln.Close()
		to := ln.Addr().(*net.TCPAddr)
		for _, keep := range []net.KeepAliveConfig{
			{}, {Idle: -1}, {Enable: true}, {Enable: true, Idle: -1, Interval: -1, Count: -1},
			{Enable: true, Idle: 1500 * time.Millisecond, Interval: 2 * time.Second, Count: 3}, {Idle: time.Minute},
		} {
			d := New(Config{KeepAlive: keep})
			dialed := func(d *Dialer) (*socket.Conn, string) {
				t.Helper()
				r, err := d.Dial(context.Background(), routeTo("http", to.IP.String(), fmt.Sprint(to.Port)), nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(r.Socket.Kill)
				return r.Socket, options(t, r.Socket.Raw().(syscall.Conn))
			}
			a, want := dialed(d)
			b, got := dialed(d.Alone())
			if _, ok := b.Raw().(*socket.TCP); !ok || got != want {
				t.Errorf("%+v: %T has %s, want %s", keep, b.Raw(), got, want)
			}
			if a.RemoteAddr().String() != b.RemoteAddr().String() || b.LocalAddr().Network() != "tcp" || a.LocalAddr().(*net.TCPAddr).IP.String() != b.LocalAddr().(*net.TCPAddr).IP.String() {
				t.Errorf("%v from %v, want %v", b.RemoteAddr(), b.LocalAddr(), a.RemoteAddr())
			}
		}
	}
}

// options are the socket options that package net sets.
func options(t *testing.T, c syscall.Conn) string {
	t.Helper()
	sys, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var text string
	sys.Control(func(fd uintptr) {
		for _, o := range [][2]int{{syscall.IPPROTO_TCP, syscall.TCP_NODELAY}, {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT}} {
			v, err := syscall.GetsockoptInt(int(fd), o[0], o[1])
			text += fmt.Sprint(v, " ", err, " ")
		}
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0)
		text += fmt.Sprint(flags, " ", errno)
	})
	return text
}

// TestAloneErrors: the same words as package net's.
func TestAloneErrors(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:" + porttest.Closed, "[::1]:" + porttest.Closed, "0.0.0.0:" + porttest.Closed} {
		to := netip.MustParseAddrPort(addr)
		route := routeTo("http", to.Addr().String(), fmt.Sprint(to.Port()))
		d := New(Config{ConnectTimeout: 100 * ms})
		_, want := d.Dial(context.Background(), route, nil)
		_, got := d.Alone().Dial(context.Background(), route, nil)
		if got == nil || want == nil || got.Error() != want.Error() {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

// TestAloneNotAlone: settings that a caller's function or package net has to see to.
func TestAloneNotAlone(t *testing.T) {
	for _, c := range []Config{
		{Control: func(string, string, syscall.RawConn) error { return nil }},
		{LocalAddr: netip.MustParseAddr("127.0.0.1")},
		{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }},
	} {
		if d := New(c); d.Alone() != d {
			t.Errorf("%+v", c)
		}
	}
}

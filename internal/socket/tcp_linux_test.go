//go:build linux && !386 && !s390x && !race && !msan && !asan

package socket

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// tcpPair is a TCP and the other end of it, package net's.
func tcpPair(t testing.TB) (*TCP, *net.TCPConn) {
	t.Helper()
	return ends(t, func(addr string) (*TCP, error) {
		c, connected, err := Connect(netip.MustParseAddrPort(addr), net.KeepAliveConfig{})
		if err == nil && !connected {
			err = c.Wait()
		}
		return c, err
	})
}

// netPair is the same with both ends package net's.
func netPair(t testing.TB) (net.Conn, *net.TCPConn) {
	t.Helper()
	return ends(t, func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) })
}

func ends[C net.Conn](t testing.TB, dial func(addr string) (C, error)) (C, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := dial(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c, peer.(*net.TCPConn)
}

// TestTCP holds it to what every net.Conn must do.
func TestTCP(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := tcpPair(t)
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// TestTCPErrors: the errors are those of package net, and so are their texts.
func TestTCPErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c net.Conn, peer *net.TCPConn) error
		is   error
	}{
		{"end", func(c net.Conn, peer *net.TCPConn) error {
			peer.Close()
			_, err := c.Read(make([]byte, 1))
			return err
		}, io.EOF},
		{"reset", func(c net.Conn, peer *net.TCPConn) error {
			peer.SetLinger(0)
			peer.Close()
			_, err := c.Read(make([]byte, 1))
			return err
		}, syscall.ECONNRESET},
		{"write", func(c net.Conn, peer *net.TCPConn) error {
			peer.SetLinger(0)
			peer.Close()
			c.Read(make([]byte, 1))
			_, err := c.Write([]byte("x"))
			return err
		}, syscall.EPIPE},
		{"read deadline", func(c net.Conn, _ *net.TCPConn) error {
			c.SetReadDeadline(time.Unix(1, 0))
			_, err := c.Read(make([]byte, 1))
			return err
		}, os.ErrDeadlineExceeded},
		{"write deadline", func(c net.Conn, _ *net.TCPConn) error {
			c.SetWriteDeadline(time.Unix(1, 0))
			_, err := c.Write([]byte("x"))
			return err
		}, os.ErrDeadlineExceeded},
		{"closed", func(c net.Conn, _ *net.TCPConn) error {
			c.Close()
			_, err := c.Read(make([]byte, 1))
			return err
		}, net.ErrClosed},
		{"close twice", func(c net.Conn, _ *net.TCPConn) error {
			c.Close()
			return c.Close()
		}, net.ErrClosed},
		{"deadline of a closed one", func(c net.Conn, _ *net.TCPConn) error {
			c.Close()
			return c.SetDeadline(time.Time{})
		}, net.ErrClosed},
		{"close while reading", func(c net.Conn, _ *net.TCPConn) error {
			time.AfterFunc(20*time.Millisecond, func() { c.Close() })
			_, err := c.Read(make([]byte, 1))
			return err
		}, net.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var texts [2]string
			for i := range texts {
				var c net.Conn
				a, peer := tcpPair(t)
				c = a
				if i == 1 { // package net's own
					a.Close()
					peer.Close()
					c, peer = netPair(t)
				}
				err := tt.do(c, peer)
				if !errors.Is(err, tt.is) {
					t.Errorf("%T: %v", c, err)
				}
				if o, ok := err.(*net.OpError); ok {
					texts[i] = o.Op + " " + o.Net + " " + o.Err.Error()
					if o.Timeout() != (tt.is == os.ErrDeadlineExceeded) || (o.Source == nil) != (o.Op == "set") || o.Addr == nil {
						t.Errorf("%T: %+v", c, o)
					}
				}
				c.Close()
				peer.Close()
			}
			if texts[0] != texts[1] {
				t.Errorf("%q, package net has %q", texts[0], texts[1])
			}
		})
	}
}

// TestTCPReadFrom: files, parts of files, and what is none, whole and once; a peer that
// reads late holds it back.
func TestTCPReadFrom(t *testing.T) {
	data := make([]byte, 5<<20)
	rand.Read(data)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		wrap func(f *os.File) io.Reader
		want []byte
	}{
		{"file", func(f *os.File) io.Reader { return f }, data},
		{"from within", func(f *os.File) io.Reader { f.Seek(1000, io.SeekStart); return f }, data[1000:]},
		{"part", func(f *os.File) io.Reader { return io.LimitReader(f, 4<<20) }, data[:4<<20]},
		{"more than there is", func(f *os.File) io.Reader { return io.LimitReader(f, 9<<20) }, data},
		{"nothing", func(f *os.File) io.Reader { return io.LimitReader(f, 0) }, nil},
		{"no file", func(f *os.File) io.Reader { return io.LimitReader(bytes.NewReader(data), 1<<20) }, data[:1<<20]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			c, peer := tcpPair(t)
			defer peer.Close()
			got := make(chan []byte, 1)
			go func() {
				time.Sleep(10 * time.Millisecond)
				all, _ := io.ReadAll(peer)
				got <- all
			}()
			n, err := c.ReadFrom(tt.wrap(f))
			if err != nil || n != int64(len(tt.want)) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(<-got, tt.want) {
				t.Error("other bytes came")
			}
			c.Close()
		})
	}
}

// TestTCPReadFromEnds: a deadline, and a reader that has gone, end it.
func TestTCPReadFromEnds(t *testing.T) {
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	big, err := os.Create(filepath.Join(t.TempDir(), "big"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if err := big.Truncate(1 << 30); err != nil {
		t.Fatal(err)
	}
	for _, from := range []*os.File{f, big} {
		c, peer := tcpPair(t)
		c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.ReadFrom(io.LimitReader(from, 1<<30)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", from.Name(), err)
		}
		c.SetWriteDeadline(time.Time{})
		time.AfterFunc(20*time.Millisecond, func() { peer.Close() })
		if _, err := c.ReadFrom(io.LimitReader(from, 1<<30)); !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", from.Name(), err)
		}
		c.Close()
	}
}

// TestTCPCollected: who drops one without closing it loses no descriptor.
func TestTCPCollected(t *testing.T) {
	_, peer := tcpPair(t)
	defer peer.Close()
	peer.SetReadDeadline(time.Now().Add(20 * time.Second))
	ended := make(chan error, 1)
	go func() {
		_, err := peer.Read(make([]byte, 1))
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			if err != io.EOF {
				t.Error(err)
			}
			return
		case <-time.After(10 * time.Millisecond):
			runtime.GC()
		}
	}
}

// TestTCPItself: the system may give a connection the very port it goes to.
func TestTCPItself(t *testing.T) {
	c := &TCP{local: netip.MustParseAddrPort("127.0.0.1:40000"), remote: netip.MustParseAddrPort("127.0.0.1:40000")}
	if !c.Itself() {
		t.Error("it is")
	}
	a, peer := tcpPair(t)
	defer a.Close()
	defer peer.Close()
	if a.Itself() || a.LocalAddr().String() != peer.RemoteAddr().String() {
		t.Error(a.LocalAddr(), peer.RemoteAddr())
	}
}

// TestTCPAny: who goes to "any address" is connected to one of this machine, and has
// its name, as package net says.
func TestTCPAny(t *testing.T) {
	for network, any := range map[string]string{"tcp4": "0.0.0.0", "tcp6": "::"} {
		ln, err := net.Listen(network, net.JoinHostPort(any, "0"))
		if err != nil {
			t.Log(err)
			continue
		}
		defer ln.Close()
		to := ln.Addr().(*net.TCPAddr)
		c, connected, err := Connect(netip.AddrPortFrom(netip.MustParseAddr(any), uint16(to.Port)), net.KeepAliveConfig{})
		if err == nil && !connected {
			err = c.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		peer, err := net.Dial(network, net.JoinHostPort(any, strconv.Itoa(to.Port)))
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()
		if got, want := c.RemoteAddr().String(), peer.RemoteAddr().String(); got != want {
			t.Errorf("connected to %s, want %s", got, want)
		}
	}
}

// TestTCPNotPollable: what the poller says of a socket's error is not that it is closed.
// The writing end of a full pipe that nobody reads has just that.
func TestTCPNotPollable(t *testing.T) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	for full := make([]byte, 4096); ; { // otherwise it can be written to as well
		if _, err := syscall.Write(fds[1], full); err == syscall.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	syscall.Close(fds[0])
	w := os.NewFile(uintptr(fds[1]), "pipe")
	defer w.Close()
	sys, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = descriptor{&TCP{file: w, sys: sys}}.Read(func(uintptr) bool { return false })
	if err == nil || err.Error() != "not pollable" {
		t.Error(err)
	}
}

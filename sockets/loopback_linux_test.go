package sockets

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// open returns a table over the given source, or skips with the reason.
func open(t testing.TB, source Source) *Table {
	t.Helper()
	table, err := Open(Config{Source: source})
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		t.Skipf("no %s here: %v", source, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// list lists or fails.
func list(t testing.TB, table *Table, q Query) []Socket {
	t.Helper()
	all, err := table.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// eventually polls until done holds: states change a moment after the call that
// changes them.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if done() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("after 10 s not yet: %s", what)
}

// stage is a listener on loopback and the connections made to it.
type stage struct {
	t        testing.TB
	listener *net.TCPListener
	address  netip.AddrPort
}

// newStage listens on a free port; address is "127.0.0.1" or "::1", or "::" for
// a listener of both families. control, if any, prepares the listener's socket.
func newStage(t testing.TB, address string, control func(fd int) error) *stage {
	t.Helper()
	config := net.ListenConfig{}
	if control != nil {
		config.Control = func(_, _ string, raw syscall.RawConn) error {
			var err error
			if fault := raw.Control(func(fd uintptr) { err = control(int(fd)) }); fault != nil {
				return fault
			}
			return err
		}
	}
	for range 50 {
		l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Skipf("cannot listen on %s: %v", address, err)
		}
		listener := l.(*net.TCPListener)
		s := &stage{t, listener, listener.Addr().(*net.TCPAddr).AddrPort()}
		if s.alone() {
			t.Cleanup(func() { l.Close() })
			return s
		}
		l.Close()
	}
	t.Fatal("every free port has connections in TIME-WAIT")
	return nil
}

// alone reports whether nothing but the listener uses the port: connections of
// an earlier test may be in TIME-WAIT with it for a minute.
func (s *stage) alone() bool {
	counts, err := Count(context.Background(), Query{Filter: s.filter()})
	return err != nil || counts.Total() == 1
}

// filter is true of the listener and its connections, both ends, and not of what
// another program does with the same port on another address.
func (s *stage) filter() Filter {
	if s.address.Addr().IsUnspecified() {
		return Port(s.port())
	}
	return And(Port(s.port()), LocalPrefix(hostPrefix(s.address.Addr())))
}

func (s *stage) port() uint16 { return s.address.Port() }

// dial connects to the stage's port at the given address, without accepting.
func (s *stage) dial(address string) *net.TCPConn {
	s.t.Helper()
	to := netip.AddrPortFrom(netip.MustParseAddr(address), s.port())
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(to))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// pair connects and accepts.
func (s *stage) pair(address string) (client, server *net.TCPConn) {
	s.t.Helper()
	client = s.dial(address)
	server, err := s.listener.AcceptTCP()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { server.Close() })
	return client, server
}

// local is the address of a connection's own end.
func local(c *net.TCPConn) netip.AddrPort { return c.LocalAddr().(*net.TCPAddr).AddrPort() }

// find returns the socket with this local address and a remote one.
func find(t testing.TB, table *Table, end, other netip.AddrPort) (Socket, bool) {
	t.Helper()
	for _, s := range list(t, table, Query{Filter: Connection(end, other), Detail: DetailAll}) {
		if s.Local.Port() == end.Port() && s.Local.Addr() == end.Addr().Unmap() {
			return s, true
		}
	}
	return Socket{}, false
}

// reaches waits until the end of a connection is in a state.
func reaches(t testing.TB, table *Table, end, other netip.AddrPort, state State) Socket {
	t.Helper()
	var found Socket
	eventually(t, state.String(), func() bool {
		s, ok := find(t, table, end, other)
		found = s
		return ok && s.State == state
	})
	return found
}

// fill writes until the peer, who does not read, has no room left.
func fill(t testing.TB, c *net.TCPConn) {
	t.Helper()
	block := make([]byte, 1<<20)
	for {
		c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.Write(block); err != nil {
			return
		}
	}
}

// noTimeWait makes a connection end with a RST, for tests that want none left.
func noTimeWait(conns ...*net.TCPConn) {
	for _, c := range conns {
		c.SetLinger(0)
	}
}

// deferAccept keeps a connection in SYN-RECEIVED until its first byte comes.
func deferAccept(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 30)
}

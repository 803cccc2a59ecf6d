package lab

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// Delay is how long the server takes to answer.
const Delay = 50 * time.Microsecond

// Server answers every request with "Hello world" after Delay, and counts the
// connections it accepts.
type Server struct {
	listener *countingListener
	http     http.Server
	addr     netip.AddrPort
	done     chan struct{}
}

// Serve starts a server, which the caller closes. listen is as net.Listen's; "" is
// a free port of 127.0.0.1.
func Serve(listen string) (*Server, error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err // net's says enough
	}
	s := &Server{listener: &countingListener{Listener: l}, done: make(chan struct{})}
	s.addr = reachable(l.Addr().(*net.TCPAddr).AddrPort())
	s.http.Handler = http.HandlerFunc(hello)
	go func() {
		defer close(s.done)
		s.http.Serve(s.listener) // its error is that it was closed
	}()
	return s, nil
}

// reachable is where a client on this machine finds a listener.
func reachable(a netip.AddrPort) netip.AddrPort {
	ip := a.Addr().Unmap()
	switch {
	case ip.IsUnspecified() && hasIPv4Loopback():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(ip, a.Port())
}

func hasIPv4Loopback() bool {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

func hello(w http.ResponseWriter, r *http.Request) {
	pause(Delay)
	io.WriteString(w, "Hello world")
}

// pause waits without a timer: on an otherwise idle machine the runtime's timers
// are a millisecond late, which is twenty times what is waited for.
func pause(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
		runtime.Gosched()
	}
}

// Addr is where the server is to be found.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// URL is Addr as a URL.
func (s *Server) URL() string { return "http://" + s.addr.String() + "/" }

// Accepted is how many connections the server has accepted.
func (s *Server) Accepted() int { return int(s.listener.accepted.Load()) }

// Close closes the listener and all connections.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// countingListener counts what it accepts.
type countingListener struct {
	net.Listener
	accepted atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return c, err
}

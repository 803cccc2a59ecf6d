package serve

import (
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// events serves by epoll, on threads of its own: the least that a server can cost
// the machine that it shares with its client.
type events struct {
	file     *os.File // holds the listener's descriptor open
	listener int
	loops    []*loop
	next     int // the loop that gets the next connection
	gate     gate[int]
}

// loop is one thread with its share of the connections.
type loop struct {
	server  *events
	epoll   int
	buf     []byte
	partial map[int][]byte // requests that are not all there
	waited  bool           // some connection of it was at the gate
}

// serveEvents serves small answers at ln, with half as many threads as there are
// CPUs. It returns only when it fails.
func serveEvents(ln net.Listener) error {
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	e := &events{file: f, listener: int(f.Fd())}
	if err := unix.SetNonblock(e.listener, true); err != nil {
		return err
	}
	for range max(1, runtime.NumCPU()/2) {
		fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return err
		}
		e.loops = append(e.loops, &loop{server: e, epoll: fd, buf: make([]byte, 64<<10), partial: map[int][]byte{}})
	}
	if err := e.loops[0].add(e.listener); err != nil {
		return err
	}
	failed := make(chan error, len(e.loops))
	for _, l := range e.loops {
		go func() { failed <- l.run() }()
	}
	return <-failed
}

func (l *loop) add(fd int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (l *loop) run() error {
	runtime.LockOSThread()
	ready := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(l.epoll, ready, -1)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, ev := range ready[:max(n, 0)] {
			if fd := int(ev.Fd); fd == l.server.listener {
				l.server.accept()
			} else if !l.read(fd) {
				l.close(fd)
			}
		}
	}
}

func (l *loop) close(fd int) {
	delete(l.partial, fd)
	if l.waited {
		l.server.gate.leave(fd)
	}
	unix.Close(fd)
}

// accept takes all connections that wait. Only the first loop calls it.
func (e *events) accept() {
	for {
		fd, _, err := unix.Accept4(e.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		l := e.loops[e.next%len(e.loops)]
		e.next++
		if l.add(fd) != nil {
			unix.Close(fd)
		}
	}
}

// read takes what came at fd and answers it; false: the connection is over.
func (l *loop) read(fd int) bool {
	n, err := unix.Read(fd, l.buf)
	if err == unix.EAGAIN || err == unix.EINTR {
		return true
	}
	if err != nil || n <= 0 {
		return false
	}
	request := l.buf[:n]
	if begun := l.partial[fd]; begun != nil {
		request = append(begun, request...)
		delete(l.partial, fd)
	}
	for len(request) > 0 {
		end := head(request)
		if end < 0 {
			l.partial[fd] = append([]byte(nil), request...)
			return true
		}
		if !l.answer(fd, request[:end]) {
			return false
		}
		request = request[end:]
	}
	return true
}

func (l *loop) answer(fd int, request []byte) bool {
	switch kind(request) {
	case 'h':
		return write(fd, headers)
	case 'c':
		write(fd, closing)
		return false
	case 'w':
		l.waited = true
		for waiting := range l.server.gate.arrive(fd, waitFor(request)) {
			write(waiting, small)
		}
		return true
	}
	return write(fd, small)
}

// write writes all of p. It waits where the peer does not read.
func write(fd int, p []byte) bool {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		switch {
		case err == unix.EAGAIN:
			unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
		case err != nil && err != unix.EINTR:
			return false
		}
		p = p[max(n, 0):]
	}
	return true
}

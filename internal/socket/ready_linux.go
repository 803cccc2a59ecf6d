package socket

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Readiness is what poll(2) says of an idle connection.
type Readiness uint8

// What an idle connection may have waiting.
const (
	Unknown  Readiness = iota // poll does not apply: ask the connection itself
	Quiet                     // nothing came
	Readable                  // bytes wait
	HungUp                    // the peer closed, perhaps behind bytes, or an error waits
)

// descriptor is that of raw, or of what is below its layers. rc is raw's access to it;
// nil: it is not known.
func descriptor(raw net.Conn, rc syscall.RawConn) int32 {
	if rc == nil {
		sc, ok := inner(raw).(syscall.Conn)
		if !ok {
			return -1
		}
		var err error
		if rc, err = sc.SyscallConn(); err != nil {
			return -1
		}
	}
	fd := int32(-1)
	rc.Control(func(f uintptr) { fd = int32(f) })
	return fd
}

// Ready asks what waits on an idle connection, without blocking.
func (c *Conn) Ready() Readiness {
	if c.fd < 0 {
		return Unknown
	}
	fds := [1]unix.PollFd{{Fd: c.fd, Events: unix.POLLIN | unix.POLLRDHUP}}
	for {
		_, err := unix.Poll(fds[:], 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Unknown
		}
		return readiness(fds[0].Revents)
	}
}

func readiness(ev int16) Readiness {
	switch {
	// On TLS a graceful end leaves close_notify before the FIN: a peek would
	// find bytes. POLLRDHUP sees the FIN behind them.
	case ev&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0:
		return HungUp
	case ev&unix.POLLIN != 0:
		return Readable
	}
	return Quiet
}

// Poll asks many descriptors (of idle connections) at once and calls each with
// the index of every one that is not quiet. Those below 0 are passed over.
func Poll(fds []int, each func(i int)) {
	// poll(2) takes at most RLIMIT_NOFILE at a time.
	var set [256]unix.PollFd
	for at := 0; at < len(fds); at += len(set) {
		part := set[:min(len(fds)-at, len(set))]
		for i := range part {
			part[i] = unix.PollFd{Fd: int32(fds[at+i]), Events: unix.POLLIN | unix.POLLRDHUP}
		}
		for {
			_, err := unix.Poll(part, 0)
			if err == unix.EINTR {
				continue
			}
			break
		}
		for i := range part {
			if part[i].Fd >= 0 && part[i].Revents != 0 {
				each(at + i)
			}
		}
	}
}

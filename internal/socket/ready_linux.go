package socket

import (
	"net"
	"syscall"
	"unsafe"
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

// pollFd is what poll(2) is asked about one descriptor, and says of it. It and the
// call are made here because golang.org/x/sys/unix would put its constants into the
// debug information of every program: 102 KB.
type pollFd struct {
	fd      int32
	events  int16
	revents int16
}

const (
	pollIn    = 0x1
	pollErr   = 0x8
	pollHup   = 0x10
	pollNval  = 0x20
	pollRdHup = 0x2000
)

// poll asks without waiting.
func poll(fds []pollFd) syscall.Errno {
	for {
		var none syscall.Timespec
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL,
			uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(&none)), 0, 0, 0)
		if errno != syscall.EINTR {
			return errno
		}
	}
}

// pollable is the access to raw's descriptor, or to that of what is below its layers.
// sys is raw's own, if it is known already. Nil: there is none.
func pollable(raw net.Conn, sys syscall.RawConn) syscall.RawConn {
	if sys != nil {
		return sys
	}
	if c, ok := inner(raw).(syscall.Conn); ok {
		if sys, err := c.SyscallConn(); err == nil {
			return sys
		}
	}
	return nil
}

// Ready asks what waits on an idle connection, without blocking.
func (c *Conn) Ready() Readiness {
	if c.fd < 0 {
		return Unknown
	}
	fds := [1]pollFd{{fd: c.fd, events: pollIn | pollRdHup}}
	if poll(fds[:]) != 0 {
		return Unknown
	}
	return readiness(fds[0].revents)
}

func readiness(ev int16) Readiness {
	switch {
	// On TLS a graceful end leaves close_notify before the FIN: a peek would
	// find bytes. POLLRDHUP sees the FIN behind them.
	case ev&(pollRdHup|pollHup|pollErr|pollNval) != 0:
		return HungUp
	case ev&pollIn != 0:
		return Readable
	}
	return Quiet
}

// Poll asks many descriptors (of idle connections) at once and calls each with
// the index of every one that is not quiet. Those below 0 are passed over.
func Poll(fds []int, each func(i int)) {
	// poll(2) takes at most RLIMIT_NOFILE at a time.
	var set [256]pollFd
	for at := 0; at < len(fds); at += len(set) {
		part := set[:min(len(fds)-at, len(set))]
		for i := range part {
			part[i] = pollFd{fd: int32(fds[at+i]), events: pollIn | pollRdHup}
		}
		poll(part)
		for i := range part {
			if part[i].fd >= 0 && part[i].revents != 0 {
				each(at + i)
			}
		}
	}
}

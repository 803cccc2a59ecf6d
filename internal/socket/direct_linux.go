//go:build linux && !386 && !s390x && !race && !msan && !asan

package socket

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// maxDirect is the most that is read or written without telling the scheduler, which
// can give this processor to no other goroutine for as long as the kernel copies.
// Behind it the gain is nothing beside the copy.
const maxDirect = 64 << 10

// access is a socket's descriptor, held while it is used; nil where net.Conn has to
// do. Detectors are told by net.Conn what a Read and a Write order and change, and
// see nothing of what happens here: with them net.Conn does it.
func access(raw net.Conn) syscall.RawConn {
	switch raw := raw.(type) {
	case *net.TCPConn:
		if sys, err := raw.SyscallConn(); err == nil {
			return sys
		}
	case *net.UnixConn:
		if sys, err := raw.SyscallConn(); err == nil {
			return sys
		}
	case *TCP:
		return descriptor{raw}
	}
	return nil
}

// transfer is a Read or a Write as net.Conn's, but by a system call of which the
// scheduler does not know: the socket does not block, so that nobody needs this
// processor meanwhile; one that somebody has made blocking, as os.File.Fd does to a
// copy of it and so to all, is told not to each time. And by recv and send, which have
// less to look at than read and write. CPU of a small GET at 64 connections, against
// raw in the same run: 1.16 with net.Conn, .94 with this.
type transfer struct {
	p    []byte
	n    int
	err  syscall.Errno
	step func(fd uintptr) bool // receive or send of this transfer: made once

	out   []byte        // of Ask: what is to be sent before p is read
	sent  int           // bytes of it that were
	fails syscall.Errno // why it could not be
	told  Witness       // nil: nobody
	early bool          // something was there before
	ask   func(fd uintptr) bool
}

func (t *transfer) receive(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)), syscall.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			t.n = int(n)
			return true
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
		default:
			t.err = errno
			return true
		}
	}
}

// exchange is a step of Ask: it looks, sends, waits for an answer, and receives it.
func (t *transfer) exchange(fd uintptr) bool {
	if t.sent > 0 { // not the first time: an answer may be there
		return t.receive(fd)
	}
	if t.early = t.receive(fd); t.early {
		return true
	}
	out := transfer{p: t.out}
	all := out.send(fd)
	t.sent, t.fails = out.n, out.err
	if !all || t.fails != 0 {
		return true // what is left is Write's
	}
	if t.told != nil {
		t.told.Sent()
	}
	return false
}

func (t *transfer) send(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd,
			uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)), syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			t.n += int(n)
			if t.p = t.p[n:]; len(t.p) == 0 {
				return true
			}
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
		default:
			t.err = errno
			return true
		}
	}
}

// receive is raw.Read.
func (c *Conn) receive(p []byte) (int, error) {
	if c.sys == nil || c.call == nil || len(p) == 0 || len(p) > maxDirect {
		return c.raw.Read(p)
	}
	t := &c.call.in
	if t.step == nil {
		t.step = t.receive
	}
	t.p, t.n, t.err = p, 0, 0
	err := c.sys.Read(t.step)
	t.p = nil
	switch {
	case err != nil || t.err != 0:
		return 0, c.failure("read", err, t.err)
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// send is raw.Write.
func (c *Conn) send(p []byte) (int, error) {
	if c.sys == nil || c.call == nil || len(p) == 0 || len(p) > maxDirect {
		return c.raw.Write(p)
	}
	t := &c.call.out
	if t.step == nil {
		t.step = t.send
	}
	t.p, t.n, t.err = p, 0, 0
	err := c.sys.Write(t.step)
	t.p = nil
	if err != nil || t.err != 0 {
		return t.n, c.failure("write", err, t.err)
	}
	return t.n, nil
}

// Ask is Write(out) and then Read(p), with a look between exchanges where that costs
// nothing: what is there before a request was sent is no answer to it. Then nothing is
// sent, and err says what was there: ErrEarly, the end, or a failure. wrote is the
// error of the Write; after one nothing was read. w may be nil.
func (c *Conn) Ask(out, p []byte, w Witness) (n int, wrote, err error) {
	if c.sys == nil || c.call == nil || len(p) == 0 || len(out) == 0 || len(out) > maxDirect {
		return c.askPlain(out, p, w)
	}
	p = p[:min(len(p), maxDirect)]
	t := &c.call.in
	if t.ask == nil {
		t.ask = t.exchange
	}
	t.p, t.n, t.err, t.out, t.sent, t.fails, t.early, t.told = p, 0, 0, out, 0, 0, false, w
	err = c.sys.Read(t.ask)
	t.p, t.out, t.told = nil, nil, nil
	c.call.Sent += int64(t.sent)
	switch {
	case t.fails != 0:
		return 0, c.failure("write", nil, t.fails), nil
	case err != nil && !c.resume(err, true):
		return 0, nil, c.pending(c.failure("read", err, 0))
	case err != nil && t.sent == 0: // the end of a tick, before the look
		return c.Ask(out, p, w)
	case err != nil: // after all was sent
		n, err = c.Read(p)
		return n, nil, err
	case t.err != 0:
		return 0, nil, c.failure("read", nil, t.err)
	case t.early && t.n > 0:
		return 0, nil, ErrEarly
	case t.early || t.sent == len(out) && t.n == 0:
		return 0, nil, io.EOF
	case t.sent < len(out):
		return c.askPlain(out[t.sent:], p, w)
	}
	return t.n, nil, nil
}

// Waiting reports whether something is there to be read, if only an end. Only the
// owner of an idle connection may ask. poll(2), as in Ready, takes twice as long.
func (c *Conn) Waiting() bool {
	if c.fd < 0 {
		return false
	}
	var one [1]byte
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(c.fd),
		uintptr(unsafe.Pointer(&one)), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	return errno != syscall.EAGAIN && errno != syscall.EINTR
}

// failure is the error that net.Conn gives.
func (c *Conn) failure(op string, err error, errno syscall.Errno) error {
	if errno != 0 {
		err = os.NewSyscallError(op, errno)
	}
	if o, ok := err.(*net.OpError); ok {
		err = o.Err
	}
	local, remote := Local(c.raw), Remote(c.raw)
	network := "tcp"
	if local != nil {
		network = local.Network()
	}
	return &net.OpError{Op: op, Net: network, Source: local, Addr: remote, Err: err}
}

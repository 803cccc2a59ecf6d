package sockets

import (
	"context"
	"os"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// netlinkConn is a sock_diag socket. mdlayher/netlink opens it, numbers and
// sends the requests, and checks acknowledgements. Answers to a dump are
// received here, because its Receive copies every message into a slice of its
// own, and for a dump gathers all of them before the first can be seen: with
// 10,000 sockets that is more work than the kernel's.
type netlinkConn struct {
	conn   *netlink.Conn
	raw    syscall.RawConn
	buffer []byte
	known  names

	// What the last read left; here, and not local, so that the function given
	// to RawConn is made once.
	read     func(fd uintptr) bool
	readSize int
	readErr  error
	// unread is set while answers of a dump are outstanding. The kernel refuses
	// a second dump meanwhile, so after a walk that was left early the socket
	// is replaced rather than drained.
	unread bool
}

// receiveBuffer is larger than the 32 KiB which the kernel fills at most for
// one read of a dump; with less room it fills less, and needs more calls.
const receiveBuffer = 64 << 10

// Message types of sock_diag.
const (
	diagByFamily = 20
	diagDestroy  = 21
)

func dialNetlink() (*netlinkConn, error) {
	c := &netlinkConn{buffer: make([]byte, receiveBuffer), known: names{}}
	c.read = func(fd uintptr) bool {
		for {
			c.readSize, c.readErr = unix.Read(int(fd), c.buffer)
			if c.readErr != unix.EINTR {
				return c.readErr != unix.EAGAIN
			}
		}
	}
	return c, c.open()
}

func (c *netlinkConn) open() error {
	conn, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return err
	}
	c.conn, c.raw, c.unread = conn, raw, false
	return nil
}

func (c *netlinkConn) close() error { return c.conn.Close() }

// walk sends one request for each family of the plan.
func (c *netlinkConn) walk(ctx context.Context, p *plan, s *Socket, visit func(*Socket) bool) error {
	parse := func(b []byte) error { return parseInet(b, s, p.Proto, c.known) }
	requests := [][]byte{}
	switch {
	case p.Proto == Unix:
		parse = func(b []byte) error { return parseUnix(b, s, c.known) }
		requests = append(requests, appendUnixRequest(nil, p))
	case p.Family != 0:
		requests = append(requests, appendInetRequest(nil, p, p.Family))
	default:
		requests = append(requests, appendInetRequest(nil, p, IPv4), appendInetRequest(nil, p, IPv6))
	}
	step := func(b []byte) (more bool, err error) {
		if err := parse(b); err != nil {
			return false, err
		}
		if p.local && !p.wants(s) {
			return true, nil
		}
		return visit(s), nil
	}
	for _, request := range requests {
		more, err := c.dump(ctx, request, step)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// dump sends one request and takes each answer to step. It reports whether step
// wanted all of them.
func (c *netlinkConn) dump(ctx context.Context, request []byte, step func([]byte) (bool, error)) (bool, error) {
	if c.unread {
		c.conn.Close()
		if err := c.open(); err != nil {
			return false, err
		}
	}
	sent, err := c.conn.Send(netlink.Message{
		Header: netlink.Header{Type: diagByFamily, Flags: netlink.Request | netlink.Dump},
		Data:   request,
	})
	if err != nil {
		return false, err
	}
	c.unread = true
	for {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		b, err := c.receive()
		if err != nil {
			return false, err
		}
		done, err := c.answers(b, sent.Header.Sequence, step)
		if done || err != nil {
			return err == nil && !c.unread, err
		}
	}
}

// receive reads once. The bytes are valid until the next call.
func (c *netlinkConn) receive() ([]byte, error) {
	if err := c.raw.Read(c.read); err != nil {
		return nil, err
	}
	if c.readErr != nil {
		return nil, os.NewSyscallError("read", c.readErr)
	}
	return c.buffer[:c.readSize], nil
}

// answers takes the messages of one read to step, and reports whether the walk
// is over: by the kernel's word, then nothing is unread, or by step's.
func (c *netlinkConn) answers(b []byte, sequence uint32, step func([]byte) (bool, error)) (done bool, err error) {
	for len(b) > 0 {
		m, rest, err := nextMessage(b)
		if err != nil {
			return true, err
		}
		b = rest
		switch {
		case m.sequence != sequence:
		case m.kind == messageDone, m.kind == messageError:
			c.unread = false
			if errno := m.errno(); errno != 0 {
				return true, os.NewSyscallError("sock_diag", unix.Errno(errno))
			}
			return true, nil
		case m.kind == diagByFamily:
			if more, err := step(m.body); err != nil || !more {
				return true, err
			}
		}
	}
	return false, nil
}

// destroy asks for the end of exactly this socket, and waits for the kernel's
// word.
func (c *netlinkConn) destroy(s *Socket) error {
	if c.unread {
		c.conn.Close()
		if err := c.open(); err != nil {
			return err
		}
	}
	_, err := c.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: diagDestroy, Flags: netlink.Request | netlink.Acknowledge},
		Data:   appendInetIdentity(nil, s),
	})
	return err
}

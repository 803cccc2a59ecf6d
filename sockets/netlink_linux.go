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
	ahead  [aheadBuffers][]byte // nil until a dump needs them
	known  names

	// What the last read left; here, and not local, so that the function given
	// to RawConn is made once.
	read     func(fd uintptr) bool
	readInto []byte
	readSize int
	readErr  error
	// unread is set while answers of a dump are outstanding. The kernel refuses
	// a second dump meanwhile, so after a walk that was left early the socket
	// is replaced rather than drained.
	unread bool
	// apart is set when the kernel has refused diagTCP.
	apart bool
}

// receiveBuffer is larger than the 32 KiB which the kernel fills at most for
// one read of a dump; with less room it fills less, and needs more calls.
const receiveBuffer = 64 << 10

// Message types of sock_diag. diagTCP is the oldest, TCPDIAG_GETSOCK: it asks for
// TCP sockets of both families at once, which no other can.
const (
	diagTCP      = 18
	diagByFamily = 20
	diagDestroy  = 21
)

func dialNetlink() (*netlinkConn, error) {
	c := &netlinkConn{buffer: make([]byte, receiveBuffer), known: names{}}
	c.read = func(fd uintptr) bool {
		for {
			c.readSize, c.readErr = unix.Read(int(fd), c.readInto)
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

// request is one question to sock_diag.
type request struct {
	kind uint16
	body []byte
}

// requests are those of a plan. Both families of TCP are asked for at once where
// the kernel allows it: it then goes through its table of connections, which has a
// quarter of a million places on a machine of some size, once and not twice. That
// is a fifth of the time for listing 10,000 sockets.
func (c *netlinkConn) requests(p *plan) []request {
	switch {
	case p.Proto == Unix:
		return []request{{diagByFamily, appendUnixRequest(nil, p)}}
	case p.Family != 0:
		return []request{{diagByFamily, appendInetRequest(nil, p, p.Family)}}
	case p.Proto == TCP && !c.apart:
		return []request{{diagTCP, appendTCPRequest(nil, p)}}
	}
	return []request{{diagByFamily, appendInetRequest(nil, p, IPv4)}, {diagByFamily, appendInetRequest(nil, p, IPv6)}}
}

// walk sends the requests of the plan.
func (c *netlinkConn) walk(ctx context.Context, p *plan, s *Socket, visit func(*Socket) bool) error {
	parse := func(b []byte) error { return parseInet(b, s, p.Proto, c.known) }
	if p.Proto == Unix {
		parse = func(b []byte) error { return parseUnix(b, s, c.known) }
	}
	seen := false
	step := func(b []byte) (more bool, err error) {
		seen = true
		if err := parse(b); err != nil {
			return false, err
		}
		if p.local && !p.wants(s) {
			return true, nil
		}
		return visit(s), nil
	}
	for _, r := range c.requests(p) {
		more, err := c.dump(ctx, r, step)
		if r.kind == diagTCP && !seen && refused(err) {
			c.apart = true
			return c.walk(ctx, p, s, visit)
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// dump sends one request and takes each answer to step. It reports whether step
// wanted all of them.
func (c *netlinkConn) dump(ctx context.Context, r request, step func([]byte) (bool, error)) (bool, error) {
	if c.unread {
		c.conn.Close()
		if err := c.open(); err != nil {
			return false, err
		}
	}
	sent, err := c.conn.Send(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(r.kind), Flags: netlink.Request | netlink.Dump},
		Data:   r.body,
	})
	if err != nil {
		return false, err
	}
	c.unread = true
	d := dumped{r.kind, sent.Header.Sequence}
	for reads := 0; ; reads++ {
		if worthReadingAhead(reads) {
			return c.dumpAhead(ctx, d, step)
		}
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		b, err := c.receive(c.buffer)
		if err != nil {
			return false, err
		}
		done, err := c.answers(b, d, step)
		if done || err != nil {
			return err == nil && !c.unread, err
		}
	}
}

// dumped is a dump under way: the kind of its answers, and their number.
type dumped struct {
	kind     uint16
	sequence uint32
}

// receive reads once, into the buffer.
func (c *netlinkConn) receive(buffer []byte) ([]byte, error) {
	c.readInto = buffer
	if err := c.raw.Read(c.read); err != nil {
		return nil, err
	}
	if c.readErr != nil {
		return nil, os.NewSyscallError("read", c.readErr)
	}
	return buffer[:c.readSize], nil
}

// answers takes the messages of one read to step, and reports whether the walk
// is over: by the kernel's word, then nothing is unread, or by step's.
func (c *netlinkConn) answers(b []byte, d dumped, step func([]byte) (bool, error)) (done bool, err error) {
	for len(b) > 0 {
		m, rest, err := nextMessage(b)
		if err != nil {
			return true, err
		}
		b = rest
		switch {
		case m.sequence != d.sequence:
		case m.kind == messageDone, m.kind == messageError:
			c.unread = false
			if errno := m.errno(); errno != 0 {
				return true, os.NewSyscallError("sock_diag", unix.Errno(errno))
			}
			return true, nil
		case m.kind == d.kind:
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

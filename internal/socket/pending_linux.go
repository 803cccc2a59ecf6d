package socket

import (
	"net"
	"os"
	"strings"
	"syscall"
)

// pending is err or, where that only says that the socket has one, the socket's error:
// Go's poller calls a connection "not pollable" that it looked at in the middle of a
// reset, when its error was there and its end was not.
func (c *Conn) pending(err error) error {
	sys := pollable(c.raw, c.sys)
	if sys == nil || !strings.HasSuffix(err.Error(), "not pollable") {
		return err
	}
	code := 0
	sys.Control(func(fd uintptr) {
		code, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
	})
	errno := syscall.Errno(code)
	if errno == 0 {
		errno = syscall.ECONNRESET // a write was told of it
	}
	local, network := Local(c.raw), "tcp"
	if local != nil {
		network = local.Network()
	}
	return &net.OpError{
		Op: "read", Net: network, Source: local, Addr: Remote(c.raw),
		Err: os.NewSyscallError("read", errno),
	}
}

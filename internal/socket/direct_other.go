//go:build !linux || 386 || s390x || race || msan || asan

package socket

import (
	"net"
	"syscall"
)

func access(net.Conn) syscall.RawConn { return nil }

// transfer is for where a Read may go another way than net.Conn's.
type transfer struct{}

func (c *Conn) receive(p []byte) (int, error) { return c.raw.Read(p) }

func (c *Conn) send(p []byte) (int, error) { return c.raw.Write(p) }

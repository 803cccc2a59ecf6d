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

// Waiting does not know.
func (c *Conn) Waiting() bool { return false }

// Ask is Write(out) and then Read(p); w may be nil. wrote is the error of the Write;
// after one nothing was read.
func (c *Conn) Ask(out, p []byte, w Witness) (n int, wrote, err error) {
	return c.askPlain(out, p, w)
}

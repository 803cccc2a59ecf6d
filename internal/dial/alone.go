package dial

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"sonde/internal/socket"
)

// Alone is d for a connection that nobody but the client sees: it need not be package
// net's, which costs more to make. It is d itself where that is not possible.
func (d *Dialer) Alone() *Dialer {
	if !socket.HasTCP || d.custom != nil || d.tcp.Control != nil || d.local.IsValid() {
		return d
	}
	own := *d
	own.alone = true
	own.open = own.openTCP
	return &own
}

// connectAlone is net.Dialer's DialContext by system calls of our own.
func (d *Dialer) connectAlone(ctx context.Context, remote netip.AddrPort) (net.Conn, error) {
	for tries := 1; ; tries++ {
		t, err := d.attemptAlone(ctx, remote)
		switch {
		// As package net: three times.
		case err == nil && t.Itself() && tries < 3:
			t.Close()
		case errors.Is(err, syscall.EADDRNOTAVAIL) && tries < 3:
		case err != nil:
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: err}
		default:
			return t, nil
		}
	}
}

func (d *Dialer) attemptAlone(ctx context.Context, remote netip.AddrPort) (*socket.TCP, error) {
	t, connected, err := socket.Connect(remote, d.tcp.KeepAliveConfig)
	if err != nil || connected {
		return t, err
	}
	if at, ok := ctx.Deadline(); ok {
		t.SetWriteDeadline(at)
	}
	stop := afterFunc(ctx, func() { t.Close() })
	err = t.Wait()
	if !stop() {
		err = cmp.Or(socket.ContextError(ctx), err, os.ErrDeadlineExceeded)
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	t.SetWriteDeadline(time.Time{})
	return t, nil
}

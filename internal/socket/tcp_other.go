//go:build !linux || 386 || s390x || race || msan || asan

package socket

import (
	"errors"
	"net"
	"net/netip"
)

// HasTCP reports whether Connect works here.
const HasTCP = false

// TCP is for where connections need not be package net's.
type TCP struct{ net.Conn }

// Connect does nothing here.
func Connect(netip.AddrPort, net.KeepAliveConfig) (*TCP, bool, error) {
	return nil, false, errors.ErrUnsupported
}

// Wait does nothing here.
func (t *TCP) Wait() error { return errors.ErrUnsupported }

// Itself is false.
func (t *TCP) Itself() bool { return false }

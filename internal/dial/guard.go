package dial

import (
	"errors"
	"net"
	"net/netip"
)

var errNoAddress = errors.New("the guard cannot judge a connection that says no IP address")

// judge asks the guard about an address, if there is a guard.
func (d *Dialer) judge(remote netip.AddrPort) error {
	if d.guard == nil {
		return nil
	}
	if !remote.IsValid() {
		return errNoAddress
	}
	if err := d.guard(remote); err != nil {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: err}
	}
	return nil
}

package dial

import (
	"errors"
	"net"
	"net/netip"
)

// Refused is the guard's error about an address: another attempt ends the same way.
type Refused struct{ Err error }

func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns what the guard said.
func (r *Refused) Unwrap() error { return r.Err }

var errNoAddress = &Refused{errors.New("the guard cannot judge a connection that says no IP address")}

// judge asks the guard about an address, if there is a guard.
func (d *Dialer) judge(remote netip.AddrPort) error {
	if d.guard == nil {
		return nil
	}
	if !remote.IsValid() {
		return errNoAddress
	}
	if err := d.guard(remote); err != nil {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: &Refused{err}}
	}
	return nil
}

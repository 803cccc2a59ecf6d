package capture

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// promiscuous asks for frames that are addressed to others. For "any" it does
// nothing, as there is no interface to ask.
func (l *Live) promiscuous() error {
	if l.dev.index == 0 {
		return nil
	}
	switch l.cfg.Promiscuous {
	case PromiscuousMember:
		member := unix.PacketMreq{Ifindex: int32(l.dev.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &member); err != nil {
			return fmt.Errorf("capture: promiscuous mode on %q: %w", l.dev.name, err)
		}
	case PromiscuousFlag:
		return l.raiseFlag()
	}
	return nil
}

// raiseFlag sets IFF_PROMISC the classic way and remembers whether Close has to
// clear it.
func (l *Live) raiseFlag() error {
	flags, err := l.flags(unix.SIOCGIFFLAGS, 0)
	if err != nil {
		return err
	}
	if flags&unix.IFF_PROMISC != 0 {
		return nil // somebody else's: it stays
	}
	if _, err := l.flags(unix.SIOCSIFFLAGS, flags|unix.IFF_PROMISC); err != nil {
		return err
	}
	l.flagRaised = true
	return nil
}

// lowerFlag restores what raiseFlag changed. Only that flag: others may have
// been changed by somebody else meanwhile.
func (l *Live) lowerFlag() error {
	if !l.flagRaised {
		return nil
	}
	l.flagRaised = false
	flags, err := l.flags(unix.SIOCGIFFLAGS, 0)
	if err == nil {
		_, err = l.flags(unix.SIOCSIFFLAGS, flags&^unix.IFF_PROMISC)
	}
	if errors.Is(err, unix.ENODEV) {
		return nil // the interface is gone, and its flags with it
	}
	return err
}

// flags asks for the interface's flags or sets them. The packet socket itself is
// asked, because it stays in its network namespace wherever the thread is.
func (l *Live) flags(request uint, flags uint16) (uint16, error) {
	ifr, err := unix.NewIfreq(l.dev.name)
	if err != nil {
		return 0, fmt.Errorf("capture: interface %q: %w", l.dev.name, err)
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(l.fd, request, ifr); err != nil {
		return 0, fmt.Errorf("capture: flags of %q: %w", l.dev.name, err)
	}
	return ifr.Uint16(), nil
}

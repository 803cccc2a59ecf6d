package capture

import (
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
	flags, err := interfaceFlags(l.dev.name)
	if err != nil {
		return err
	}
	if flags&unix.IFF_PROMISC != 0 {
		return nil // somebody else's: it stays
	}
	if err := setInterfaceFlags(l.dev.name, flags|unix.IFF_PROMISC); err != nil {
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
	flags, err := interfaceFlags(l.dev.name)
	if err != nil {
		return err
	}
	return setInterfaceFlags(l.dev.name, flags&^unix.IFF_PROMISC)
}

func interfaceFlags(name string) (uint16, error) {
	return flagsIoctl(name, unix.SIOCGIFFLAGS, 0)
}

func setInterfaceFlags(name string, flags uint16) error {
	_, err := flagsIoctl(name, unix.SIOCSIFFLAGS, flags)
	return err
}

func flagsIoctl(name string, request uint, flags uint16) (uint16, error) {
	fd, err := ioctlSocket()
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("capture: interface %q: no such name is possible", name)
	}
	ifr.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, request, ifr); err != nil {
		return 0, fmt.Errorf("capture: flags of %q: %w", name, err)
	}
	return ifr.Uint16(), nil
}

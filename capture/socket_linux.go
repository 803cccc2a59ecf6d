package capture

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// device is what a live source must know about its interface before the socket
// can be opened.
type device struct {
	name   string
	index  int // zero for "any"
	hatype uint16
	flags  uint16
	link   LinkType
	cooked bool // the kernel strips the link layer, an SLL2 header replaces it
	mac    [6]byte
}

func (d *device) loopback() bool { return d.flags&unix.IFF_LOOPBACK != 0 }

// query asks the kernel about an interface. It needs no privilege.
func query(name string) (device, error) {
	d := device{name: name, link: LinkLinuxSLL2, cooked: true}
	if name == Any {
		return d, nil
	}
	fd, err := ioctlSocket()
	if err != nil {
		return d, err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return d, fmt.Errorf("capture: interface %q: no such name is possible", name)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		return d, fmt.Errorf("capture: interface %q: %w", name, err)
	}
	d.index = int(ifr.Uint32())
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return d, fmt.Errorf("capture: flags of %q: %w", name, err)
	}
	d.flags = ifr.Uint16()
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, ifr); err != nil {
		return d, fmt.Errorf("capture: hardware address of %q: %w", name, err)
	}
	d.hatype = ifr.Uint16()
	addr := (*[24]byte)(unsafe.Pointer(ifr))[unix.IFNAMSIZ+2:]
	copy(d.mac[:], addr)
	if link, ok := linkOfHatype(d.hatype); ok {
		d.link, d.cooked = link, false
	}
	return d, nil
}

// LinkOf tells what the frames of an interface, or of "any", will start with:
// what a filter has to be written for. It needs no privilege.
func LinkOf(name string) (LinkType, error) {
	d, err := query(name)
	return d.link, err
}

// ioctlSocket returns a socket for questions about interfaces. A Unix socket
// serves and exists also where there is no IPv4.
func ioctlSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("capture: socket: %w", err)
	}
	return fd, nil
}

// linkOfHatype tells what frames of an ARPHRD type start with. What is not
// listed is captured cooked.
func linkOfHatype(hatype uint16) (LinkType, bool) {
	switch hatype {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return LinkEthernet, true
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT:
		return LinkRaw, true
	case unix.ARPHRD_IEEE80211:
		return Link80211, true
	case unix.ARPHRD_IEEE80211_PRISM:
		return LinkPrism, true
	case unix.ARPHRD_IEEE80211_RADIOTAP:
		return LinkRadiotap, true
	case unix.ARPHRD_NETLINK:
		return LinkNetlink, true
	}
	return 0, false
}

// socket opens the packet socket. Protocol zero receives nothing until bind
// names one, so nothing gets in before the filter is there.
func (l *Live) socket() error {
	kind := unix.SOCK_RAW
	if l.dev.cooked {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("capture: a packet socket needs CAP_NET_RAW: %w", err)
	}
	if err != nil {
		return fmt.Errorf("capture: packet socket: %w", err)
	}
	l.fd = fd
	return nil
}

// attach installs the program for good.
func (l *Live) attach() error {
	p := program{user: l.cfg.Filter, snap: uint32(l.cfg.SnapLen), direction: l.cfg.Direction}
	if l.dev.cooked {
		p.snap = max(p.snap, sll2Len+1) - sll2Len
		if len(p.user) > 0 {
			translated, ok := translateCooked(p.user)
			p.user = translated
			if !ok {
				vm, err := userFilter(l.cfg.Filter)
				if err != nil {
					return err
				}
				l.vm = vm
			}
		}
	}
	if err := l.oneCopy(&p); err != nil {
		return err
	}
	prog := p.assemble()
	if len(prog) > 0 {
		fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(prog)))}
		if err := unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog); err != nil {
			return fmt.Errorf("%w: the kernel refused %d instructions: %w", ErrFilter, len(prog), err)
		}
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER, 1); err != nil {
		return fmt.Errorf("capture: locking the filter: %w", err)
	}
	return nil
}

// oneCopy sees to it that a loopback packet, which goes out and comes in on the
// same interface, counts once, unless the caller asked for a direction.
func (l *Live) oneCopy(p *program) error {
	if p.direction != DirectionUnknown {
		return nil
	}
	if l.dev.name == Any {
		lo, err := loopbackIndex()
		p.loopback = uint32(lo)
		return err
	}
	if !l.dev.loopback() {
		return nil
	}
	err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	if errors.Is(err, unix.ENOPROTOOPT) { // before Linux 4.20
		p.loopback, err = uint32(l.dev.index), nil
	}
	if err != nil {
		return fmt.Errorf("capture: ignoring outgoing copies: %w", err)
	}
	return nil
}

// loopbackIndex returns the index of lo, zero if there is none.
func loopbackIndex() (int, error) {
	d, err := query("lo")
	if errors.Is(err, unix.ENODEV) {
		return 0, nil
	}
	if err != nil || !d.loopback() {
		return 0, err
	}
	return d.index, nil
}

func userFilter(raw []bpf.RawInstruction) (*bpf.VM, error) {
	prog, _ := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(prog)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFilter, err)
	}
	return vm, nil
}

// bind starts the reception, on this interface and no other. SO_BINDTODEVICE
// does not do that for a packet socket: it goes on receiving from all.
func (l *Live) bind() error {
	protocol := l.cfg.EtherType
	if protocol == 0 {
		protocol = unix.ETH_P_ALL
	}
	addr := unix.SockaddrLinklayer{Protocol: networkOrder(protocol), Ifindex: l.dev.index}
	if err := unix.Bind(l.fd, &addr); err != nil {
		return fmt.Errorf("capture: bind to %q: %w", l.dev.name, err)
	}
	if errno, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && errno != 0 {
		return fmt.Errorf("capture: bind to %q: %w", l.dev.name, os.NewSyscallError("bind", unix.Errno(errno)))
	}
	return nil
}

// networkOrder returns v as it looks in memory in network byte order.
func networkOrder(v uint16) uint16 {
	b := [2]byte{byte(v >> 8), byte(v)}
	return *(*uint16)(unsafe.Pointer(&b))
}

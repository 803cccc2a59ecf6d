package capture

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Devices lists the network interfaces of this network namespace in the order of
// their indexes. It needs no privilege.
func Devices() ([]Device, error) {
	links, err := routeDump(unix.RTM_GETLINK, unix.RTM_NEWLINK)
	if err != nil {
		return nil, err
	}
	permitted := permitted()
	var devices []Device
	for _, m := range links {
		if d, ok := parseLink(m.Data); ok {
			d.Permitted = permitted
			devices = append(devices, d)
		}
	}
	addrs, err := routeDump(unix.RTM_GETADDR, unix.RTM_NEWADDR)
	if err != nil {
		return nil, err
	}
	for _, m := range addrs {
		index, addr, ok := parseAddr(m.Data)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(devices, func(d Device) bool { return d.Index == index }); i >= 0 {
			devices[i].Addrs = append(devices[i].Addrs, addr)
		}
	}
	slices.SortFunc(devices, func(a, b Device) int { return cmp.Compare(a.Index, b.Index) })
	return devices, nil
}

// permitted tries whether the kernel gives this process a packet socket.
func permitted() bool {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

// routeDump asks the kernel's routing netlink for everything of a kind.
func routeDump(request int, answer uint16) ([]syscall.NetlinkMessage, error) {
	raw, err := syscall.NetlinkRIB(request, unix.AF_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("capture: listing interfaces: %w", err)
	}
	all, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return nil, fmt.Errorf("capture: listing interfaces: %w", err)
	}
	return slices.DeleteFunc(all, func(m syscall.NetlinkMessage) bool { return m.Header.Type != answer }), nil
}

var ne = binary.NativeEndian

// parseLink reads a struct ifinfomsg and its attributes.
func parseLink(b []byte) (Device, bool) {
	if len(b) < unix.SizeofIfInfomsg {
		return Device{}, false
	}
	d := Device{Index: int(ne.Uint32(b[4:])), Flags: DeviceFlags(ne.Uint32(b[8:])), State: "unknown", Link: LinkLinuxSLL2}
	if link, ok := linkOfHatype(ne.Uint16(b[2:])); ok {
		d.Link = link
	}
	for kind, v := range attributes(b[unix.SizeofIfInfomsg:]) {
		switch {
		case kind == unix.IFLA_IFNAME:
			d.Name = unix.ByteSliceToString(v)
		case kind == unix.IFLA_ADDRESS && !allZero(v):
			d.Hardware = net.HardwareAddr(v).String()
		case kind == unix.IFLA_MTU && len(v) >= 4:
			d.MTU = int(ne.Uint32(v))
		case kind == unix.IFLA_TXQLEN && len(v) >= 4:
			d.Queue = int(ne.Uint32(v))
		case kind == unix.IFLA_OPERSTATE && len(v) >= 1:
			d.State = operState(v[0])
		case kind == unix.IFLA_STATS64 && len(v) >= 64:
			at := func(i int) uint64 { return ne.Uint64(v[8*i:]) }
			d.RX = Counters{Packets: at(0), Bytes: at(2), Errors: at(4), Dropped: at(6)}
			d.TX = Counters{Packets: at(1), Bytes: at(3), Errors: at(5), Dropped: at(7)}
		}
	}
	return d, d.Name != ""
}

// operState names the states of RFC 2863.
func operState(v byte) string {
	names := [...]string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// parseAddr reads a struct ifaddrmsg and its attributes. On a point-to-point
// link IFA_LOCAL is ours and IFA_ADDRESS the peer's.
func parseAddr(b []byte) (index int, a DeviceAddr, ok bool) {
	if len(b) < unix.SizeofIfAddrmsg {
		return 0, a, false
	}
	bits, index := int(b[1]), int(ne.Uint32(b[4:]))
	var local, address netip.Addr
	for kind, v := range attributes(b[unix.SizeofIfAddrmsg:]) {
		ip, valid := netip.AddrFromSlice(v)
		switch {
		case !valid:
		case kind == unix.IFA_LOCAL:
			local = ip
		case kind == unix.IFA_ADDRESS:
			address = ip
		case kind == unix.IFA_BROADCAST:
			a.Broadcast = ip
		}
	}
	if !local.IsValid() {
		local = address
	} else if address.IsValid() && address != local {
		a.Peer = address
	}
	a.Prefix = netip.PrefixFrom(local, bits)
	return index, a, a.Prefix.IsValid()
}

// attributes walks over netlink attributes as far as they make sense.
func attributes(b []byte) func(yield func(uint16, []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			n := int(ne.Uint16(b))
			if n < 4 || n > len(b) || !yield(ne.Uint16(b[2:])&0x3fff, b[4:n]) {
				return
			}
			b = b[min(pad4(n), len(b)):]
		}
	}
}

func allZero(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
}

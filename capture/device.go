package capture

import (
	"net/netip"
	"strings"
)

// Device is a network interface of this host, as Devices lists it.
type Device struct {
	Index    int
	Name     string
	Flags    DeviceFlags
	State    string // as the kernel names it: "up", "down", "unknown", "lowerlayerdown" …
	MTU      int
	Queue    int // length of the transmit queue, in packets
	Link     LinkType
	Hardware string // the address, "02:42:ac:11:00:02"; empty if there is none
	Addrs    []DeviceAddr
	RX, TX   Counters

	// Permitted tells whether this process may capture on it now.
	Permitted bool
}

// DeviceAddr is one address of an interface.
type DeviceAddr struct {
	Prefix    netip.Prefix
	Broadcast netip.Addr // invalid if there is none
	Peer      netip.Addr // the other end of a point-to-point link, else invalid
}

// Counters are an interface's counts in one direction.
type Counters struct {
	Packets, Bytes, Errors, Dropped uint64
}

// DeviceFlags are the kernel's IFF_ flags of an interface.
type DeviceFlags uint32

// The flags that matter to who captures.
const (
	FlagUp           DeviceFlags = 0x1
	FlagBroadcast    DeviceFlags = 0x2
	FlagLoopback     DeviceFlags = 0x8
	FlagPointToPoint DeviceFlags = 0x10
	FlagRunning      DeviceFlags = 0x40
	FlagNoARP        DeviceFlags = 0x80
	FlagPromiscuous  DeviceFlags = 0x100
	FlagAllMulticast DeviceFlags = 0x200
	FlagMaster       DeviceFlags = 0x400
	FlagSlave        DeviceFlags = 0x800
	FlagMulticast    DeviceFlags = 0x1000
	FlagLowerUp      DeviceFlags = 0x10000
)

var flagNames = []struct {
	flag DeviceFlags
	name string
}{
	{FlagUp, "UP"}, {FlagBroadcast, "BROADCAST"}, {FlagLoopback, "LOOPBACK"},
	{FlagPointToPoint, "POINTOPOINT"}, {FlagRunning, "RUNNING"}, {FlagNoARP, "NOARP"},
	{FlagPromiscuous, "PROMISC"}, {FlagAllMulticast, "ALLMULTI"}, {FlagMaster, "MASTER"},
	{FlagSlave, "SLAVE"}, {FlagMulticast, "MULTICAST"}, {FlagLowerUp, "LOWER_UP"},
}

// String names the flags as ip link does: "UP,BROADCAST,RUNNING".
func (f DeviceFlags) String() string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

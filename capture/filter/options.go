package filter

import (
	"fmt"
	"net"
)

// Options describes the packets that a filter is for. The zero value is for
// saved Ethernet packets, and resolves names with the system's files.
type Options struct {
	// LinkType is the header that packets start with. Zero means Ethernet.
	LinkType LinkType

	// SnapLen is what the program returns for a packet that matches: how many
	// of its bytes to keep. Zero means 262144, as in tcpdump.
	SnapLen int

	// Live is for packets that come from a packet socket of Linux. Then VLAN
	// tags that the kernel took out of the packet are found beside it, and
	// inbound, outbound and ifindex work on every link type. Such a program
	// is for the kernel, or for MatchAux.
	Live bool

	// Netmask is that of the network that packets were captured on, for ip
	// broadcast. Nil means unknown: then ip broadcast is refused if Live, and
	// else has the mask 0.0.0.0, as tcpdump has it for files.
	Netmask net.IPMask

	// BigEndianNull is for packets of type Null that a big-endian machine
	// wrote.
	BigEndianNull bool

	// Resolver turns names into numbers. Nil means SystemResolver.
	Resolver Resolver

	// NoOptimize leaves the program as the generator made it.
	NoOptimize bool

	// MaxInstructions bounds the program's length. Zero means 4096, which is
	// all that the kernel takes.
	MaxInstructions int
}

const (
	defaultSnapLen = 262144
	maxKernelInsns = 4096
)

func (o Options) withDefaults() (Options, error) {
	if o.LinkType >= numLinkTypes {
		return o, fmt.Errorf("unknown link type %d", o.LinkType)
	}
	if o.SnapLen < 0 || int64(o.SnapLen) > 1<<31-1 {
		return o, fmt.Errorf("snap length %d is out of range", o.SnapLen)
	}
	if o.SnapLen == 0 {
		o.SnapLen = defaultSnapLen
	}
	if o.Netmask != nil && len(o.Netmask) != net.IPv4len {
		return o, fmt.Errorf("netmask of %d bytes; IPv4 has 4", len(o.Netmask))
	}
	if o.Resolver == nil {
		o.Resolver = SystemResolver{}
	}
	if o.MaxInstructions <= 0 {
		o.MaxInstructions = maxKernelInsns
	}
	return o, nil
}

package capture

import (
	"fmt"
	"time"

	"golang.org/x/net/bpf"
)

// Config says what Open captures. Only Interface has to be set.
type Config struct {
	// Interface is a network interface's name, or "any" for all of them at once,
	// whose packets then start with an SLL2 header.
	Interface string

	// Filter is a program for frames of the source's link type; it runs in the
	// kernel, from before the first packet on, and is locked. Empty takes all.
	// For "any" it is written for SLL2 frames and translated to what the kernel
	// shows there; the few programs that cannot be translated run in this process.
	Filter []bpf.RawInstruction

	// Expression is the filter's text, for Interfaces and the files made of it.
	Expression string

	// SnapLen is how many bytes of each frame are kept. Zero means MaxSnapLen.
	SnapLen int

	// Promiscuous says whether and how frames for other hosts are taken too.
	Promiscuous Promiscuity

	// EtherType, when not zero, asks the kernel for this protocol only. Such a
	// socket sits behind the protocol demultiplexer and sees incoming packets
	// only: what this host sends is missing.
	EtherType uint16

	// Direction leaves out what goes the other way. Zero takes both.
	Direction Direction

	// RingSize is the memory shared with the kernel, in bytes: what may come
	// between two looks of the reader. Zero means 8 MiB; at most 1 GiB.
	RingSize int

	// BlockSize is the part of the ring that is handed over at a time, a power of
	// two and a multiple of the page. It bounds a frame's size. Zero means 128 KiB.
	BlockSize int

	// Retire is how long the kernel may keep a block that is not full: the longest
	// time that a packet waits unseen. Zero means 10 ms; at least 1 ms.
	Retire time.Duration
}

// MaxSnapLen is the largest snap length, and the one that zero means.
const MaxSnapLen = 262144

// Any is the name of the interface that stands for all of them.
const Any = "any"

// Promiscuity says whether an interface is asked to hand over frames that are
// addressed to other hosts.
type Promiscuity uint8

// The ways to promiscuous mode.
const (
	// PromiscuousOff leaves the interface as it is.
	PromiscuousOff Promiscuity = iota

	// PromiscuousMember makes the socket a member of the interface's promiscuous
	// group. The kernel counts the members and ends it with the socket, also when
	// the process is killed. The interface's own flags do not show it.
	PromiscuousMember

	// PromiscuousFlag sets IFF_PROMISC on the interface, as ifconfig does, and
	// restores the former flags on Close. A killed process leaves it set. It needs
	// CAP_NET_ADMIN.
	PromiscuousFlag
)

// MaxRingSize bounds Config.RingSize.
const MaxRingSize = 1 << 30

const (
	defaultRing   = 8 << 20
	defaultBlock  = 128 << 10
	maxBlock      = 64 << 20
	pageSize      = 4096
	defaultRetire = 10 * time.Millisecond
	maxProgram    = 4096 // BPF_MAXINSNS
)

// filled returns the configuration with every default in its place, or says
// what is wrong with it.
func (c Config) filled() (Config, error) {
	if c.Interface == "" {
		return c, fmt.Errorf("capture: no interface named")
	}
	if c.SnapLen == 0 {
		c.SnapLen = MaxSnapLen
	}
	if c.SnapLen < 0 || c.SnapLen > MaxSnapLen {
		return c, fmt.Errorf("capture: snap length %d is not within 1 and %d", c.SnapLen, MaxSnapLen)
	}
	if len(c.Filter) > maxProgram {
		return c, fmt.Errorf("capture: filter of %d instructions, the kernel takes %d", len(c.Filter), maxProgram)
	}
	if c.BlockSize == 0 {
		c.BlockSize = defaultBlock
	}
	if c.BlockSize < pageSize || c.BlockSize > maxBlock || c.BlockSize&(c.BlockSize-1) != 0 {
		return c, fmt.Errorf("capture: block size %d is no power of two within %d and %d", c.BlockSize, pageSize, maxBlock)
	}
	if c.RingSize == 0 {
		c.RingSize = max(defaultRing, 2*c.BlockSize)
	}
	if c.RingSize < 0 || c.RingSize > MaxRingSize {
		return c, fmt.Errorf("capture: ring size %d is not within 1 and %d", c.RingSize, MaxRingSize)
	}
	if c.RingSize < 2*c.BlockSize { // a small ring gets small blocks: at least two
		c.BlockSize = pageSize
		for c.BlockSize*4 <= c.RingSize {
			c.BlockSize *= 2
		}
	}
	c.RingSize = max(c.RingSize/c.BlockSize, 2) * c.BlockSize
	if c.Retire == 0 {
		c.Retire = defaultRetire
	}
	if c.Retire < time.Millisecond || c.Retire > time.Minute {
		return c, fmt.Errorf("capture: retire time %v is not within 1ms and 1m", c.Retire)
	}
	if c.Promiscuous > PromiscuousFlag || c.Direction > Out {
		return c, fmt.Errorf("capture: unknown promiscuous mode or direction")
	}
	return c, nil
}

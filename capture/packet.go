package capture

import (
	"bytes"
	"time"
)

// Packet is one captured frame and what is known about it.
//
// Data is borrowed from the source: it is valid, and may be written to, until
// the next call of Next on that source or its Close. Everything else is a plain
// value. Clone makes a packet that its holder owns.
type Packet struct {
	// Data holds the frame from its link-layer header on, cut at the snap length.
	// A VLAN tag that the kernel or the card took out is back in its place.
	Data []byte

	// Time is the moment of capture in nanoseconds since the Unix epoch, UTC.
	// Zero means that the file knows none (a pcapng simple packet).
	Time int64

	// Length is how long the frame was on the wire; len(Data) is less when the
	// snap length cut it.
	Length int

	// Interface is an index into the source's Interfaces.
	Interface int

	// IfIndex is the kernel's index of the network interface, zero when unknown.
	// With the "any" interface it tells the real one.
	IfIndex int

	// Link says what Data starts with.
	Link LinkType

	// Direction and Reception tell where the frame went, as seen from this host.
	Direction Direction
	Reception Reception

	// VLAN is the tag that was put back into Data, zero if there was none to put
	// back. A tag that the frame carried by itself is in Data only.
	VLAN VLAN

	// Process owns the socket that the packet belongs to, where that is known.
	Process Process

	// Comment is free text that a pcapng file keeps with the packet. Several
	// comments are joined by line feeds.
	Comment string
}

// Timestamp returns the moment of capture, in UTC.
func (p *Packet) Timestamp() time.Time { return time.Unix(0, p.Time).UTC() }

// Clone returns a copy whose Data nobody else holds.
func (p *Packet) Clone() Packet {
	c := *p
	c.Data = bytes.Clone(p.Data)
	return c
}

// Direction tells whether a frame came in or went out.
type Direction uint8

// The directions. In and Out have the values that pcapng gives them.
const (
	DirectionUnknown Direction = 0
	In               Direction = 1
	Out              Direction = 2
)

// String returns "in", "out" or "unknown".
func (d Direction) String() string {
	switch d {
	case In:
		return "in"
	case Out:
		return "out"
	}
	return "unknown"
}

// Reception tells by which rule the frame reached the host.
type Reception uint8

// The receptions, with the values that pcapng gives them.
const (
	ReceptionUnknown Reception = 0
	Unicast          Reception = 1
	Multicast        Reception = 2
	Broadcast        Reception = 3
	OtherHost        Reception = 4 // addressed to another host, seen in promiscuous mode
)

// String names the reception in one word.
func (r Reception) String() string {
	switch r {
	case Unicast:
		return "unicast"
	case Multicast:
		return "multicast"
	case Broadcast:
		return "broadcast"
	case OtherHost:
		return "otherhost"
	}
	return "unknown"
}

// VLAN is one 802.1Q or 802.1ad tag. The zero value is no tag.
type VLAN struct {
	TPID uint16 // 0x8100 or 0x88a8
	TCI  uint16 // priority, drop eligibility, identifier
}

// Present reports whether there is a tag.
func (v VLAN) Present() bool { return v.TPID != 0 }

// ID returns the 12-bit identifier.
func (v VLAN) ID() int { return int(v.TCI & 0x0fff) }

// Process is a process as the operating system knew it when the packet passed.
// The zero value is an unknown process.
type Process struct {
	PID  int32
	Name string
}

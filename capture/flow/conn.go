package flow

import (
	"net/netip"

	"sonde/capture/decode"
)

// Dir is a direction of a connection.
type Dir uint8

// The directions.
const (
	FromClient Dir = 0
	FromServer Dir = 1
)

// Other is the opposite direction.
func (d Dir) Other() Dir { return d ^ 1 }

// String returns "client" or "server": who sends.
func (d Dir) String() string {
	if d == FromClient {
		return "client"
	}
	return "server"
}

// End says why a direction of a connection has no more bytes.
type End uint8

// The ends.
const (
	EndFIN     End = iota + 1 // its sender closed it
	EndReset                  // one side reset the connection
	EndIdle                   // nothing was seen for Limits.Idle
	EndEvicted                // there was no room for more, or none for its bytes
	EndReused                 // a new connection has the same addresses and ports
	EndCapture                // the capture ended first
)

// String says it in a few words.
func (e End) String() string {
	switch e {
	case EndFIN:
		return "closed"
	case EndReset:
		return "reset"
	case EndIdle:
		return "idle too long"
	case EndEvicted:
		return "no room for more"
	case EndReused:
		return "ports reused"
	case EndCapture:
		return "capture ended"
	}
	return "open"
}

// Stream is who reads a connection. Times are in nanoseconds since the epoch, of
// the packet that brought the bytes. End comes once for each direction, and
// nothing after it.
type Stream interface {
	// Data brings the next bytes of a direction; b is valid until it returns.
	Data(d Dir, at int64, b []byte)
	// Gap says that the next n bytes of a direction are not in the capture.
	Gap(d Dir, at int64, n int64)
	// End says that no more will come.
	End(d Dir, at int64, why End)
}

// Conn is one TCP connection of a capture.
type Conn struct {
	// N counts the connections of the capture from 0 on, by their first packets.
	// Wireshark calls the same number tcp.stream.
	N int

	// Client and Server are the ends. Who is who is known from a SYN. If Guessed is
	// set, none was seen, and the lower port is taken for the server's.
	Client, Server netip.AddrPort
	Guessed        bool

	// First and Last are the times of the first packet and of the latest one.
	First, Last int64

	stream Stream
	half   [2]half
	key4   key4
	key6   key6 // with v6
	v6     bool
	closed bool
	// swapped says that a packet of the client has its ends the other way around
	// than its key.
	swapped bool

	live list // place in the table's list of live or of closed connections
	wait list // place in its list of connections that hold bytes
	// waiting says that it is in the latter, since waited.
	waiting bool
	waited  int64
}

// Closed reports whether both directions ended, or the connection was reset.
func (c *Conn) Closed() bool { return c.closed }

// Relative turns a sequence number of direction d into one that counts from the
// start of the connection, or from the first packet seen.
func (c *Conn) Relative(d Dir, seq uint32) uint32 { return seq - c.half[d].base }

// half is one direction: the bytes of one sender.
type half struct {
	known   bool // next and top are set
	ended   bool // End was called
	fin     bool // a FIN was seen
	scaled  bool // a window scale was seen
	shift   uint8
	hasBase bool
	hasAck  bool

	base uint32 // relative sequence numbers count from here
	next uint32 // the first byte not handed out yet
	top  uint32 // the end of the highest segment seen
	ack  uint32 // the highest acknowledgement that this sender sent
	win  uint32 // its last window, scaled

	held  []segment // beyond next, in order, without overlap
	bytes int       // what they cost
}

// segment is bytes that wait for others.
type segment struct {
	seq    uint32
	n      int    // how long on the wire
	data   []byte // what was captured of it; nil if nobody listens
	at     int64
	ack    uint32
	hasAck bool
	fin    bool
}

// overhead is what a held segment costs beyond its bytes.
const overhead = 96

func (s *segment) cost() int { return len(s.data) + overhead }

func (s *segment) end() uint32 { return s.seq + uint32(s.n) }

// cut takes k bytes off the front.
func (s *segment) cut(k int) {
	s.seq += uint32(k)
	s.n -= k
	s.data = s.data[min(k, len(s.data)):]
}

// diff is how far a sequence number is ahead of another one; RFC 9293, section
// 3.4, counts modulo 2^32.
func diff(a, b uint32) int { return int(int32(a - b)) }

// start sets where a direction begins, from the first packet that tells.
func (h *half) start(seq uint32) {
	h.known, h.next, h.top = true, seq, seq
}

// setBase sets where relative numbers start, the first time only.
func (h *half) setBase(seq uint32) {
	if !h.hasBase {
		h.hasBase, h.base = true, seq
	}
}

// window notes the scale that a SYN offers, and returns the window of a header
// in bytes.
func (c *Conn) window(d Dir, tcp *decode.TCP) int {
	h := &c.half[d]
	if tcp.Flags&decode.SYN != 0 {
		var o decode.TCPOptions
		tcp.ParseOptions(&o)
		// RFC 7323, section 2.3: more than 14 is taken as 14.
		h.scaled, h.shift = o.HasWindowScale, min(o.WindowScale, 14)
		return int(tcp.Window) // RFC 7323, section 2.2: never scaled in a SYN
	}
	// Both sides must have offered it.
	if h.scaled && c.half[d.Other()].scaled {
		return int(tcp.Window) << h.shift
	}
	return int(tcp.Window)
}

package sockets

import (
	"fmt"
	"net/netip"
	"time"
)

// Proto is a kind of socket.
type Proto uint8

// The kinds of socket a Query can ask for. The zero Proto asks for TCP.
const (
	TCP Proto = iota + 1
	UDP
	Unix
)

// String returns "tcp", "udp" or "unix".
func (p Proto) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case Unix:
		return "unix"
	}
	return "unknown"
}

// Family is the address family a socket was opened with. An IPv6 socket may
// carry IPv4 traffic. Zero is any family in a Query and none in a Socket.
type Family uint8

// The address families of TCP and UDP.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String returns "ipv4", "ipv6" or "any".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "ipv4"
	case IPv6:
		return "ipv6"
	}
	return "any"
}

// Socket is what the kernel says about one socket. It is a plain value: a copy
// stays valid, and its strings never change. Fields that were not asked for
// (Query.Detail), or that do not exist in this state or on this kernel, are
// zero; Has tells which parts came.
type Socket struct {
	Proto  Proto
	Family Family // zero for Unix sockets
	State  State
	// Has lists the details that the kernel gave for this socket. TIME-WAIT and
	// SYN-RECEIVED connections have none of TCP_INFO.
	Has Detail

	// Local and Remote are the two ends. An IPv4 address that an IPv6 socket
	// carries is given as IPv4. Remote is 0.0.0.0:0 or [::]:0 where there is
	// none. Both are the zero AddrPort for Unix sockets.
	Local, Remote netip.AddrPort
	// Interface is the index of the interface that the socket is bound to; zero
	// is none.
	Interface uint32

	// Cookie names the socket for the kernel, unique until the next boot. A
	// connection gets another one when it enters TIME-WAIT. Zero when it came
	// from /proc.
	Cookie uint64
	// Inode is what /proc/PID/fd shows for the socket; zero when no process
	// holds it any more.
	Inode uint32
	UID   uint32

	// RecvQueue and SendQueue are bytes: received and not yet read, written and
	// not yet acknowledged. A FIN counts as one byte: RecvQueue of a connection
	// in CLOSE-WAIT is 1 when everything but the end was read. On a listening TCP
	// socket they are connections: waiting for accept, and the limit for these
	// (zero over /proc).
	RecvQueue, SendQueue uint32
	Timer                Timer

	// Owner is the process that holds the socket (DetailOwner). When several
	// do, it is one of them: see Owners.All.
	Owner Owner

	Congestion string  // the congestion control in use, such as "cubic" (DetailCongestion)
	Memory     Memory  // DetailMemory
	Info       TCPInfo // DetailInfo

	TOS          uint8 // the IPv4 type of service (DetailTOS)
	TrafficClass uint8 // the IPv6 traffic class (DetailTOS)
	// Shutdown has bit 0 set when reading was shut down, bit 1 when writing was
	// (DetailShutdown).
	Shutdown uint8
	V6Only   bool
	Mark     uint32 // the firewall mark; given to CAP_NET_ADMIN only
	Cgroup   uint64 // the ID of the version 2 cgroup; zero where unknown

	// Path is the name of a Unix socket; one in the abstract namespace starts
	// with "@". Empty when it has none.
	Path string
	// PeerInode is the inode of a Unix socket's other end; zero is unknown.
	PeerInode uint32
	// Kind is the SOCK_… type of a Unix socket: 1 stream, 2 datagram, 5
	// seqpacket. Zero for TCP and UDP.
	Kind uint8
}

// Pair is what names a connection on this machine: its protocol and both
// addresses. It stays the same from SYN to the end of TIME-WAIT.
type Pair struct {
	Proto         Proto
	Local, Remote netip.AddrPort
}

// Pair returns the connection's name.
func (s *Socket) Pair() Pair { return Pair{s.Proto, s.Local, s.Remote} }

// Swap returns the same connection as its other end sees it.
func (p Pair) Swap() Pair { return Pair{p.Proto, p.Remote, p.Local} }

// String returns "tcp LOCAL > REMOTE".
func (p Pair) String() string {
	return fmt.Sprintf("%s %s > %s", p.Proto, p.Local, p.Remote)
}

// String returns protocol, state and addresses on one line.
func (s *Socket) String() string {
	if s.Proto == Unix {
		return fmt.Sprintf("unix %s %q inode %d peer %d", s.State, s.Path, s.Inode, s.PeerInode)
	}
	return fmt.Sprintf("%s %s %s > %s", s.Proto, s.State, s.Local, s.Remote)
}

// Timer is the TCP timer that is running on a socket; the zero value is none.
type Timer struct {
	Kind TimerKind
	// Retries counts the timer's expirations in a row: retransmissions, probes.
	Retries uint8
	Left    time.Duration // until it expires next, in steps of some milliseconds
}

// TimerKind says what a Timer is for.
type TimerKind uint8

// The timers, numbered as the kernel numbers them.
const (
	TimerOff TimerKind = iota
	TimerRetransmit
	TimerKeepAlive
	TimerTimeWait
	TimerPersist // probes of a closed window
	TimerDelayedAck
)

var timerNames = [...]string{"off", "retransmit", "keepalive", "timewait", "persist", "delayed-ack"}

// String returns a word such as "keepalive".
func (k TimerKind) String() string {
	if int(k) >= len(timerNames) {
		return "unknown"
	}
	return timerNames[k]
}

// MarshalText returns the same as String, so that JSON holds names.
func (k TimerKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// MarshalText returns the same as String, so that JSON holds names.
func (p Proto) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MarshalText returns the same as String, so that JSON holds names.
func (f Family) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Memory is what a socket holds of the kernel's memory, in bytes (ss calls it
// skmem). The zero value holds nothing.
type Memory struct {
	Receive, ReceiveLimit uint32
	Send, SendLimit       uint32
	Forward               uint32 // reserved and not in use
	Queued                uint32 // in the send queue
	Options               uint32
	Backlog               uint32
	Drops                 uint32 // packets dropped, a number
}

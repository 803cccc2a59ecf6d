package inspect

import (
	"net/netip"
	"time"

	"sonde/capture/flow"
	"sonde/sockets"
	"sonde/trace"
)

// Side is one end of a connection, or what is between the two.
type Side uint8

// The sides. The zero Side is nobody, or not known.
const (
	NoSide Side = iota
	Client
	Server
	Between
)

// String returns "client", "server" or "between", and "" for NoSide.
func (s Side) String() string {
	return [...]string{"", "client", "server", "between"}[s&3]
}

// MarshalText returns the same as String, so that JSON holds names.
func (s Side) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// How says in which way a connection ended.
type How uint8

// The ways. Gone is a connection of which the end was not seen.
const (
	Open How = iota
	FIN
	RST
	Refused // a RST in answer to the SYN
	Gone
)

// String returns a word such as "FIN"; "open" for a connection that did not end.
func (h How) String() string {
	if int(h) < len(howText) {
		return howText[h]
	}
	return "unknown"
}

var howText = [...]string{Open: "open", FIN: "FIN", RST: "RST", Refused: "refused", Gone: "gone"}

// MarshalText returns the same as String, so that JSON holds names.
func (h How) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// End is how a connection ended. The zero End is that of an open one.
type End struct {
	At    time.Time
	First Side // who sent the first FIN or RST
	How   How  // which of the two it was
	// Unread says that the client closed while bytes of a response were unread or
	// still coming.
	Unread bool
	// Idle is how long nothing had been under way before the end; zero if something was.
	Idle time.Duration
	// TimeWait is the side that TIME_WAIT is left on.
	TimeWait Side
}

// Traffic is what one side sent.
type Traffic struct {
	Bytes       int64 // of payload, without what was sent again
	Packets     int   // with those that carry none
	Retransmits int
}

// Request is one request and its response, as far as it was seen.
type Request struct {
	Start, FirstByte, End time.Time // zero: not seen
	Method, Target        string    // empty inside of TLS
	Status                int
	Sent, Received        Traffic // the packets from its first byte to the last of its response
	Complete              bool    // the whole response was there
	Problem               string  // what was wrong, "" if nothing
}

// Said is what the client said about a connection. The zero Said is nothing.
type Said struct {
	Conn     uint64 // its number of the connection
	Requests int
	Opened   trace.Reason // why it was opened
	Closed   trace.Reason
}

// Conn is one connection, as all witnesses together saw it. It is a plain value.
type Conn struct {
	Number         int // from 1 on, in the order in which they were seen
	Client, Server netip.AddrPort
	Name           string // the host that was asked for, as Host or TLS's server name says
	Proto          string // "HTTP/1.1", "HTTP/2", "TLS 1.3" where it could not be looked into; "" is none of these
	Resumed        bool   // the TLS session was

	Opened    time.Time     // the first packet, or when it was seen first
	Before    bool          // it was there already
	Handshake time.Duration // from SYN to the answer, as the client's side has it
	End       End

	Requests int
	AtLeast  bool // packets are missing: there may have been more requests
	About    bool // counted by the direction of TLS records, or by segments

	Sent, Received Traffic // by the client; from the server
	LongestIdle    time.Duration

	RTT    time.Duration // smoothed, as the kernel has it; zero: not asked
	State  sockets.State // the latest that the kernel told, of the client's end if it is here
	Unread int           // bytes that the program had not read, at the latest look
	Owner  sockets.Owner // of the client's end

	Said Said
	// Why is why it was opened, in words.
	Why string
	// Disputes are where witnesses disagree about it.
	Disputes []string
	// Exchanges are its first requests, up to Config.Requests.
	Exchanges []Request
	// Segments are its first packets, up to Config.Segments.
	Segments []Segment
}

// state is what a connection is doing, as far as the wire shows.
type state uint8

const (
	dialing state = iota
	busy          // a request is under way
	stuck         // a response is, but its reader takes no more bytes
	idle          // the last response is complete
	finished
)

// conn is a Conn that is still being watched.
type conn struct {
	Conn
	place  *place
	origin *origin
	flow   *flow.Conn // nil if only the kernel knows it
	state  state

	opened, synAck, ended int64
	idleSince, begunAt    int64
	firstByte             int64
	lastIdle              int64 // how long it was idle before the request under way
	zeroSince             int64 // the client's window is closed since then

	begun     int // requests
	ordinal   int // the place's requests when its first one began
	exchanges int // that the HTTP reader told
	active    int // streams of HTTP/2 that are open
	http2     bool
	tls       bool
	decrypted bool
	known     bool // what is spoken on it
	mine      bool // by its owner
	heard     bool // the server had read the request when it sent its FIN
	stuck     bool // nobody read its last response to the end
	foreign   bool // another process's, or not HTTP: it does not count
	explained bool
	needed    bool
	reversed  bool // the flow has the client for the server

	uses   []use // as the client says, in time
	signs  signs
	loss   *loss // since it was closed
	kernel kernelEnd
	// certificate is a hash of those that the server showed in clear, which is before
	// TLS 1.3; zero: not seen.
	certificate [32]byte
	// crowded: inside of TLS the client went on sending before the server answered,
	// as HTTP/2 does, and it had offered that.
	crowded bool
	line    []byte // of the request under way
	fins    [2]bool
	notify  [2]int64 // TLS alerts, and nothing behind them
	finner  Side     // who sent the first FIN
	reset   bool
	taken   bool   // by an upgrade or a tunnel
	stream2 uint32 // the highest stream of HTTP/2
	ifIndex [2]int

	mark    [2]Traffic // at the start of the request under way
	passed  *conn      // the idle one that could have carried its first request
	away    bool       // that one is at another address of the same name
	passers []*conn    // those that were opened although this one was idle

	next, prev *conn // among the idle ones of its origin
	listed     bool
}

// signs are what was said about the end, on the last exchange.
type signs struct {
	clientClose, clientOld bool // Connection: close; HTTP/1.0 without keep-alive
	serverClose, serverOld bool
	untilClose             bool // the response had no other end
	bodiless               bool
	large                  bool // the response was larger than a client's own buffer
	goAway                 string
	status                 int
	proxied                bool // the response came by way of a proxy
	proxy                  bool // the request did: the client is one
}

func at(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

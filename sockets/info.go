package sockets

import (
	"encoding/binary"
	"math"
	"time"
)

// TCPInfo is the kernel's struct tcp_info with Go's units. Kernels before the
// one that a comment names leave these fields zero; Size tells how much of the
// struct the running one filled.
type TCPInfo struct {
	// Size is the number of bytes that the kernel gave. Zero: no TCP_INFO.
	Size int

	State           State
	CongestionState CongestionState
	Retransmits     uint8 // of the segment that is overdue now
	Probes          uint8 // keep-alive or window probes without an answer
	Backoff         uint8
	Options         TCPOptions
	SendWindowScale uint8
	RecvWindowScale uint8
	AppLimited      bool  // DeliveryRate was limited by the program (4.9)
	FastOpenFailure uint8 // why TCP Fast Open failed; 0 is none or unknown (5.5)

	RetransmitTimeout time.Duration
	AckTimeout        time.Duration // of the delayed acknowledgement
	SendMSS, RecvMSS  uint32
	Unacked           uint32 // segments in flight; on a listener the accept queue
	Sacked            uint32 // segments; on a listener the limit of its queue
	Lost              uint32 // segments thought lost now
	Retransmitting    uint32 // segments sent again and not yet acknowledged
	ForwardAcked      uint32 // always zero since 4.15

	SinceDataSent     time.Duration
	SinceDataReceived time.Duration
	SinceAckReceived  time.Duration

	PathMTU            uint32
	RecvSlowStart      uint32        // the receiver's window clamp, in bytes
	RTT, RTTVar        time.Duration // smoothed
	SendSlowStart      uint32        // in segments; NoSlowStart when never reached
	CongestionWindow   uint32        // in segments
	AdvertisedMSS      uint32
	Reordering         uint32
	RecvRTT            time.Duration // the receiver's estimate
	RecvSpace          uint32        // bytes
	TotalRetransmits   uint32        // segments sent again, from the start
	PacingRate         uint64        // bytes per second; all ones is no limit (3.15)
	MaxPacingRate      uint64        // (3.15)
	BytesAcked         uint64        // (4.1)
	BytesReceived      uint64        // (4.1)
	SegmentsOut        uint32        // (4.2)
	SegmentsIn         uint32        // (4.2)
	NotSent            uint32        // bytes written and not yet sent (4.6)
	MinRTT             time.Duration // zero when not measured (4.6)
	DataSegmentsIn     uint32        // (4.6)
	DataSegmentsOut    uint32        // (4.6)
	DeliveryRate       uint64        // bytes per second (4.9)
	Busy               time.Duration // spent with data to send (4.10)
	WindowLimited      time.Duration // of it, held back by the peer's window (4.10)
	SendBufferLimited  time.Duration // of it, held back by the send buffer (4.10)
	Delivered          uint32        // segments (4.18)
	DeliveredCE        uint32        // of them with congestion experienced (4.18)
	BytesSent          uint64        // with retransmissions (4.19)
	BytesRetransmitted uint64        // (4.19)
	DuplicateSACKs     uint32        // (4.19)
	ReorderingSeen     uint32        // (4.19)
	OutOfOrder         uint32        // segments received out of order (5.4)
	SendWindow         uint32        // bytes the peer allows (5.4)
	RecvWindow         uint32        // bytes we allow (6.2)
	Rehashes           uint32        // times the path was changed after timeouts (6.2)
	Timeouts           uint16        // retransmission timeouts (6.7)
	TimeoutRecoveries  uint16        // (6.7)
	TimeoutTime        time.Duration // spent in them (6.7)
	ReceivedCE         uint32        // packets, accurate ECN (6.18)
	DeliveredE1Bytes   uint32        // (6.18)
	DeliveredE0Bytes   uint32        // (6.18)
	DeliveredCEBytes   uint32        // (6.18)
	ReceivedE1Bytes    uint32        // (6.18)
	ReceivedE0Bytes    uint32        // (6.18)
	ReceivedCEBytes    uint32        // (6.18)
}

// NoSlowStart is SendSlowStart of a connection that never left slow start.
const NoSlowStart = math.MaxInt32

// TCPOptions are the TCP options that both ends agreed on.
type TCPOptions uint8

// The bits of TCPOptions.
const (
	OptTimestamps TCPOptions = 1 << iota
	OptSACK
	OptWindowScale
	OptECN           // explicit congestion notification was negotiated
	OptECNSeen       // and a marked packet arrived
	OptSynData       // data came in the SYN and was acknowledged
	OptMicroseconds  // timestamps count microseconds (6.7)
	OptFastOpenChild // accepted by TCP Fast Open
)

// CongestionState is where the sender's loss recovery stands.
type CongestionState uint8

// The states, numbered as the kernel numbers them.
const (
	CongestionOpen CongestionState = iota
	CongestionDisorder
	CongestionReduced // by explicit notification
	CongestionRecovery
	CongestionLoss
)

var congestionStateNames = [...]string{"open", "disorder", "cwr", "recovery", "loss"}

// String returns a word such as "recovery".
func (c CongestionState) String() string {
	if int(c) >= len(congestionStateNames) {
		return "unknown"
	}
	return congestionStateNames[c]
}

// MarshalText returns the same as String, so that JSON holds names.
func (c CongestionState) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// infoSize is how much of struct tcp_info is understood: up to what Linux 6.18
// has. A newer kernel gives more and the rest is ignored.
const infoSize = 280

// ParseTCPInfo reads struct tcp_info as the kernel gives it, in getsockopt or
// in a dump, of any length: what is missing stays zero, what is too new is
// ignored. It keeps nothing of b.
func ParseTCPInfo(b []byte) TCPInfo {
	var info TCPInfo
	info.parse(b)
	return info
}

// parse copies what there is into an array of full size first: then every
// offset is a constant, and a short struct needs no tests field by field.
func (i *TCPInfo) parse(given []byte) {
	var b [infoSize]byte
	copy(b[:], given)
	u16 := func(at int) uint16 { return binary.NativeEndian.Uint16(b[at:]) }
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }
	us := func(at int) time.Duration { return time.Duration(u32(at)) * time.Microsecond }
	ms := func(at int) time.Duration { return time.Duration(u32(at)) * time.Millisecond }
	us64 := func(at int) time.Duration {
		return time.Duration(min(u64(at), math.MaxInt64/1000)) * time.Microsecond
	}

	i.Size = len(given)
	i.State = State(b[0])
	i.CongestionState = CongestionState(b[1])
	i.Retransmits, i.Probes, i.Backoff = b[2], b[3], b[4]
	i.Options = TCPOptions(b[5])
	i.parseBits(b[6], b[7])

	i.RetransmitTimeout, i.AckTimeout = us(8), us(12)
	i.SendMSS, i.RecvMSS = u32(16), u32(20)
	i.Unacked, i.Sacked, i.Lost, i.Retransmitting, i.ForwardAcked = u32(24), u32(28), u32(32), u32(36), u32(40)
	// Offset 48, the time since an acknowledgement was sent, is never filled.
	i.SinceDataSent, i.SinceDataReceived, i.SinceAckReceived = ms(44), ms(52), ms(56)
	i.PathMTU, i.RecvSlowStart = u32(60), u32(64)
	i.RTT, i.RTTVar = us(68), us(72)
	i.SendSlowStart, i.CongestionWindow = u32(76), u32(80)
	i.AdvertisedMSS, i.Reordering = u32(84), u32(88)
	i.RecvRTT, i.RecvSpace, i.TotalRetransmits = us(92), u32(96), u32(100)

	i.PacingRate, i.MaxPacingRate = u64(104), u64(112)
	i.BytesAcked, i.BytesReceived = u64(120), u64(128)
	i.SegmentsOut, i.SegmentsIn = u32(136), u32(140)
	i.NotSent = u32(144)
	// All ones is the kernel's way to say that nothing was measured.
	i.MinRTT = 0
	if u32(148) != math.MaxUint32 {
		i.MinRTT = us(148)
	}
	i.DataSegmentsIn, i.DataSegmentsOut = u32(152), u32(156)
	i.DeliveryRate = u64(160)
	i.Busy, i.WindowLimited, i.SendBufferLimited = us64(168), us64(176), us64(184)
	i.Delivered, i.DeliveredCE = u32(192), u32(196)
	i.BytesSent, i.BytesRetransmitted = u64(200), u64(208)
	i.DuplicateSACKs, i.ReorderingSeen = u32(216), u32(220)
	i.OutOfOrder, i.SendWindow = u32(224), u32(228)
	i.RecvWindow, i.Rehashes = u32(232), u32(236)
	i.Timeouts, i.TimeoutRecoveries, i.TimeoutTime = u16(240), u16(242), ms(244)
	i.ReceivedCE = u32(248)
	i.DeliveredE1Bytes, i.DeliveredE0Bytes, i.DeliveredCEBytes = u32(252), u32(256), u32(260)
	i.ReceivedE1Bytes, i.ReceivedE0Bytes, i.ReceivedCEBytes = u32(264), u32(268), u32(272)
}

// bigEndian is true where the compiler fills bit fields from the top.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// parseBits takes the two bytes that C declares as bit fields.
func (i *TCPInfo) parseBits(scales, flags byte) {
	if bigEndian {
		i.SendWindowScale, i.RecvWindowScale = scales>>4, scales&15
		i.AppLimited, i.FastOpenFailure = flags&0x80 != 0, flags>>5&3
		return
	}
	i.SendWindowScale, i.RecvWindowScale = scales&15, scales>>4
	i.AppLimited, i.FastOpenFailure = flags&1 != 0, flags>>1&3
}

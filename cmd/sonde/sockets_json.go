package main

import (
	"bufio"
	"encoding/json"
	"math"
	"net/netip"
	"time"

	"sonde/sockets"
)

// socketJSON writes one object a socket.
type socketJSON struct {
	out    *bufio.Writer
	encode *json.Encoder
	c      *socketsCommand
	names  *socketNames
}

func newSocketJSON(c *socketsCommand) *socketJSON {
	j := &socketJSON{out: bufio.NewWriterSize(c.std.out, 64<<10), c: c}
	j.encode = json.NewEncoder(j.out)
	j.encode.SetEscapeHTML(false)
	j.names = &socketNames{interfaces: map[uint32]string{}}
	return j
}

// socketObject is the object. What was not asked for, and what the kernel does
// not tell, is left out; docs/sockets.md describes it.
type socketObject struct {
	Proto      sockets.Proto   `json:"proto"`
	Type       string          `json:"type,omitempty"` // of a Unix socket
	Family     string          `json:"family,omitempty"`
	State      sockets.State   `json:"state"`
	Local      *netip.AddrPort `json:"local,omitempty"`
	Remote     *netip.AddrPort `json:"remote,omitempty"`
	Path       string          `json:"path,omitempty"`
	PeerInode  uint32          `json:"peer_inode,omitempty"`
	Interface  string          `json:"interface,omitempty"`
	RecvQueue  uint32          `json:"recv_queue"`
	SendQueue  uint32          `json:"send_queue"`
	Timer      *timerObject    `json:"timer,omitempty"`
	UID        uint32          `json:"uid"`
	Inode      uint32          `json:"inode"`
	Cookie     uint64          `json:"cookie,omitempty"`
	Mark       uint32          `json:"mark,omitempty"`
	Cgroup     uint64          `json:"cgroup,omitempty"`
	V6Only     bool            `json:"v6only,omitempty"`
	Shutdown   *uint8          `json:"shutdown,omitempty"`
	TOS        *uint8          `json:"tos,omitempty"`
	Class      *uint8          `json:"traffic_class,omitempty"`
	Owners     []ownerObject   `json:"owners,omitempty"`
	Congestion string          `json:"congestion,omitempty"`
	Memory     *memoryObject   `json:"memory,omitempty"`
	Info       *infoObject     `json:"info,omitempty"`
}

type timerObject struct {
	Kind    sockets.TimerKind `json:"kind"`
	LeftMS  int64             `json:"left_ms"`
	Retries uint8             `json:"retries"`
}

type ownerObject struct {
	PID     int    `json:"pid"`
	FD      int    `json:"fd"`
	Command string `json:"command"`
}

type memoryObject struct {
	Receive      uint32 `json:"receive"`
	ReceiveLimit uint32 `json:"receive_limit"`
	Send         uint32 `json:"send"`
	SendLimit    uint32 `json:"send_limit"`
	Forward      uint32 `json:"forward"`
	Queued       uint32 `json:"queued"`
	Options      uint32 `json:"options"`
	Backlog      uint32 `json:"backlog"`
	Drops        uint32 `json:"drops"`
}

// infoObject is TCP_INFO. A rate is in bytes per second, as the kernel has it.
type infoObject struct {
	CongestionState    sockets.CongestionState `json:"congestion_state"`
	SendWindowScale    uint8                   `json:"send_window_scale"`
	RecvWindowScale    uint8                   `json:"recv_window_scale"`
	RetransmitTimeout  int64                   `json:"rto_us"`
	Backoff            uint8                   `json:"backoff"`
	RTT                int64                   `json:"rtt_us"`
	RTTVar             int64                   `json:"rttvar_us"`
	MinRTT             *int64                  `json:"min_rtt_us,omitempty"`
	RecvRTT            int64                   `json:"recv_rtt_us"`
	AckTimeout         int64                   `json:"ack_timeout_us"`
	SendMSS            uint32                  `json:"send_mss"`
	RecvMSS            uint32                  `json:"recv_mss"`
	AdvertisedMSS      uint32                  `json:"advertised_mss"`
	PathMTU            uint32                  `json:"path_mtu"`
	CongestionWindow   uint32                  `json:"cwnd"`
	SlowStart          *uint32                 `json:"ssthresh,omitempty"`
	BytesSent          uint64                  `json:"bytes_sent"`
	BytesRetransmitted uint64                  `json:"bytes_retransmitted"`
	BytesAcked         uint64                  `json:"bytes_acked"`
	BytesReceived      uint64                  `json:"bytes_received"`
	SegmentsOut        uint32                  `json:"segments_out"`
	SegmentsIn         uint32                  `json:"segments_in"`
	DataSegmentsOut    uint32                  `json:"data_segments_out"`
	DataSegmentsIn     uint32                  `json:"data_segments_in"`
	SinceDataSent      int64                   `json:"since_sent_ms"`
	SinceDataReceived  int64                   `json:"since_received_ms"`
	SinceAckReceived   int64                   `json:"since_ack_ms"`
	PacingRate         *uint64                 `json:"pacing_rate,omitempty"`
	DeliveryRate       uint64                  `json:"delivery_rate"`
	AppLimited         bool                    `json:"app_limited"`
	Delivered          uint32                  `json:"delivered"`
	Busy               int64                   `json:"busy_us"`
	WindowLimited      int64                   `json:"window_limited_us"`
	SendBufferLimited  int64                   `json:"send_buffer_limited_us"`
	Unacked            uint32                  `json:"unacked"`
	Retransmitting     uint32                  `json:"retransmitting"`
	TotalRetransmits   uint32                  `json:"retransmits_total"`
	Lost               uint32                  `json:"lost"`
	Sacked             uint32                  `json:"sacked"`
	OutOfOrder         uint32                  `json:"out_of_order"`
	NotSent            uint32                  `json:"not_sent"`
	RecvSpace          uint32                  `json:"recv_space"`
	SendWindow         uint32                  `json:"send_window"`
	RecvWindow         uint32                  `json:"recv_window"`
}

func (j *socketJSON) add(s *sockets.Socket, owners []sockets.Owner) error {
	o := socketObject{
		Proto: s.Proto, State: s.State, Path: s.Path, PeerInode: s.PeerInode,
		RecvQueue: s.RecvQueue, SendQueue: s.SendQueue, UID: s.UID, Inode: s.Inode,
		Cookie: s.Cookie, Mark: s.Mark, Cgroup: s.Cgroup, V6Only: s.V6Only, Congestion: s.Congestion,
	}
	if s.Proto == sockets.Unix {
		o.Type = map[uint8]string{unixStream: "stream", unixDatagram: "datagram", unixSeqpacket: "seqpacket"}[s.Kind]
	} else {
		o.Family, o.Local, o.Remote = s.Family.String(), &s.Local, &s.Remote
	}
	if s.Interface != 0 {
		o.Interface = j.names.interfaceName(s.Interface)
	}
	if s.Timer.Kind != sockets.TimerOff {
		o.Timer = &timerObject{s.Timer.Kind, s.Timer.Left.Milliseconds(), s.Timer.Retries}
	}
	for _, owner := range owners {
		o.Owners = append(o.Owners, ownerObject{owner.PID, owner.FD, owner.Command})
	}
	j.details(&o, s)
	return j.encode.Encode(&o)
}

// details fills in those that the kernel gave.
func (j *socketJSON) details(o *socketObject, s *sockets.Socket) {
	if s.Has&sockets.DetailShutdown != 0 {
		o.Shutdown = &s.Shutdown
	}
	if s.Has&sockets.DetailTOS != 0 {
		o.TOS, o.Class = &s.TOS, &s.TrafficClass
	}
	if s.Has&sockets.DetailMemory != 0 {
		m := memoryObject(s.Memory)
		o.Memory = &m
	}
	// A listener's has the queue's figures once more, and no others.
	if s.Has&sockets.DetailInfo != 0 && s.Proto == sockets.TCP && s.State != sockets.Listen {
		o.Info = newInfoObject(&s.Info)
	}
}

func newInfoObject(i *sockets.TCPInfo) *infoObject {
	us, ms := time.Duration.Microseconds, time.Duration.Milliseconds
	o := &infoObject{
		CongestionState: i.CongestionState, SendWindowScale: i.SendWindowScale, RecvWindowScale: i.RecvWindowScale,
		RetransmitTimeout: us(i.RetransmitTimeout), Backoff: i.Backoff,
		RTT: us(i.RTT), RTTVar: us(i.RTTVar), RecvRTT: us(i.RecvRTT), AckTimeout: us(i.AckTimeout),
		SendMSS: i.SendMSS, RecvMSS: i.RecvMSS, AdvertisedMSS: i.AdvertisedMSS, PathMTU: i.PathMTU,
		CongestionWindow: i.CongestionWindow,
		BytesSent:        i.BytesSent, BytesRetransmitted: i.BytesRetransmitted,
		BytesAcked: i.BytesAcked, BytesReceived: i.BytesReceived,
		SegmentsOut: i.SegmentsOut, SegmentsIn: i.SegmentsIn,
		DataSegmentsOut: i.DataSegmentsOut, DataSegmentsIn: i.DataSegmentsIn,
		SinceDataSent: ms(i.SinceDataSent), SinceDataReceived: ms(i.SinceDataReceived), SinceAckReceived: ms(i.SinceAckReceived),
		DeliveryRate: i.DeliveryRate, AppLimited: i.AppLimited, Delivered: i.Delivered,
		Busy: us(i.Busy), WindowLimited: us(i.WindowLimited), SendBufferLimited: us(i.SendBufferLimited),
		Unacked: i.Unacked, Retransmitting: i.Retransmitting, TotalRetransmits: i.TotalRetransmits,
		Lost: i.Lost, Sacked: i.Sacked, OutOfOrder: i.OutOfOrder, NotSent: i.NotSent,
		RecvSpace: i.RecvSpace, SendWindow: i.SendWindow, RecvWindow: i.RecvWindow,
	}
	if i.MinRTT != 0 {
		rtt := us(i.MinRTT)
		o.MinRTT = &rtt
	}
	if i.PacingRate != math.MaxUint64 { // which is no limit
		o.PacingRate = &i.PacingRate
	}
	if i.SendSlowStart < sockets.NoSlowStart {
		o.SlowStart = &i.SendSlowStart
	}
	return o
}

package sockets

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// This file holds the requests and answers of inet_diag, for TCP and UDP.

const (
	inetRequestSize  = 56 // struct inet_diag_req_v2
	inetIdentitySize = 48 // struct inet_diag_sockid
	inetAnswerSize   = 72 // struct inet_diag_msg
	inetBytecode     = 1  // INET_DIAG_REQ_BYTECODE
)

// The attributes of an answer (INET_DIAG_…).
const (
	inetInfo         = 2
	inetCongestion   = 4
	inetTOS          = 5
	inetTrafficClass = 6
	inetMemory       = 7
	inetShutdown     = 8
	inetV6Only       = 11
	inetMark         = 15
	inetCgroup       = 21
)

// inetExtensions are the bits that ask for attributes: bit n-1 for attribute n.
func inetExtensions(d Detail) byte {
	var bits byte
	for _, e := range [...]struct {
		detail    Detail
		attribute int
	}{
		{DetailInfo, inetInfo},
		{DetailCongestion, inetCongestion},
		{DetailTOS, inetTOS},
		{DetailTOS, inetTrafficClass},
		{DetailMemory, inetMemory},
		{DetailShutdown, inetShutdown},
	} {
		if d&e.detail != 0 {
			bits |= 1 << (e.attribute - 1)
		}
	}
	return bits
}

// appendInetRequest adds the body of a request for all sockets of one family
// that the plan selects.
func appendInetRequest(b []byte, p *plan, family Family) []byte {
	b = append(b, kernelFamily(family), kernelProto(p.Proto), inetExtensions(p.Detail), 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(p.States))
	b = append(b, make([]byte, inetRequestSize-8)...)
	if len(p.code) > 0 {
		b = appendAttribute(b, inetBytecode, p.code)
	}
	return b
}

// appendTCPRequest adds the body of the older request, struct inet_diag_req, for the
// TCP sockets of both families. Its answers are the same.
func appendTCPRequest(b []byte, p *plan) []byte {
	b = append(b, 0, 0, 0, inetExtensions(p.Detail))
	b = append(b, make([]byte, inetIdentitySize)...)
	b = binary.NativeEndian.AppendUint32(b, uint32(p.States))
	b = binary.NativeEndian.AppendUint32(b, 0)
	if len(p.code) > 0 {
		b = appendAttribute(b, inetBytecode, p.code)
	}
	return b
}

// appendInetIdentity adds the body of a request for exactly this socket.
func appendInetIdentity(b []byte, s *Socket) []byte {
	b = append(b, kernelFamily(s.Family), kernelProto(s.Proto), 0, 0)
	b = binary.NativeEndian.AppendUint32(b, ^uint32(0))
	b = binary.BigEndian.AppendUint16(b, s.Local.Port())
	b = binary.BigEndian.AppendUint16(b, s.Remote.Port())
	for _, addr := range [...]netip.Addr{s.Local.Addr(), s.Remote.Addr()} {
		var field [16]byte
		if s.Family == IPv6 {
			field = addr.As16()
		} else {
			copy(field[:], addr.AsSlice())
		}
		b = append(b, field[:]...)
	}
	b = binary.NativeEndian.AppendUint32(b, s.Interface)
	b = binary.NativeEndian.AppendUint32(b, uint32(s.Cookie))
	return binary.NativeEndian.AppendUint32(b, uint32(s.Cookie>>32))
}

func kernelFamily(f Family) byte {
	if f == IPv6 {
		return afInet6
	}
	return afInet
}

// kernelProto is the protocol's number in the IP header.
func kernelProto(p Proto) byte {
	if p == UDP {
		return 17
	}
	return 6
}

// parseInet reads one answer into s, all of which it overwrites but for Proto,
// which the answer does not tell.
func parseInet(b []byte, s *Socket, proto Proto, known names) error {
	if len(b) < inetAnswerSize {
		return errMalformed
	}
	*s = Socket{Proto: proto, State: State(b[1])}
	switch {
	case s.State == newSynReceived:
		s.State = SynReceived
	case s.State == Closed && proto == TCP:
		// Other closed TCP sockets are in no table that can be walked.
		s.State = BoundInactive
	}
	s.Timer.Kind, s.Timer.Retries = TimerKind(b[2]), b[3]
	localPort, remotePort := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
	switch b[0] {
	case afInet:
		s.Family = IPv4
		s.Local = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[8:12])), localPort)
		s.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[24:28])), remotePort)
	case afInet6:
		s.Family = IPv6
		s.Local = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), localPort)
		s.Remote = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[24:40])).Unmap(), remotePort)
	default:
		return errMalformed
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	s.Interface = u32(40)
	s.Cookie = uint64(u32(44)) | uint64(u32(48))<<32
	if s.Timer.Kind != TimerOff {
		s.Timer.Left = time.Duration(u32(52)) * time.Millisecond
	}
	s.RecvQueue, s.SendQueue, s.UID, s.Inode = u32(56), u32(60), u32(64), u32(68)
	s.parseInetAttributes(b[inetAnswerSize:], known)
	return nil
}

func (s *Socket) parseInetAttributes(b []byte, known names) {
	for {
		kind, value, rest, ok := nextAttribute(b)
		if !ok {
			return
		}
		b = rest
		switch kind {
		case inetInfo:
			s.Info.parse(value)
			s.Has |= DetailInfo
		case inetMemory:
			s.Memory.parse(value)
			s.Has |= DetailMemory
		case inetCongestion:
			s.Congestion = known.of(untilZero(value))
			s.Has |= DetailCongestion
		default:
			s.parseSmallAttribute(kind, value)
		}
	}
}

// parseSmallAttribute reads those that hold one number.
func (s *Socket) parseSmallAttribute(kind uint16, value []byte) {
	switch {
	case len(value) >= 8 && kind == inetCgroup:
		s.Cgroup = binary.NativeEndian.Uint64(value)
	case len(value) >= 4 && kind == inetMark:
		s.Mark = binary.NativeEndian.Uint32(value)
	case len(value) < 1:
	case kind == inetTOS:
		s.TOS = value[0]
		s.Has |= DetailTOS
	case kind == inetTrafficClass:
		s.TrafficClass = value[0]
		s.Has |= DetailTOS
	case kind == inetShutdown:
		s.Shutdown = value[0]
		s.Has |= DetailShutdown
	case kind == inetV6Only:
		s.V6Only = value[0] != 0
	}
}

// parse reads the array of SK_MEMINFO_… numbers, of any length.
func (m *Memory) parse(value []byte) {
	for i, field := range [...]*uint32{
		&m.Receive, &m.ReceiveLimit, &m.Send, &m.SendLimit,
		&m.Forward, &m.Queued, &m.Options, &m.Backlog, &m.Drops,
	} {
		if len(value) < 4*i+4 {
			return
		}
		*field = binary.NativeEndian.Uint32(value[4*i:])
	}
}

// untilZero cuts a C string.
func untilZero(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}

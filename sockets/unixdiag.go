package sockets

import "encoding/binary"

// This file holds the requests and answers of unix_diag.

const unixAnswerSize = 16 // struct unix_diag_msg

// The attributes of an answer (UNIX_DIAG_…).
const (
	unixName     = 0
	unixPeer     = 2
	unixQueues   = 4
	unixMemory   = 5
	unixShutdown = 6
	unixUID      = 7
)

// What a request asks to be shown (UDIAG_SHOW_…).
const (
	unixShowName   = 1 << 0
	unixShowPeer   = 1 << 2
	unixShowQueues = 1 << 4
	unixShowMemory = 1 << 5
	unixShowUID    = 1 << 6
)

// appendUnixRequest adds the body of a request for all Unix sockets in the
// plan's states.
func appendUnixRequest(b []byte, p *plan) []byte {
	show := uint32(unixShowName | unixShowPeer | unixShowQueues | unixShowUID)
	if p.Detail&DetailMemory != 0 {
		show |= unixShowMemory
	}
	b = append(b, afUnix, 0, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, uint32(p.States))
	b = binary.NativeEndian.AppendUint32(b, 0) // any inode
	b = binary.NativeEndian.AppendUint32(b, show)
	return append(b, make([]byte, 8)...) // any cookie
}

// parseUnix reads one answer into s, all of which it overwrites.
func parseUnix(b []byte, s *Socket, known names) error {
	if len(b) < unixAnswerSize || b[0] != afUnix {
		return errMalformed
	}
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	*s = Socket{Proto: Unix, Kind: b[1], State: State(b[2])}
	s.Inode = u32(4)
	s.Cookie = uint64(u32(8)) | uint64(u32(12))<<32
	for rest := b[unixAnswerSize:]; ; {
		kind, value, next, ok := nextAttribute(rest)
		if !ok {
			return nil
		}
		rest = next
		s.parseUnixAttribute(kind, value, known)
	}
}

func (s *Socket) parseUnixAttribute(kind uint16, value []byte, known names) {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(value[at:]) }
	switch {
	case kind == unixName:
		s.Path = unixPath(value, known)
	case kind == unixMemory:
		s.Memory.parse(value)
		s.Has |= DetailMemory
	case kind == unixShutdown && len(value) >= 1:
		s.Shutdown = value[0]
		s.Has |= DetailShutdown
	case kind == unixPeer && len(value) >= 4:
		s.PeerInode = u32(0)
	case kind == unixQueues && len(value) >= 8:
		s.RecvQueue, s.SendQueue = u32(0), u32(4)
	case kind == unixUID && len(value) >= 4:
		s.UID = u32(0)
	}
}

// unixPath is the printable form of a socket's name. A name in the abstract
// namespace starts with a zero byte and may hold more of them: each is shown as
// "@", as ss and /proc do.
func unixPath(value []byte, known names) string {
	if len(value) == 0 {
		return ""
	}
	if value[0] != 0 {
		return known.of(untilZero(value))
	}
	var buffer [128]byte
	shown := buffer[:min(len(value), len(buffer))]
	for i := range shown {
		shown[i] = value[i]
		if shown[i] == 0 {
			shown[i] = '@'
		}
	}
	return known.of(shown)
}

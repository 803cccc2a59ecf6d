package sockets

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"
)

// This file reads the lines of /proc/net/{tcp,tcp6,udp,udp6,unix}. It keeps no
// byte of them.

// procTick is the unit of times in /proc: USER_HZ is 100 everywhere that Go runs.
const procTick = 10 * time.Millisecond

// columns takes fields that white space separates off a line.
type columns []byte

func (c *columns) next() []byte {
	b := bytes.TrimLeft(*c, " \t")
	end := bytes.IndexAny(b, " \t")
	if end < 0 {
		end = len(b)
	}
	*c = b[end:]
	return b[:end]
}

// parseProcInet reads one line of tcp, tcp6, udp or udp6 into s, all of which it
// overwrites. It reports false for the heading and for what it cannot read.
func parseProcInet(line []byte, s *Socket, proto Proto, family Family) bool {
	c := columns(line)
	c.next() // the line's number
	local, okLocal := procAddress(c.next(), family)
	remote, okRemote := procAddress(c.next(), family)
	state, okState := hex(c.next())
	send, receive, okQueues := hexPair(c.next())
	timer, left, okTimer := hexPair(c.next())
	retries, okRetries := hex(c.next())
	uid, okUID := digits(c.next())
	probes, okProbes := digits(c.next())
	inode, okInode := digits(c.next())
	if !(okLocal && okRemote && okState && okQueues && okTimer && okRetries && okUID && okProbes && okInode) {
		return false
	}
	*s = Socket{
		Proto: proto, Family: family, State: State(state),
		Local: local, Remote: remote,
		SendQueue: send, RecvQueue: receive,
		UID: uid, Inode: inode,
	}
	if s.State == newSynReceived {
		s.State = SynReceived
	}
	if timer != 0 && proto == TCP {
		s.Timer = procTimer(timer, left, retries, probes)
	}
	return true
}

// procTimer numbers the timers as sock_diag does. Probes without an answer have
// a column of their own; those of a closed window and of keep-alive share it.
func procTimer(kind, left, retries, probes uint32) Timer {
	t := Timer{Kind: TimerKind(kind), Retries: uint8(retries), Left: time.Duration(left) * procTick}
	if t.Kind == TimerKeepAlive || t.Kind == TimerPersist {
		t.Retries = uint8(probes)
	}
	return t
}

// procAddress reads ADDRESS:PORT. The address is printed as 32-bit numbers in
// the machine's order, the port as a number.
func procAddress(field []byte, family Family) (netip.AddrPort, bool) {
	text, portText, ok := bytes.Cut(field, []byte{':'})
	size := 4
	if family == IPv6 {
		size = 16
	}
	port, okPort := hex(portText)
	if !ok || !okPort || port > 0xffff || len(text) != 2*size {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	for i := 0; i < size; i += 4 {
		word, ok := hex(text[2*i : 2*i+8])
		if !ok {
			return netip.AddrPort{}, false
		}
		binary.NativeEndian.PutUint32(raw[i:], word)
	}
	if family == IPv6 {
		return netip.AddrPortFrom(netip.AddrFrom16(raw).Unmap(), uint16(port)), true
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[:4])), uint16(port)), true
}

// parseProcUnix reads one line of /proc/net/unix, as parseProcInet does. Its
// state is that of struct socket, which knows no more than connected or not;
// a flag tells listeners.
func parseProcUnix(line []byte, s *Socket, known names) bool {
	c := columns(line)
	c.next() // the kernel's address of it
	c.next() // references
	c.next() // protocol
	flags, okFlags := hex(c.next())
	kind, okKind := hex(c.next())
	state, okState := hex(c.next())
	inode, okInode := digits(c.next())
	if !(okFlags && okKind && okState && okInode) {
		return false
	}
	const acceptsConnections, connected = 0x10000, 3
	*s = Socket{Proto: Unix, State: Closed, Kind: uint8(kind), Inode: inode}
	switch {
	case flags&acceptsConnections != 0:
		s.State = Listen
	case state == connected:
		s.State = Established
	}
	// The rest of the line is the path, which may hold spaces.
	if path := bytes.TrimPrefix(c, []byte{' '}); len(path) > 0 {
		s.Path = known.of(path)
	}
	return true
}

// hex reads a number of up to 32 bits.
func hex(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 8 {
		return 0, false
	}
	var n uint32
	for _, c := range b {
		n <<= 4
		switch {
		case '0' <= c && c <= '9':
			n |= uint32(c - '0')
		case 'a' <= c && c <= 'f':
			n |= uint32(c-'a') + 10
		case 'A' <= c && c <= 'F':
			n |= uint32(c-'A') + 10
		default:
			return 0, false
		}
	}
	return n, true
}

// hexPair reads two numbers with a colon between.
func hexPair(b []byte) (first, second uint32, ok bool) {
	left, right, found := bytes.Cut(b, []byte{':'})
	first, okFirst := hex(left)
	second, okSecond := hex(right)
	return first, second, found && okFirst && okSecond
}

// digits reads a decimal number of 32 bits; anything else is not one.
func digits(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return uint32(n), n <= 1<<32-1
}

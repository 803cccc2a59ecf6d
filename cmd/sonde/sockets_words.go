package main

import (
	"net/netip"
	"strconv"
	"time"

	"sonde/sockets"
)

// socketWords writes a socket as ss does.
type socketWords struct {
	c     *socketsCommand
	names *socketNames
}

// stateWords are ss's.
var stateWords = map[sockets.State]string{
	sockets.Established:   "ESTAB",
	sockets.SynReceived:   "SYN-RECV",
	sockets.Closed:        "UNCONN",
	sockets.BoundInactive: "BOUND",
}

var stateTable = func() (words [32]string) {
	for i := range words {
		s := sockets.State(i)
		if words[i] = stateWords[s]; words[i] == "" {
			words[i] = s.String()
		}
	}
	return words
}()

func stateWord(s sockets.State) string { return stateTable[s&31] }

// The types of Unix sockets (SOCK_…).
const (
	unixStream    = 1
	unixDatagram  = 2
	unixSeqpacket = 5
)

// netidWord is what ss calls a kind of socket.
func netidWord(s *sockets.Socket) string {
	if s.Proto != sockets.Unix {
		return s.Proto.String()
	}
	switch s.Kind {
	case unixStream:
		return "u_str"
	case unixDatagram:
		return "u_dgr"
	case unixSeqpacket:
		return "u_seq"
	}
	return "u_???"
}

// add writes one row.
func (w *socketWords) add(l *listing, s *sockets.Socket, owners []sockets.Owner) {
	if s.Proto == sockets.Unix {
		l.begin(netidWord(s), stateWord(s.State), s.RecvQueue, s.SendQueue, ' ')
		w.unixEnds(l, s)
	} else {
		l.begin(netidWord(s), stateWord(s.State), s.RecvQueue, s.SendQueue, ':')
		w.ends(l, s)
	}
	l.text = w.extra(l.text, s, owners)
	l.part(partExtra)
	if w.c.memory && s.Has&sockets.DetailMemory != 0 {
		l.text = appendMemory(l.text, &s.Memory)
	}
	if s.Has&sockets.DetailInfo != 0 && s.Proto == sockets.TCP {
		l.text = w.appendInfo(l.text, s)
	}
	l.part(partDetail)
}

// ends writes both addresses.
func (w *socketWords) ends(l *listing, s *sockets.Socket) {
	for _, end := range [...]struct {
		at   netip.AddrPort
		part int
	}{{s.Local, partLocal}, {s.Remote, partPeer}} {
		l.text = w.address(l.text, s, end.at.Addr())
		if end.part == partLocal && s.Interface != 0 && !end.at.Addr().IsLinkLocalUnicast() {
			l.text = append(append(l.text, '%'), w.names.interfaceName(s.Interface)...)
		}
		l.part(end.part)
		l.text = w.names.appendPort(l.text, end.at.Port(), s.Proto)
		l.part(end.part + 1)
	}
}

// address writes an address as its socket's family has it: IPv6 in brackets,
// mapped IPv4 too, and any address of both families as a star.
func (w *socketWords) address(b []byte, s *sockets.Socket, a netip.Addr) []byte {
	if name := w.names.host(a); name != "" {
		return append(b, name...)
	}
	switch {
	case s.Family != sockets.IPv6:
		return a.AppendTo(b)
	case a.Is4():
		b = a.AppendTo(append(b, "[::ffff:"...))
	case a.IsUnspecified() && !s.V6Only:
		return append(b, '*')
	default:
		b = a.AppendTo(append(b, '['))
	}
	b = append(b, ']')
	if s.Interface != 0 && a.IsLinkLocalUnicast() {
		b = append(append(b, '%'), w.names.interfaceName(s.Interface)...)
	}
	return b
}

// unixEnds writes the name and the inode of a Unix socket, and its peer's inode.
func (w *socketWords) unixEnds(l *listing, s *sockets.Socket) {
	if s.Path == "" {
		l.text = append(l.text, '*')
	} else {
		l.text = append(l.text, oneLine(s.Path)...)
	}
	l.part(partLocal)
	l.text = strconv.AppendUint(l.text, uint64(s.Inode), 10)
	l.part(partLocalPort)
	l.text = append(l.text, '*')
	l.part(partPeer)
	l.text = strconv.AppendUint(l.text, uint64(s.PeerInode), 10)
	l.part(partPeerPort)
}

// extra writes what stands behind the columns.
func (w *socketWords) extra(b []byte, s *sockets.Socket, owners []sockets.Owner) []byte {
	if len(owners) > 0 {
		b = appendOwners(b, owners)
	}
	if w.c.timers && s.Timer.Kind != sockets.TimerOff {
		b = appendTimer(b, &s.Timer)
	}
	if w.c.tos && s.Has&sockets.DetailTOS != 0 {
		b = appendHex(append(b, " tos:"...), s.TOS)
		if s.Family == sockets.IPv6 {
			b = appendHex(append(b, " tclass:"...), s.TrafficClass)
		}
	}
	if w.c.extended {
		b = appendExtended(b, s)
	}
	return b
}

// appendHex writes a number in hexadecimal, and zero as such.
func appendHex(b []byte, n uint8) []byte {
	if n != 0 {
		b = append(b, "0x"...)
	}
	return strconv.AppendUint(b, uint64(n), 16)
}

func appendOwners(b []byte, owners []sockets.Owner) []byte {
	b = append(b, " users:("...)
	for i, o := range owners {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `("`...), oneLine(o.Command)...)
		b = appendCount(b, `",pid=`, uint64(o.PID))
		b = append(appendCount(b, ",fd=", uint64(o.FD)), ')')
	}
	return append(b, ')')
}

// timerWords are ss's, by the kernel's numbers.
var timerWords = [...]string{"off", "on", "keepalive", "timewait", "persist", "delack"}

func appendTimer(b []byte, t *sockets.Timer) []byte {
	word := "unknown"
	if int(t.Kind) < len(timerWords) {
		word = timerWords[t.Kind]
	}
	b = append(append(b, " timer:("...), word...)
	b = appendTimeLeft(append(b, ','), t.Left)
	return append(appendCount(b, ",", uint64(t.Retries)), ')')
}

// appendTimeLeft writes a time as ss writes those of timers: the longer it is,
// the coarser.
func appendTimeLeft(b []byte, left time.Duration) []byte {
	ms := max(left.Milliseconds(), 0)
	minutes, seconds, ms := ms/60_000, ms/1000%60, ms%1000
	if minutes > 0 {
		b = append(strconv.AppendInt(b, minutes, 10), "min"...)
		ms = 0
	}
	if seconds > 0 && minutes <= 9 {
		b = strconv.AppendInt(b, seconds, 10)
		if seconds > 9 || ms == 0 {
			return append(b, "sec"...)
		}
		b = append(b, '.')
	}
	if ms > 0 {
		b = append(b, '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'm', 's')
	}
	return b
}

// appendExtended writes user, inode, cookie and what else -e shows.
func appendExtended(b []byte, s *sockets.Socket) []byte {
	if s.UID != 0 {
		b = appendCount(b, " uid:", uint64(s.UID))
	}
	if s.Proto != sockets.Unix {
		b = appendCount(b, " ino:", uint64(s.Inode))
	}
	if s.Cookie != 0 {
		b = strconv.AppendUint(append(b, " sk:"...), s.Cookie, 16)
	}
	if s.Mark != 0 {
		b = strconv.AppendUint(append(b, " fwmark:0x"...), uint64(s.Mark), 16)
	}
	if s.Cgroup != 0 {
		b = appendCount(b, " cgroup:", s.Cgroup)
	}
	if s.Family == sockets.IPv6 && (s.State == sockets.Listen || s.State == sockets.Closed) {
		b = append(b, " v6only:0"...)
		if s.V6Only {
			b[len(b)-1] = '1'
		}
	}
	if s.Has&sockets.DetailShutdown != 0 {
		b = append(b, " <->"...)
		if s.Shutdown&1 != 0 {
			b[len(b)-3] = '-'
		}
		if s.Shutdown&2 != 0 {
			b[len(b)-1] = '-'
		}
	}
	return b
}

func appendMemory(b []byte, m *sockets.Memory) []byte {
	for _, field := range [...]struct {
		name string
		n    uint32
	}{
		{" skmem:(r", m.Receive}, {",rb", m.ReceiveLimit}, {",t", m.Send}, {",tb", m.SendLimit}, {",f", m.Forward},
		{",w", m.Queued}, {",o", m.Options}, {",bl", m.Backlog}, {",d", m.Drops},
	} {
		b = appendCount(b, field.name, uint64(field.n))
	}
	return append(b, ')')
}

func appendCount(b []byte, name string, n uint64) []byte {
	return strconv.AppendUint(append(b, name...), n, 10)
}

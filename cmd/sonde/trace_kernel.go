package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"sonde/sockets"
)

// kernelWatch asks the kernel about the connection of a request. A nil one asks
// nothing.
type kernelWatch struct {
	mu            sync.Mutex
	table         *sockets.Table
	local, remote netip.AddrPort
	info          sockets.TCPInfo // the last that was seen; Size 0: none
	err           error
}

func newKernelWatch() *kernelWatch {
	k := &kernelWatch{}
	if k.table, k.err = sockets.Open(sockets.Config{}); k.err == nil {
		// The first walk takes longest: not while the request is under way.
		_, k.err = k.table.Count(context.Background(), sockets.Query{States: sockets.StatesOf(sockets.SynSent)})
	}
	return k
}

// follow begins with a connection, in the place of the one before.
func (k *kernelWatch) follow(conn net.Conn) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.local, k.remote, k.info = tcpAddr(conn.LocalAddr()), tcpAddr(conn.RemoteAddr()), sockets.TCPInfo{}
}

func tcpAddr(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := t.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// look asks now.
func (k *kernelWatch) look() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.table == nil || !k.local.IsValid() {
		return
	}
	query := sockets.Query{
		States: sockets.SynchronizedStates, Detail: sockets.DetailInfo,
		Filter: sockets.Connection(k.local, k.remote),
	}
	for s, err := range k.table.All(context.Background(), query) {
		if err != nil {
			k.err = err
			return
		}
		if s.Local == k.local && s.Has&sockets.DetailInfo != 0 {
			k.info = s.Info
		}
	}
}

func (k *kernelWatch) close() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.table != nil {
		k.table.Close()
		k.table = nil
	}
}

// String is what the kernel said, in short; "" if there is nothing to say.
func (k *kernelWatch) String() string {
	switch {
	case k == nil || !k.local.IsValid() || errors.Is(k.err, errors.ErrUnsupported):
		return ""
	case k.info.Size == 0 && k.err != nil:
		return "not to be asked: " + k.err.Error()
	case k.info.Size == 0:
		return ""
	}
	i := &k.info
	parts := []string{
		fmt.Sprintf("rtt %s ± %s", millis(i.RTT), millis(i.RTTVar)),
		fmt.Sprintf("cwnd %d × %d B", i.CongestionWindow, i.SendMSS),
		plural(int(i.TotalRetransmits), "retransmit"),
	}
	more := func(n uint64, format string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	if i.MinRTT > 0 {
		parts[0] += fmt.Sprintf(" (least %s)", millis(i.MinRTT))
	}
	more(uint64(i.Lost), "%d lost")
	more(uint64(i.OutOfOrder), "%d out of order")
	if i.DeliveryRate > 0 {
		parts = append(parts, "delivery "+size(int64(i.DeliveryRate))+"/s")
	}
	if i.WindowLimited > time.Millisecond {
		parts = append(parts, "held back by the peer's window for "+millis(i.WindowLimited))
	}
	return strings.Join(parts, ", ")
}

package main

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"sonde/sockets"
)

// kernelWatch asks the kernel about the connection of a request. It asks the
// socket itself, which takes a microsecond or two: a walk through all sockets
// would be seen in the times.
type kernelWatch struct {
	mu   sync.Mutex
	conn syscall.RawConn // nil: none yet, or one without a socket
	info sockets.TCPInfo // the last that was seen; Size 0: none
}

// follow begins with a connection, in the place of the one before.
func (k *kernelWatch) follow(conn net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conn, k.info = nil, sockets.TCPInfo{}
	for inner := conn; inner != nil; {
		conn = inner
		switch c := conn.(type) {
		case interface{ NetConn() net.Conn }: // TLS
			inner = c.NetConn()
		case interface{ Raw() net.Conn }: // what sonde puts around a socket
			inner = c.Raw()
		default:
			inner = nil
		}
	}
	if c, ok := conn.(*net.TCPConn); ok {
		k.conn, _ = c.SyscallConn()
	}
}

// look asks now.
func (k *kernelWatch) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn == nil {
		return
	}
	k.conn.Control(func(fd uintptr) {
		if info := tcpInfo(fd); info.Size > 0 {
			k.info = info
		}
	})
}

// String is what the kernel said, in short; "" if there is nothing to say.
func (k *kernelWatch) String() string {
	if k.info.Size == 0 {
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

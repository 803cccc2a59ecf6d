package tap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// frameSize is the length of a frame of the load.
const frameSize = 128

// UDPFrame is a datagram and TCPFrame a segment with time stamps, each of 128 bytes
// with its Ethernet header, for an address that nobody has: nothing answers.
func UDPFrame() []byte {
	f := ipFrame(17)
	binary.BigEndian.PutUint16(f[34:], 12345)
	binary.BigEndian.PutUint16(f[36:], 9)
	binary.BigEndian.PutUint16(f[38:], frameSize-34)
	return f
}

// TCPFrame is described at UDPFrame.
func TCPFrame() []byte {
	f := ipFrame(6)
	binary.BigEndian.PutUint16(f[34:], 40000)
	binary.BigEndian.PutUint16(f[36:], 9)
	binary.BigEndian.PutUint32(f[38:], 1000)
	binary.BigEndian.PutUint32(f[42:], 2000)
	copy(f[46:], []byte{8 << 4, 0x18, 1, 0xf5, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2})
	return f
}

func ipFrame(proto byte) []byte {
	f := make([]byte, frameSize)
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, frameSize - 14, 0, 0, 0x40, 0, 64, proto, 0, 0, 10, 99, 0, 1, 10, 99, 0, 3})
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(f[24:], ^uint16(sum>>16+sum))
	return f
}

// batch is how many frames go with one system call.
const batch = 64

// blast sends frames over dev, rate a second or, for 0, as many as go, and says how
// many those were.
func blast(dev, kind string, length time.Duration, rate int) error {
	frame := UDPFrame()
	if kind == "tcp" {
		frame = TCPFrame()
	}
	fd, err := blastSocket(dev)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	type message struct { // struct mmsghdr
		unix.Msghdr
		_ uint32
	}
	iov := unix.Iovec{Base: &frame[0]}
	iov.SetLen(len(frame))
	var messages [batch]message
	for i := range messages {
		messages[i].Iov = &iov
		messages[i].SetIovlen(1)
	}
	sent := 0
	for start := time.Now(); ; {
		elapsed := time.Since(start)
		if elapsed > length {
			break
		}
		if rate > 0 && float64(sent) > elapsed.Seconds()*float64(rate) {
			continue // no sleep is as short
		}
		n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&messages[0])), batch, 0, 0, 0)
		switch {
		case e == 0:
			sent += int(n)
		case !errors.Is(e, unix.ENOBUFS) && !errors.Is(e, unix.EAGAIN):
			return fmt.Errorf("sendmmsg: %w", e)
		}
	}
	_, err = fmt.Println(sent)
	return err
}

// blastSocket is a packet socket that hears nothing and queues nothing.
func blastSocket(dev string) (int, error) {
	i, err := net.InterfaceByName(dev)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index}),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1))
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

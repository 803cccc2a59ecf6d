package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childBlast sends 128-byte Ethernet frames to interface args[0] for args[1]:
// args[2] frames a second, 0 for as many as go.
func childBlast(args []string) error {
	d, err := query(args[0])
	if err != nil {
		return err
	}
	length, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: d.index}); err != nil {
		return err
	}
	unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	const batch = 64
	type mmsghdr struct {
		unix.Msghdr
		n uint32
		_ uint32
	}
	frame := blastFrame()
	iov := unix.Iovec{Base: &frame[0]}
	iov.SetLen(len(frame))
	var msgs [batch]mmsghdr
	for i := range msgs {
		msgs[i].Iov, msgs[i].Iovlen = &iov, 1
	}
	sent := 0
	for start := time.Now(); ; {
		elapsed := time.Since(start)
		if elapsed > length {
			break
		}
		if rate > 0 && float64(sent) > elapsed.Seconds()*float64(rate) {
			continue // spin: sleeping is too coarse
		}
		n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), batch, 0, 0, 0)
		if e == 0 {
			sent += int(n)
		} else if !errors.Is(e, unix.ENOBUFS) && !errors.Is(e, unix.EAGAIN) {
			return e
		}
	}
	fmt.Println(sent)
	return nil
}

// blastFrame is a UDP datagram to the discard port in a 128-byte frame.
func blastFrame() []byte {
	f := make([]byte, 128)
	copy(f, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 114, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 99, 0, 1, 10, 99, 0, 2,
		0x30, 0x39, 0, 9, 0, 94, 0, 0})
	return f
}

// childCapture captures on args[0] into the file args[1] until SIGINT and
// prints what it counted.
func childCapture(args []string) error {
	l, err := Open(Config{Interface: args[0], Promiscuous: PromiscuousMember})
	if err != nil {
		return err
	}
	defer l.Close()
	f, err := os.Create(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := NewWriter(f, WriterConfig{Format: FormatOf(args[1]), Interfaces: l.Interfaces(), Buffer: atoi(os.Getenv("SONDE_BUF"))})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() {
		<-stop
		l.Stop()
	}()
	fmt.Println("listening")
	var p Packet
	for {
		err := l.Next(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.WritePacket(&p)
		}
		if err != nil {
			return err
		}
	}
	s, err := l.Stats()
	if err != nil {
		return err
	}
	fmt.Println(s.Captured, s.Received, s.Dropped)
	return w.Flush()
}

// childHold captures promiscuously on args[0] in the way args[1] and waits to be
// killed.
func childHold(args []string) error {
	way, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l, err := Open(Config{Interface: args[0], Promiscuous: Promiscuity(way)})
	if err != nil {
		return err
	}
	defer l.Close()
	fmt.Println("holding")
	io.Copy(io.Discard, os.Stdin)
	return nil
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

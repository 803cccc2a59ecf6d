package capture

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Live is a live capture on one interface, or on all.
//
// One goroutine calls Next and Ready; Stats, Stop and Close may be called from
// any. It starts no goroutine of its own.
type Live struct {
	cfg  Config
	dev  device
	fd   int
	wake int // an eventfd that ends a wait
	ring *ring
	vm   *bpf.VM // the filter, where the kernel cannot run it

	// The reader's place in the block that it holds.
	block   []byte
	at      uint32
	left    uint32
	held    bool
	ignored uint32        // in this block
	fetched byte          // the sum of what fetch read, so that it is read
	patient bool          // there are processors enough to doze on
	wary    bool          // the interface went down once: look after it
	nap     time.Duration // how long the ring may be left alone at the present load
	kept    time.Duration // the naps since doze yielded last

	// stopAt is when Stop was called, in Unix nanoseconds; zero before.
	stopAt  atomic.Int64
	overrun int // blocks read since then
	closed  atomic.Bool

	captured, ignoredTotal atomic.Uint64

	// mu keeps the descriptors open while somebody uses them, and guards the
	// counters that the kernel zeroes with each look.
	mu         sync.RWMutex
	statsMu    sync.Mutex
	kernel     Stats
	flagRaised bool
}

// Open starts a capture. It needs CAP_NET_RAW in the network namespace; without
// it the error satisfies errors.Is(err, fs.ErrPermission).
//
// The order matters: the socket is born deaf, gets its filter, which is locked,
// then its ring, and hears only from bind on, so that no packet passes by the
// filter.
func Open(cfg Config) (*Live, error) { return open(cfg, nil) }

func open(cfg Config, join func(fd int) error) (*Live, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	l := &Live{cfg: cfg, fd: -1, wake: -1, patient: runtime.GOMAXPROCS(0) > 1}
	if l.dev, err = query(cfg.Interface); err != nil {
		return nil, err
	}
	if err := l.start(join); err != nil {
		l.Close()
		if l.ring != nil {
			l.ring.free()
		}
		return nil, err
	}
	// Close leaves the addresses of the ring reserved, for the sake of packets
	// still looked at; they go when nobody holds the source any more.
	runtime.AddCleanup(l, func(r *ring) { r.free() }, l.ring)
	return l, nil
}

func (l *Live) start(join func(fd int) error) (err error) {
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("capture: eventfd: %w", err)
	}
	if err := l.socket(); err != nil {
		return err
	}
	if err := l.attach(); err != nil {
		return err
	}
	if l.ring, err = newRing(l.fd, &l.cfg, l.headroom()); err != nil {
		return err
	}
	if err := l.promiscuous(); err != nil {
		return err
	}
	if join == nil {
		return l.bind()
	}
	return l.bindInGroup(join)
}

// headroom is what Next may have to put before a frame: a VLAN tag, and an SLL2
// header on a cooked socket.
func (l *Live) headroom() int {
	if l.dev.cooked {
		return sll2Len + vlanLen
	}
	return vlanLen
}

// The parts of the ring that lie before a frame.
const (
	tpacketHeader = uint32(unsafe.Sizeof(unix.Tpacket3Hdr{}))
	ringHeader    = tpacketHeader + uint32(unsafe.Sizeof(unix.RawSockaddrLinklayer{}))
	vlanLen       = 4
)

// Interfaces describes the one interface that the source was opened on.
func (l *Live) Interfaces() []Interface {
	return []Interface{{
		Name:    l.dev.name,
		Link:    l.dev.link,
		SnapLen: l.cfg.SnapLen,
		Filter:  l.cfg.Expression,
		MAC:     l.dev.mac,
		OS:      systemName(),
	}}
}

// Stats asks the kernel. Captured goes by whole blocks of the ring, so it is
// exact when Next waits or has returned an error, and may be ahead of the reader
// by a block at other times.
func (l *Live) Stats() (Stats, error) {
	l.statsMu.Lock()
	defer l.statsMu.Unlock()
	err := l.addKernelStats()
	s := l.kernel
	s.Captured, s.Ignored = l.captured.Load(), l.ignoredTotal.Load()
	return s, err
}

// addKernelStats adds up what the kernel counted since the last look. Its count
// of packets contains those it dropped.
func (l *Live) addKernelStats() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed.Load() {
		return nil
	}
	s, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("capture: statistics: %w", err)
	}
	l.kernel.Received += uint64(s.Packets)
	l.kernel.Dropped += uint64(s.Drops)
	l.kernel.Freezes += uint64(s.Freeze_q_cnt)
	return nil
}

// Stop ends the capture gently: Next still hands out what has arrived and then
// returns io.EOF. Statistics can be asked until Close.
func (l *Live) Stop() {
	if l.stopAt.CompareAndSwap(0, time.Now().UnixNano()) {
		l.rouse()
	}
}

// rouse ends a wait of Next.
func (l *Live) rouse() {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.closed.Load() {
		unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Close ends the capture at once and gives back memory, descriptors and
// promiscuous mode. Data of a packet still looked at reads as zeros from then on.
func (l *Live) Close() error {
	l.statsMu.Lock()
	if l.fd >= 0 {
		l.addKernelStats()
	}
	l.statsMu.Unlock()
	if l.closed.Swap(true) {
		return nil
	}
	if l.wake >= 0 {
		unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	l.mu.Lock() // waits for Next to come back from its poll
	defer l.mu.Unlock()
	err := l.lowerFlag()
	if l.ring != nil {
		err = errors.Join(err, l.ring.vacate())
	}
	for _, fd := range []int{l.fd, l.wake} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}

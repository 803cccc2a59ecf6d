package capture

import (
	"errors"
	"fmt"
	"io"
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
	patient bool          // there are processors enough to doze on
	wary    bool          // the interface went down once: look after it
	nap     time.Duration // how long the ring may be left alone at the present load

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

// Next fills p with the next packet, waiting for one if need be. See Source.
//
// After Stop it hands out what had arrived by then and returns io.EOF; after
// Close it returns ErrClosed. An interface that went down is waited for; one
// that is gone is an error.
func (l *Live) Next(p *Packet) error {
	for {
		for l.left == 0 {
			if err := l.nextBlock(); err != nil {
				return err
			}
		}
		if l.fill(p) {
			return nil
		}
	}
}

// Ready reports whether Next would return at once. A reader that collects
// output writes it when nothing is ready.
func (l *Live) Ready() bool {
	if l.left > 0 {
		return true
	}
	if l.closed.Load() {
		return true
	}
	if l.held {
		return l.ring.following().ready()
	}
	return l.ring.ready()
}

// Await waits for at most d until Next would return at once, and reports whether
// it would. It ends the loan of the latest packet's Data.
func (l *Live) Await(d time.Duration) bool {
	if l.left > 0 || l.closed.Load() {
		return true
	}
	l.giveBack()
	if l.nap > 0 && l.patient && !l.ring.ready() {
		l.doze()
	}
	for end := time.Now().Add(d); !l.ring.ready(); {
		left := time.Until(end)
		if left <= 0 {
			return false
		}
		if l.wait(left) != nil {
			return true // Next says why
		}
	}
	return true
}

// giveBack returns the block that was read to the kernel.
func (l *Live) giveBack() {
	if l.held {
		l.ring.release()
		l.held = false
		l.settle()
	}
}

// nextBlock gives the read block back and waits for another.
func (l *Live) nextBlock() error {
	l.giveBack()
	if l.nap > 0 && l.patient && !l.ring.ready() {
		l.doze()
	}
	for !l.ring.ready() {
		if err := l.wait(forever); err != nil {
			return err
		}
	}
	if l.closed.Load() {
		return ErrClosed
	}
	h := l.ring.header()
	if l.stopAt.Load() != 0 && l.late(h) {
		return io.EOF
	}
	l.block, l.at, l.left, l.held = l.ring.bytes(), h.Offset_to_first_pkt, h.Num_pkts, true
	l.captured.Add(uint64(l.left))
	l.nap = l.ring.slack()
	return nil
}

// late reports whether a block was begun after Stop. However the clock is set
// meanwhile, no more than the ring held is read after it.
func (l *Live) late(h *unix.TpacketHdrV1) bool {
	l.overrun++
	begun := int64(h.Ts_first_pkt.Sec)*1e9 + int64(h.Ts_first_pkt.Usec) // nanoseconds, by its other name
	return begun > l.stopAt.Load() || l.overrun > len(l.ring.mem)/l.ring.block
}

// settle takes the packets that fill left out off the count of the block.
func (l *Live) settle() {
	if l.ignored > 0 {
		l.ignoredTotal.Add(uint64(l.ignored))
		l.captured.Add(-uint64(l.ignored))
		l.ignored = 0
	}
}

// fill describes the packet at hand and steps over it. It returns false for one
// that is to be left out.
func (l *Live) fill(p *Packet) bool {
	h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&l.block[l.at : l.at+ringHeader : l.at+ringHeader][0]))
	from := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&l.block[l.at+tpacketHeader]))
	start := l.at + uint32(h.Mac)
	p.Data = l.block[start : start+h.Snaplen : start+h.Snaplen]
	p.Length = int(h.Len)
	p.Time = int64(h.Sec)*1e9 + int64(h.Nsec)
	p.Interface = 0
	p.IfIndex = int(from.Ifindex)
	p.Link = l.dev.link
	if from.Pkttype == pktOutgoing {
		p.Direction, p.Reception = Out, ReceptionUnknown
	} else {
		p.Direction, p.Reception = In, reception[from.Pkttype&3]
	}
	p.VLAN = VLAN{}
	p.Process = Process{}
	p.Comment = ""
	if h.Status&unix.TP_STATUS_VLAN_VALID != 0 {
		p.VLAN = tag(h)
	}
	if l.dev.cooked {
		l.cook(p, start, from)
	} else if p.VLAN.Present() {
		l.insertTag(p, start)
	}
	if len(p.Data) > l.cfg.SnapLen {
		p.Data = p.Data[:l.cfg.SnapLen:l.cfg.SnapLen]
	}
	l.at += h.Next_offset
	l.left--
	return l.vm == nil || l.wanted(p)
}

// The parts of the ring that lie before a frame.
const (
	tpacketHeader = uint32(unsafe.Sizeof(unix.Tpacket3Hdr{}))
	ringHeader    = tpacketHeader + uint32(unsafe.Sizeof(unix.RawSockaddrLinklayer{}))
	vlanLen       = 4
)

var reception = [4]Reception{pktHost: Unicast, pktBroadcast: Broadcast, pktMulticast: Multicast, pktOtherHost: OtherHost}

// wanted runs the filter that the kernel could not.
func (l *Live) wanted(p *Packet) bool {
	n, err := l.vm.Run(p.Data)
	if err != nil || n == 0 {
		l.ignored++
		return false
	}
	if n < len(p.Data) {
		p.Data = p.Data[:n:n]
	}
	return true
}

// doze leaves the ring alone under load, so that one awakening serves several
// blocks; being woken for each cost more than reading them. These sleeps keep the
// Go scheduler out of it: told of every short wait, it sets its monitor thread to
// looking around each 20 microseconds, which was a third of all time spent. In
// return they occupy one of its processors for some milliseconds, so with a
// single one there is no dozing; a garbage collection ends them by its signal.
func (l *Live) doze() {
	for slept := time.Duration(0); slept < l.cfg.Retire && !l.closed.Load() && l.stopAt.Load() == 0; slept += l.nap {
		rawSleep(l.nap)
		if l.ring.ready() {
			return
		}
	}
}

const forever = time.Duration(-1)

// wait sleeps until the ring, Stop or Close has something to say, and no longer
// than limit, unless that is forever.
func (l *Live) wait(limit time.Duration) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed.Load() {
		return ErrClosed
	}
	timeout := ^uint(0) // no limit, which poll calls -1
	if limit >= 0 {
		timeout = milliseconds(limit)
	}
	if l.wary {
		if l.gone() {
			return fmt.Errorf("capture: interface %q is gone: %w", l.dev.name, unix.ENODEV)
		}
		timeout = min(timeout, 200)
	}
	if at := l.stopAt.Load(); at != 0 {
		// The kernel closes the open block within the retire time.
		left := time.Until(time.Unix(0, at).Add(2*l.cfg.Retire + time.Millisecond))
		if left <= 0 {
			return io.EOF
		}
		timeout = min(timeout, milliseconds(left))
	}
	return l.poll(int(timeout))
}

// milliseconds rounds up, to what poll can take.
func milliseconds(d time.Duration) uint {
	return uint(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
}

func (l *Live) poll(timeout int) error {
	fds := [2]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.wake), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds[:], timeout); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("capture: poll: %w", err)
	}
	if fds[1].Revents != 0 {
		var b [8]byte
		unix.Read(l.wake, b[:])
	}
	if fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
		return l.socketError()
	}
	return nil
}

// socketError takes the error that the kernel reports. An interface that is only
// down may come back, and the capture with it; one that is removed goes down
// first, and of its removal there is no second report.
func (l *Live) socketError() error {
	errno, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || errno == 0 {
		return err
	}
	if unix.Errno(errno) == unix.ENETDOWN {
		l.wary = true
		return nil
	}
	return fmt.Errorf("capture: reading %q: %w", l.dev.name, unix.Errno(errno))
}

// gone reports whether the interface was removed: the kernel then unbinds the
// socket from it.
func (l *Live) gone() bool {
	at, err := unix.Getsockname(l.fd)
	ll, ok := at.(*unix.SockaddrLinklayer)
	return err == nil && ok && ll.Ifindex != l.dev.index
}

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

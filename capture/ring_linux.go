package capture

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is the memory that the kernel fills and this process reads: blocks that
// change hands by one word each. It knows no socket after it was made.
type ring struct {
	mem   []byte
	block int // bytes of one block
	next  int // offset of the block to be read next
}

// newRing gives the socket its TPACKET_V3 ring and maps it. reserve is the room
// wanted in front of each frame.
func newRing(fd int, cfg *Config, reserve int) (*ring, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return nil, fmt.Errorf("capture: TPACKET_V3: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_RESERVE, reserve); err != nil {
		return nil, fmt.Errorf("capture: headroom in the ring: %w", err)
	}
	// In version 3 packets lie close together; the frame size only has to be
	// plausible.
	const frame = 2048
	req := unix.TpacketReq3{
		Block_size:     uint32(cfg.BlockSize),
		Block_nr:       uint32(cfg.RingSize / cfg.BlockSize),
		Frame_size:     frame,
		Frame_nr:       uint32(cfg.RingSize / frame),
		Retire_blk_tov: uint32(cfg.Retire / time.Millisecond),
	}
	if err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return nil, fmt.Errorf("capture: ring of %d bytes: %w", cfg.RingSize, err)
	}
	p, err := unix.MmapPtr(fd, 0, nil, uintptr(cfg.RingSize), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("capture: mapping the ring of %d bytes: %w", cfg.RingSize, err)
	}
	return &ring{mem: unsafe.Slice((*byte)(p), cfg.RingSize), block: cfg.BlockSize}, nil
}

// header returns the kernel's description of the block to be read next.
func (r ring) header() *unix.TpacketHdrV1 {
	d := (*unix.TpacketBlockDesc)(unsafe.Pointer(&r.mem[r.next]))
	return (*unix.TpacketHdrV1)(unsafe.Pointer(&d.Hdr))
}

// ready reports whether the kernel handed over the next block.
func (r ring) ready() bool {
	return atomic.LoadUint32(&r.header().Block_status)&unix.TP_STATUS_USER != 0
}

// bytes returns the block to be read next.
func (r *ring) bytes() []byte { return r.mem[r.next : r.next+r.block : r.next+r.block] }

// release gives the block back and moves on to the one after it.
func (r *ring) release() {
	atomic.StoreUint32(&r.header().Block_status, unix.TP_STATUS_KERNEL)
	*r = r.following()
}

// following returns the ring as it is seen one block later.
func (r *ring) following() ring {
	after := *r
	if after.next += after.block; after.next == len(after.mem) {
		after.next = 0
	}
	return after
}

// slack returns how long the ring can be left alone without filling up by more
// than a quarter, judged by how fast its next block filled; zero, when that was
// slow (the block did not become full) or too fast for a sleep to be worth it.
func (r ring) slack() time.Duration {
	const least, most = 100 * time.Microsecond, 8 * time.Millisecond
	h := r.header()
	if h.Block_status&unix.TP_STATUS_BLK_TMO != 0 {
		return 0
	}
	first, last := h.Ts_first_pkt, h.Ts_last_pkt // their second half counts nanoseconds
	filled := time.Duration(int64(last.Sec)-int64(first.Sec))*time.Second + time.Duration(int64(last.Usec)-int64(first.Usec))
	nap := filled * time.Duration(len(r.mem)/r.block/4)
	if nap < least {
		return 0
	}
	return min(nap, most)
}

// rawSleep sleeps without telling the scheduler. A signal ends it early.
func rawSleep(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
}

// vacate gives the memory back while its addresses stay good: whoever still
// looks at a packet sees zeros and does not crash. free ends that.
func (r *ring) vacate() error {
	_, err := unix.MmapPtr(-1, 0, unsafe.Pointer(unsafe.SliceData(r.mem)), uintptr(len(r.mem)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED|unix.MAP_NORESERVE)
	return err
}

func (r *ring) free() error {
	return unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(r.mem)), uintptr(len(r.mem)))
}

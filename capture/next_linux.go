package capture

import (
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// Next fills p with the next packet, waiting for one if need be. See Source.
//
// After Stop it hands out what had arrived by then and returns io.EOF; after
// Close it returns ErrClosed. An interface that went down is waited for; one
// that is gone is an error.
func (l *Live) Next(p *Packet) error {
	for {
		if l.closed.Load() {
			return ErrClosed // and not the zeros that are left of its block
		}
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
	if h.Blk_len < smallPackets*h.Num_pkts {
		l.fetch(l.block[:min(h.Blk_len, uint32(len(l.block)))])
	}
	return nil
}

// smallPackets is the mean size in the ring below which a block is fetched as a
// whole: of larger packets most readers need but the headers.
const smallPackets = 512

// fetch brings a block from the cache of the processor that received it. Where a
// packet lies is said by the one before it, so that a reader waits for each in
// turn; here the processor knows all addresses and has a dozen reads on their way.
// That took a tenth off the CPU time of a capture into a file.
func (l *Live) fetch(block []byte) {
	const cacheLine = 64
	sum := byte(0)
	for i := 0; i < len(block); i += cacheLine {
		sum += block[i]
	}
	l.fetched = sum
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
	h, from := headers(l.block, l.at)
	start := l.at + uint32(h.Mac)
	p.Data = l.block[start : start+h.Snaplen : start+h.Snaplen]
	p.Length = int(h.Len)
	p.Time = timeOf(h)
	p.Interface = 0
	p.IfIndex = int(from.Ifindex)
	p.Link = l.dev.link
	p.Direction, p.Reception = way(from.Pkttype)
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

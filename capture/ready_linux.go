package capture

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// WriteReady writes packets that l has ready, straight from its ring, and returns
// how many; at most as many as most says. It never waits for one. What Next would
// have to change or to judge it leaves to Next: a VLAN tag that the kernel set
// apart, the header of a packet of "any", a filter that runs in this process. So a
// loop calls it behind each pair of Next and WritePacket:
//
//	for err == nil {
//		if err = live.Next(&p); err == nil {
//			err = w.WritePacket(&p)
//		}
//		for n := 1; n > 0 && err == nil; {
//			n, err = w.WriteReady(live, math.MaxInt)
//		}
//	}
//
// Without a Packet between ring and buffer a packet of 128 bytes costs an eighth
// less, the kernel's part included.
//
// The packets become those of the file's first interface, as they are with Next.
// It ends the loan of the latest packet's Data.
func (w *Writer) WriteReady(l *Live, most int) (n int, err error) {
	switch {
	case w.err != nil:
		return 0, w.err
	case l.left == 0, l.dev.cooked, l.vm != nil, l.closed.Load(), len(w.ifaces) == 0:
		return 0, nil
	case w.cfg.Format != PCAPNG && l.dev.link != w.ifaces[0].Link:
		return 0, nil // WritePacket says why it cannot be
	}
	n = w.takeBlock(l, most)
	if len(w.buf) >= w.limit {
		err = w.Flush()
	}
	return n, err
}

// takeBlock takes packets of the block that l holds, until the buffer is full. The
// places in block and buffer are local: in memory they would be stored for each
// packet.
func (w *Writer) takeBlock(l *Live, most int) (n int) {
	b, block, at, left := w.buf, l.block, l.at, l.left
	if w.first == 0 {
		h, _ := headers(block, at)
		w.first = timeOf(h)
	}
	for ; n < most && left > 0 && len(b) < w.limit; n++ {
		h, from := headers(block, at)
		if h.Status&unix.TP_STATUS_VLAN_VALID != 0 || int(h.Snaplen) > l.cfg.SnapLen {
			break
		}
		start := at + uint32(h.Mac)
		data := block[start : start+h.Snaplen]
		switch w.cfg.Format {
		case PCAPNG:
			direction, reception := way(from.Pkttype)
			b = appendPlain(b, 0, timeOf(h), int(h.Len), packetFlags(direction, reception), data)
		case PCAP:
			b = appendRecord(b, h.Sec, h.Nsec, h.Len, data)
		default:
			b = appendRecord(b, h.Sec, h.Nsec/1000, h.Len, data)
		}
		at += h.Next_offset
		left--
	}
	w.buf, l.at, l.left = b, at, left
	return n
}

// headers returns what the kernel put before the frame at this place of a block.
func headers(block []byte, at uint32) (*unix.Tpacket3Hdr, *unix.RawSockaddrLinklayer) {
	b := (*[ringHeader]byte)(block[at:])
	return (*unix.Tpacket3Hdr)(unsafe.Pointer(b)), (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&b[tpacketHeader]))
}

func timeOf(h *unix.Tpacket3Hdr) int64 { return int64(h.Sec)*1e9 + int64(h.Nsec) }

// way tells direction and reception by a packet type of the kernel's.
func way(kind uint8) (Direction, Reception) {
	if kind == pktOutgoing {
		return Out, ReceptionUnknown
	}
	return In, reception[kind&3]
}

package flow_test

import (
	"encoding/binary"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/internal/build"
)

// FuzzTable reads its input as a list of segments and fragments between two
// hosts: whatever they are, the bounds hold, every stream is ended once in each
// direction, and nothing comes after that.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 2, 0, 0, 0, 0, 1, 0x12, 0, 0, 0, 1, 0, 0x10, 0, 1, 0, 9, 0, 0x11, 0, 10, 0, 3})
	f.Add([]byte{0, 0x10, 0, 5, 0, 9, 1, 0x10, 0, 9, 0, 20, 0, 4, 0, 0, 0, 0, 2, 0, 0, 4, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(flow.Limits{Conns: 3, HeldPerConn: 2000, Held: 3000, Datagrams: 4, FragmentBytes: 2000})
		for len(b) >= 6 {
			kind, flags, seq, extra := b[0], b[1], uint32(binary.BigEndian.Uint16(b[2:])), int(binary.BigEndian.Uint16(b[4:]))
			b = b[6:]
			data := make([]byte, extra%64)
			switch kind & 3 {
			case 0:
				w.c(flags, seq*7, uint32(extra)*5, string(data))
			case 1:
				w.s(flags, seq*5, uint32(extra)*7, string(data))
			case 2:
				w.frame(piece(uint16(kind>>2), int(seq)&^7, flags&1 == 0, data))
			case 3:
				w.now += int64(seq) * int64(time.Millisecond)
				w.frame(build.TCP{Src: client, Dst: server, SrcPort: uint16(flags), DstPort: 80, Seq: seq, Flags: kind >> 2}.Frame(data))
			}
			if w.Len() > 3 || w.Held() > 3000 {
				t.Fatalf("%d connections, %d bytes", w.Len(), w.Held())
			}
		}
		w.Close()
		if w.Len() != 0 || w.Held() != 0 {
			t.Fatalf("after Close: %d connections, %d bytes", w.Len(), w.Held())
		}
		for _, r := range w.streams {
			if r.ends != 2 {
				t.Fatalf("ended %d times: %s", r.ends, r.log.String())
			}
		}
	})
}

// FuzzPackets gives the table whole frames.
func FuzzPackets(f *testing.F) {
	f.Add(build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: 1, Flags: ack}.Frame([]byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(flow.Limits{})
		var p decode.Packet
		for range 2 {
			p.Decode(capture.LinkEthernet, b)
			w.Packet(&p, 1)
		}
		w.Close()
	})
}

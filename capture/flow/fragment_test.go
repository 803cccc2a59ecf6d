package flow_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/internal/build"
)

// piece is a fragment of a datagram: its bytes from off on.
func piece(id uint16, off int, more bool, b []byte) []byte {
	frag := uint16(off / 8)
	if more {
		frag |= 0x2000
	}
	return build.Ethernet(0x0800, build.IP4{Src: client, Dst: server, Proto: 17, ID: id, Frag: frag}.Packet(b))
}

func piece6(id byte, off int, more bool, b []byte) []byte {
	field := uint16(off)
	if more {
		field |= 1
	}
	head := []byte{17, 0, byte(field >> 8), byte(field), 0, 0, 0, id}
	return build.Ethernet(0x86dd, build.IP6("fd00::1", "fd00::2", 44, append(head, b...)))
}

func TestDefrag(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 4)
	udp := build.UDP(client, server, 1, 2, text)
	udp6 := build.UDP("fd00::1", "fd00::2", 1, 2, text)
	spoilt := bytes.Repeat([]byte{'!'}, 16)
	tests := []struct {
		name   string
		frames [][]byte
		want   bool
		over   int
	}{
		{"in order", [][]byte{piece(1, 0, true, udp[:24]), piece(1, 24, true, udp[24:48]), piece(1, 48, false, udp[48:])}, true, 0},
		{"backwards", [][]byte{piece(1, 48, false, udp[48:]), piece(1, 24, true, udp[24:48]), piece(1, 0, true, udp[:24])}, true, 0},
		{"one twice", [][]byte{piece(1, 0, true, udp[:24]), piece(1, 0, true, udp[:24]), piece(1, 24, false, udp[24:])}, true, 0},
		{"the bytes that came first stay", [][]byte{piece(1, 0, true, udp[:24]), piece(1, 16, true, spoilt), piece(1, 32, false, udp[32:])}, false, 1},
		{"overlap with the same", [][]byte{piece(1, 0, true, udp[:24]), piece(1, 16, true, udp[16:32]), piece(1, 32, false, udp[32:])}, true, 1},
		{"other identity", [][]byte{piece(1, 0, true, udp[:24]), piece(2, 24, false, udp[24:])}, false, 0},
		{"beyond the end", [][]byte{piece(1, 24, false, udp[24:48]), piece(1, 48, true, udp[48:]), piece(1, 0, true, udp[:24])}, false, 0},
		{"ping of death", [][]byte{piece(1, 65528, false, udp[:40]), piece(1, 0, true, udp[:24])}, false, 0},
		{"v6", [][]byte{piece6(1, 0, true, udp6[:24]), piece6(1, 24, false, udp6[24:])}, true, 0},
		{"v6 overlap", [][]byte{piece6(1, 0, true, udp6[:24]), piece6(1, 16, true, udp6[16:32]), piece6(1, 32, false, udp6[32:])}, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f flow.Defrag
			var p decode.Packet
			whole := false
			for i, b := range tt.frames {
				p.Decode(capture.LinkEthernet, bytes.Clone(b))
				whole = f.Complete(&p, int64(i))
			}
			good := whole && p.VerifyTransport() == decode.SumGood && bytes.Equal(p.Payload, text)
			if good != tt.want || f.Overlaps != tt.over {
				t.Errorf("whole %v, checksum %v, %d overlaps, payload %q", whole, p.VerifyTransport(), f.Overlaps, p.Payload)
			}
			if whole && f.Len() != 0 {
				t.Errorf("%d datagrams are kept", f.Len())
			}
		})
	}
}

func TestDefragBounds(t *testing.T) {
	var f flow.Defrag
	var p decode.Packet
	for i := range 50_000 {
		p.Decode(capture.LinkEthernet, piece(uint16(i), i%100*8, true, make([]byte, 64)))
		f.Complete(&p, int64(i))
	}
	if f.Len() > 1024 {
		t.Errorf("%d datagrams", f.Len())
	}
	p.Decode(capture.LinkEthernet, piece(1, 0, true, make([]byte, 64)))
	f.Complete(&p, int64(time.Hour))
	if f.Len() != 1 || f.Expired == 0 {
		t.Errorf("%d datagrams after an hour, %d expired", f.Len(), f.Expired)
	}
}

// TestFragmentedSegment sends a TCP segment in fragments, inside of GRE.
func TestFragmentedSegment(t *testing.T) {
	w := newWorld(flow.Limits{})
	seg := build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: 1, Flags: ack}.Segment([]byte("0123456789abcdef"))
	for i, frag := range [][]byte{seg[:24], seg[24:]} {
		inner := build.IP4{Src: client, Dst: server, Proto: 6, ID: 5, Frag: []uint16{0x2000, 3}[i]}.Packet(frag)
		outer := build.IP4{Src: "192.0.2.1", Dst: "192.0.2.2", Proto: 47}.Packet(append([]byte{0, 0, 8, 0}, inner...))
		w.frame(build.Ethernet(0x0800, outer))
	}
	w.want(t, "c:0123456789abcdef")
}

func ExampleDefrag() {
	udp := build.UDP(client, server, 1, 53, []byte("one datagram in two fragments"))
	var f flow.Defrag
	var p decode.Packet
	for _, frame := range [][]byte{piece(1, 0, true, udp[:16]), piece(1, 16, false, udp[16:])} {
		p.Decode(capture.LinkEthernet, frame)
		if f.Complete(&p, 0) {
			fmt.Println(p.Has, string(p.Payload))
		}
	}
	// Output: Ethernet/IPv4/UDP one datagram in two fragments
}

type printer struct{}

func (printer) Data(d flow.Dir, _ int64, b []byte)    { fmt.Printf("%v: %s\n", d, b) }
func (printer) Gap(d flow.Dir, _ int64, n int64)      { fmt.Printf("%v: %d bytes missing\n", d, n) }
func (printer) End(d flow.Dir, _ int64, why flow.End) { fmt.Printf("%v: %v\n", d, why) }

func ExampleTable() {
	t := flow.NewTable(flow.Limits{})
	t.Open = func(*flow.Conn) flow.Stream { return printer{} }
	var p decode.Packet
	send := func(seq uint32, text string) {
		p.Decode(capture.LinkEthernet, build.TCP{
			Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: seq, Flags: 0x10,
		}.Frame([]byte(text)))
		if v := t.Packet(&p, 0).Verdict; v != 0 {
			fmt.Println("--", v)
		}
	}
	send(1, "one,")
	send(9, "three")
	send(5, "two,")
	t.Close()
	// Output:
	// client: one,
	// -- previous segment not captured
	// client: two,
	// client: three
	// -- out of order
	// client: capture ended
	// server: capture ended
}

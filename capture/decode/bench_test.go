package decode_test

import (
	"testing"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/internal/build"
)

// dataFrame is a segment with timestamps and 128 bytes in all, as in a stream
// under way.
func dataFrame() []byte {
	return build.TCP{
		Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 40000, DstPort: 80,
		Seq: 1000, Ack: 2000, Flags: 0x18,
		Options: []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2},
	}.Frame(make([]byte, 62))
}

func BenchmarkDecodeTCP(b *testing.B) {
	frame := dataFrame()
	var p decode.Packet
	b.ReportAllocs()
	for b.Loop() {
		p.Decode(capture.LinkEthernet, frame)
	}
}

func BenchmarkDecodeTCP6(b *testing.B) {
	frame := build.Ethernet(0x86dd, build.IP6("fd00::1", "fd00::2", 6, build.TCP{
		Src: "fd00::1", Dst: "fd00::2", SrcPort: 40000, DstPort: 80, Flags: 0x10,
	}.Segment(make([]byte, 62))))
	var p decode.Packet
	b.ReportAllocs()
	for b.Loop() {
		p.Decode(capture.LinkEthernet, frame)
	}
}

func BenchmarkParseOptions(b *testing.B) {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, dataFrame())
	var o decode.TCPOptions
	b.ReportAllocs()
	for b.Loop() {
		p.TCP.ParseOptions(&o)
	}
}

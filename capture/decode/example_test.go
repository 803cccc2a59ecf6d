package decode_test

import (
	"fmt"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/internal/build"
)

func ExamplePacket() {
	frame := build.TCP{
		Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 40000, DstPort: 80, Seq: 1000, Flags: 0x18,
	}.Frame([]byte("GET / HTTP/1.1\r\n"))

	var p decode.Packet
	p.Decode(capture.LinkEthernet, frame)
	fmt.Println(p.Has)
	fmt.Println(p.Source(), ">", p.Destination(), p.TCP.Flags, len(p.Payload))
	// Output:
	// Ethernet/IPv4/TCP
	// 10.0.0.1:40000 > 10.0.0.2:80 P. 16
}

func ExamplePacket_VerifyTransport() {
	frame := build.TCP{Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 40000, DstPort: 80}.Frame([]byte("x"))
	frame[len(frame)-1] = 'y'

	var p decode.Packet
	p.Decode(capture.LinkEthernet, frame)
	fmt.Println(p.VerifyIPv4(), p.VerifyTransport())
	// Output: good bad
}

func ExampleTCP_ParseOptions() {
	h := decode.TCP{Options: []byte{2, 4, 5, 180, 4, 2, 1, 3, 3, 7, 0, 0}}
	var o decode.TCPOptions
	ok := h.ParseOptions(&o)
	fmt.Println(ok, o.MSS, o.WindowScale, o.SACKPermitted, o.HasTimestamps)
	// Output: true 1460 7 true false
}

func ExampleVLANs() {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, build.Ethernet(0x8100, []byte{0x60, 5, 0x88, 0xcc}))
	for _, tag := range p.VLANs.Tags() {
		fmt.Println(tag.ID(), tag.Priority(), p.EtherType)
	}
	// Output: 5 3 LLDP
}

func ExampleAppendEscaped() {
	fmt.Printf("%s\n", decode.AppendEscaped(nil, "/\x1b[31mred\r\n"))
	// Output: /\x1b[31mred\r\n
}

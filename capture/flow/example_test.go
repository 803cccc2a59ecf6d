package flow_test

import (
	"fmt"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/internal/build"
)

// What a table knows about each packet: who sends it, where its bytes stand in
// the connection, and what is odd about it.
func ExampleSegment() {
	t := flow.NewTable(flow.Limits{})
	var p decode.Packet
	send := func(h build.TCP, text string) {
		p.Decode(capture.LinkEthernet, h.Frame([]byte(text)))
		var s flow.Segment = t.Packet(&p, 0)
		var d flow.Dir = s.Dir
		fmt.Printf("%v %d %q\n", d, s.Seq, s.Verdict)
	}
	there := build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80}
	back := build.TCP{Src: server, Dst: client, SrcPort: 80, DstPort: 40000}
	there.Seq, there.Flags = 5000, 0x02
	send(there, "") // SYN
	back.Seq, back.Ack, back.Flags = 9000, 5001, 0x12
	send(back, "") // SYN, ACK
	there.Seq, there.Ack, there.Flags = 5001, 9001, 0x18
	send(there, "hello")
	send(there, "hello")
	back.Seq, back.Ack, back.Flags = 9001, 5006, 0x10
	send(back, "")
	// Output:
	// client 0 ""
	// server 0 ""
	// client 1 ""
	// client 1 "retransmission"
	// server 1 ""
}

func ExampleEnd() {
	for e := flow.EndFIN; e <= flow.EndCapture; e++ {
		var why flow.End = e
		fmt.Println(why)
	}
	// Output:
	// closed
	// reset
	// idle too long
	// no room for more
	// ports reused
	// capture ended
}

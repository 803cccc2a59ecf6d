package sniff_test

import (
	"context"
	"fmt"
	"log"

	"golang.org/x/net/bpf"

	"sonde/capture"
	"sonde/capture/sniff"
)

// longerThan is a Program by hand; package capture/filter compiles them from text.
type longerThan int

func (n longerThan) Match(_ []byte, wireLen int) bool { return wireLen > int(n) }

func (n longerThan) Raw() []bpf.RawInstruction {
	raw, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtLen},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: uint32(n), SkipFalse: 1},
		bpf.RetConstant{Val: capture.MaxSnapLen},
		bpf.RetConstant{},
	})
	if err != nil {
		log.Fatal(err)
	}
	return raw
}

// The language of filters is the caller's: this one knows numbers only.
func ExampleCompile() {
	var compile sniff.Compile = func(text string, _ capture.LinkType, _ int, _ bool) (sniff.Program, error) {
		var n longerThan
		_, err := fmt.Sscan(text, &n)
		return n, err
	}
	err := sniff.Run(context.Background(), sniff.Config{
		Read: "testdata/eth.pcap", Compile: compile, Filter: "300", Count: 1,
		Style: sniff.Style{Numeric: true, Time: sniff.TimeNone, Quiet: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: IP 10.99.0.2.80 > 10.99.0.1.42580: tcp 306
}

func ExampleTimeStyle() {
	arp := capture.Packet{Link: capture.LinkEthernet, Time: 1_700_000_000_123_456_789, Length: 42, Data: []byte{
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
	}}
	for _, style := range []sniff.TimeStyle{sniff.TimeNone, sniff.TimeUnix, sniff.TimeOffset} {
		line := sniff.NewPrinter(sniff.Style{Time: style, Quiet: true}, nil).AppendPacket(nil, &arp)
		fmt.Printf("%q\n", line[:20])
	}
	// Output:
	// "ARP, Request who-has"
	// "1700000000.123456 AR"
	// " 00:00:00.000000 ARP"
}

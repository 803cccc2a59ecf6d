package sniff_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"sonde/capture"
	"sonde/capture/sniff"
)

// The first packets of a file, as "sonde sniff -r FILE -nt -c 3" prints them.
func ExampleRun() {
	err := sniff.Run(context.Background(), sniff.Config{
		Read:  "testdata/eth.pcap",
		Count: 2,
		Style: sniff.Style{Numeric: true, Time: sniff.TimeNone},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// IP6 :: > ff02::1:ff00:1: ICMP6, neighbor solicitation, who has fe80::ff:fe00:1, length 32
	// IP6 :: > ff02::16: HBH ICMP6, multicast listener report v2, 1 group record(s), length 28
}

func ExamplePrinter() {
	w := sniff.NewPrinter(sniff.Style{Time: sniff.TimeNone, Link: true, Numeric: true}, nil)
	p := capture.Packet{Link: capture.LinkEthernet, Length: 42, Data: []byte{
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
	}}
	fmt.Printf("%s", w.AppendPacket(nil, &p))
	// Output:
	// 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28
}

func ExampleListDevices() {
	if err := sniff.ListDevices(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

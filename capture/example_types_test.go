package capture_test

import (
	"bytes"
	"fmt"
	"log"
	"net/netip"
	"os"
	"path/filepath"

	"sonde/capture"
)

// What a file says of itself, and of the packets in it.
func ExampleWriter() {
	var out bytes.Buffer
	var w *capture.Writer
	w, err := capture.NewWriter(&out, capture.WriterConfig{
		Section:    capture.Section{Program: "an example", Comment: "by hand"},
		Interfaces: []capture.Interface{{Name: "eth0", Link: capture.LinkRaw}},
	})
	if err != nil {
		log.Fatal(err)
	}
	w.WritePacket(&capture.Packet{
		Data: []byte{0x45}, Length: 20, Link: capture.LinkRaw,
		Direction: capture.In, Reception: capture.Unicast,
		Process: capture.Process{PID: 4711, Name: "curl"},
	})
	w.WriteStats(0, capture.Stats{Received: 3, Dropped: 2})
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.InterfaceCount(), w.Size() == int64(out.Len()))

	var r *capture.Reader
	if r, err = capture.NewReader(&out); err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	var p capture.Packet
	for r.Next(&p) == nil {
		var by capture.Process = p.Process
		fmt.Println(p.Length, p.Direction, p.Reception, by.Name, by.PID)
	}
	stats, _ := r.Stats()
	fmt.Println(r.Format() == capture.PCAPNG, stats.Captured, stats.Received, stats.Dropped)
	// Output:
	// 1 true
	// 20 in unicast curl 4711
	// true 1 3 2
}

func ExampleReception() {
	for r := capture.ReceptionUnknown; r <= capture.OtherHost; r++ {
		var how capture.Reception = r
		fmt.Println(how)
	}
	// Output:
	// unknown
	// unicast
	// multicast
	// broadcast
	// otherhost
}

// A Source is a capture or a file: what reads packets need not know which.
func ExampleSource() {
	count := func(s capture.Source) (n uint64) {
		defer s.Close()
		var p capture.Packet
		for s.Next(&p) == nil {
		}
		var stats capture.Stats
		stats, _ = s.Stats()
		return stats.Captured
	}

	dir, err := os.MkdirTemp("", "sonde")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var f *capture.File
	f, err = capture.Create(filepath.Join(dir, "two.pcapng"), capture.FileConfig{
		WriterConfig: capture.WriterConfig{Interfaces: []capture.Interface{{Link: capture.LinkRaw}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		f.WritePacket(&capture.Packet{Data: []byte{0x45}, Length: 1, Link: capture.LinkRaw})
	}
	f.Close()
	r, err := capture.OpenFile(f.Name())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(count(r))
	// Output: 2
}

func ExampleDevice() {
	d := capture.Device{
		Index: 2, Name: "eth0", State: "up", Link: capture.LinkEthernet,
		Flags: capture.FlagUp | capture.FlagBroadcast | capture.FlagMulticast,
		Addrs: []capture.DeviceAddr{{Prefix: netip.MustParsePrefix("10.0.0.5/24"), Broadcast: netip.MustParseAddr("10.0.0.255")}},
		RX:    capture.Counters{Packets: 10, Bytes: 840},
	}
	fmt.Println(d.Name, d.Flags, d.Addrs[0].Prefix, d.RX.Packets)
	// Output: eth0 UP,BROADCAST,MULTICAST 10.0.0.5/24 10
}

func ExampleDeviceFlags() {
	f := capture.DeviceFlags(capture.FlagUp | capture.FlagLoopback)
	fmt.Println(f, f&capture.FlagPromiscuous != 0)
	// Output: UP,LOOPBACK false
}

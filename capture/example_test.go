package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"sonde/capture"
)

// Sixty packets of what this host does, with as little as that takes.
func ExampleOpen() {
	live, err := capture.Open(capture.Config{Interface: capture.Any})
	if err != nil {
		log.Fatal(err) // without CAP_NET_RAW it says so
	}
	defer live.Close()
	var p capture.Packet
	for range 60 {
		if err := live.Next(&p); err != nil {
			log.Fatal(err)
		}
		fmt.Println(p.Timestamp(), p.Direction, p.Length)
	}
	fmt.Println(live.Stats())
}

// A capture ends gently by Stop, from any goroutine: what had arrived by then is
// still handed out.
func ExampleLive_Stop() {
	live, err := capture.Open(capture.Config{Interface: "lo"})
	if err != nil {
		log.Fatal(err)
	}
	defer live.Close()
	time.AfterFunc(time.Second, live.Stop)
	var p capture.Packet
	for err = live.Next(&p); err == nil; err = live.Next(&p) {
		fmt.Println(p.Length)
	}
	if !errors.Is(err, io.EOF) {
		log.Fatal(err)
	}
}

// Four goroutines, one flow always in the same one.
func ExampleOpenFanout() {
	group, err := capture.OpenFanout(capture.Config{Interface: "eth0"}, 4, capture.FanoutHash)
	if err != nil {
		log.Fatal(err)
	}
	for _, live := range group {
		go func() {
			defer live.Close()
			var p capture.Packet
			for live.Next(&p) == nil {
				// look at p
			}
		}()
	}
}

func ExampleNewWriter() {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.WriterConfig{
		Interfaces: []capture.Interface{{Name: "eth0", Link: capture.LinkEthernet}},
	})
	if err != nil {
		log.Fatal(err)
	}
	frame := []byte("a frame of Ethernet")
	p := capture.Packet{Data: frame, Length: len(frame), Time: 1_700_000_000_123_456_789, Direction: capture.Out, Comment: "made by hand"}
	if err := errors.Join(w.WritePacket(&p), w.Flush()); err != nil {
		log.Fatal(err)
	}

	r, err := capture.NewReader(&file)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for err = r.Next(&p); err == nil; err = r.Next(&p) {
		fmt.Println(p.Timestamp().Format(time.RFC3339Nano), r.Interfaces()[p.Interface].Name, p.Direction, len(p.Data), p.Comment)
	}
	fmt.Println(err)
	// Output:
	// 2023-11-14T22:13:20.123456789Z eth0 out 19 made by hand
	// EOF
}

// A new file for every packet, three at most.
func ExampleCreate() {
	dir, err := os.MkdirTemp("", "sonde")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "web.pcap")
	f, err := capture.Create(name, capture.FileConfig{
		WriterConfig: capture.WriterConfig{
			Format:     capture.FormatOf(name),
			Interfaces: []capture.Interface{{Link: capture.LinkRaw}},
		},
		MaxPackets: 1,
		Keep:       3,
	})
	if err != nil {
		log.Fatal(err)
	}
	for i := range 5 {
		if err := f.WritePacket(&capture.Packet{Data: []byte{0x45, byte(i)}, Length: 2, Link: capture.LinkRaw}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(filepath.Base(f.Name()), f.Close())

	names, _ := filepath.Glob(name + "*")
	for _, name := range names {
		r, err := capture.OpenFile(name)
		if err != nil {
			log.Fatal(err)
		}
		var p capture.Packet
		err = r.Next(&p)
		fmt.Println(filepath.Base(name), p.Data, err)
		r.Close()
	}
	// Output:
	// web.pcap1 <nil>
	// web.pcap0 [69 3] <nil>
	// web.pcap1 [69 4] <nil>
	// web.pcap2 [69 2] <nil>
}

// Clone makes a packet that outlives the next one.
func ExamplePacket_Clone() {
	borrowed := []byte("first")
	p := capture.Packet{Data: borrowed}
	kept := p.Clone()
	copy(borrowed, "other")
	fmt.Printf("%s %s\n", p.Data, kept.Data)
	// Output: other first
}

func ExampleLinkType() {
	fmt.Println(capture.LinkEthernet, capture.LinkLinuxSLL2.Description(), capture.LinkType(4711))
	// Output: EN10MB Linux cooked v2 LINKTYPE_4711
}

func ExampleVLAN() {
	v := capture.VLAN{TPID: 0x8100, TCI: 0x6007}
	fmt.Println(v.Present(), v.ID())
	// Output: true 7
}

func ExampleLinkTypeError() {
	file := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 6, 0, 0, 0}
	_, err := capture.NewReader(bytes.NewReader(file))
	var odd *capture.LinkTypeError
	fmt.Println(errors.As(err, &odd), err)
	// Output: true capture: link type 6 (Token Ring) is not supported
}

func ExampleDevices() {
	devices, err := capture.Devices()
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range devices {
		fmt.Println(d.Index, d.Name, d.State, d.Flags, d.MTU, d.Link, d.RX.Packets, d.TX.Packets)
		for _, a := range d.Addrs {
			fmt.Println("   ", a.Prefix)
		}
	}
}

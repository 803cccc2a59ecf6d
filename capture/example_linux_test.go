package capture_test

import (
	"errors"
	"fmt"
	"io"
	"log"

	"sonde/capture"
)

// loopback is the interface that every host has.
func loopback() capture.Device {
	devices, err := capture.Devices()
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range devices {
		if d.Flags&capture.FlagLoopback != 0 {
			return d
		}
	}
	log.Fatal("this host has no loopback interface")
	return capture.Device{}
}

// Device tells beforehand whether Open will be permitted. A capture that was
// stopped hands out what had arrived, and ends.
func ExampleLive() {
	lo := loopback()
	var live *capture.Live
	live, err := capture.Open(capture.Config{Interface: lo.Name, Promiscuous: capture.PromiscuousOff})
	fmt.Println((err == nil) == lo.Permitted)
	if err == nil {
		live.Stop()
		var p capture.Packet
		for err = live.Next(&p); err == nil; err = live.Next(&p) {
		}
		if !errors.Is(err, io.EOF) {
			fmt.Println(err)
		}
		live.Close()
	}
	// Output: true
}

// Frames for other hosts are asked for in a way that undoes itself.
func ExamplePromiscuity() {
	lo := loopback()
	var how capture.Promiscuity = capture.PromiscuousMember
	live, err := capture.Open(capture.Config{Interface: lo.Name, Promiscuous: how})
	fmt.Println((err == nil) == lo.Permitted, loopback().Flags&capture.FlagPromiscuous != 0)
	if err == nil {
		live.Close()
	}
	// Output: true false
}

// Two sources share the packets of an interface: one flow, one source.
func ExampleFanoutMode() {
	lo := loopback()
	var mode capture.FanoutMode = capture.FanoutHash
	group, err := capture.OpenFanout(capture.Config{Interface: lo.Name, RingSize: 1 << 20}, 2, mode)
	fmt.Println((err == nil) == lo.Permitted, len(group) == 2 || !lo.Permitted)
	for _, live := range group {
		live.Close()
	}
	// Output: true true
}

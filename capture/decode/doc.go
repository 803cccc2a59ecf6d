// Package decode reads the headers of one frame: link layer, ARP, IPv4, IPv6,
// and TCP, UDP, ICMP, IGMP or GRE above them.
//
// A [Packet] is made once and used for every frame. Its Decode method fills the
// layers that it finds and says in Has which ones those are; a layer that is not
// in Has holds what an earlier frame left there. Up to TCP nothing is allocated
// and nothing is copied but header fields:
//
//	var p decode.Packet
//	p.Decode(capture.LinkEthernet, frame)
//	if p.Has.All(decode.LayerIPv4 | decode.LayerTCP) {
//		fmt.Println(p.Source(), p.TCP.Seq, len(p.Payload))
//	}
//
// Any bytes are fine: what cannot be read ends the decoding, and Fault says why.
// What stands above UDP and TCP is the business of the packages beside and
// below this one: dns, quic and tlsrec parse messages, package flow puts TCP
// streams and IP fragments together, package httpview reads HTTP in them.
package decode

// Contract of this package: bytes in, values out. No I/O, no clock, no state
// from one frame to the next, no allocation before a method that returns text.
// From package capture it takes the numbers of the link types and no more.

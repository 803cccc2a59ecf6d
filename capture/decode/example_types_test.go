package decode_test

import (
	"encoding/hex"
	"fmt"
	"log"
	"net/netip"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/internal/build"
)

// unhex is a frame from its digits.
func unhex(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		log.Fatal(err)
	}
	return b
}

func ExampleARP() {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, build.Ethernet(0x0806,
		unhex("0001080006040002"+"020000000001"+"0a000001"+"020000000002"+"0a000002")))
	var op decode.ARPOp = p.ARP.Op
	fmt.Println(op, netip.AddrFrom4(p.ARP.SenderIP), "is at", p.ARP.SenderMAC, op == decode.ARPReply)
	// Output: Reply 10.0.0.1 is at 02:00:00:00:00:01 true
}

func ExampleMAC() {
	everyone := decode.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	group := decode.MAC{0x01, 0x00, 0x5e, 0, 0, 1}
	fmt.Println(everyone.Broadcast(), group.Broadcast(), group.Multicast(), group)
	// Output: true false true 01:00:5e:00:00:01
}

// A packet that this host sends may have its checksum filled in by the card: that
// is neither good nor bad.
func ExampleSum() {
	udp := build.UDP("10.0.0.1", "10.0.0.2", 1000, 2000, []byte("x"))
	udp[6], udp[7] = 0, 0 // none, which IPv4 allows
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 17}.Packet(udp))
	var sum decode.Sum = p.VerifyTransport()
	fmt.Println(sum, sum == decode.SumAbsent)
	// Output: absent true
}

func ExampleVLAN() {
	tag := decode.VLAN{TPID: decode.EtherTypeVLAN, TCI: 0xb007}
	fmt.Println(tag.ID(), tag.Priority(), tag.DropEligible())
	// Output: 7 5 true
}

// A frame of 802.3, whose third field is a length.
func ExampleLLC() {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, build.Ethernet(38, append(unhex("424203"), make([]byte, 35)...)))
	var llc decode.LLC = p.LLC
	fmt.Println(p.Has, llc.Name())
	// Output: Ethernet/LLC STP
}

func ExampleGRE() {
	inside := build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 17}.Packet(build.UDP("10.0.0.1", "10.0.0.2", 1, 53, nil))
	outside := build.IP4{Src: "192.0.2.1", Dst: "192.0.2.2", Proto: 47}.Packet(append(unhex("2000080000000007"), inside...))
	var p, q decode.Packet
	p.Decode(capture.LinkRaw, outside)
	var gre decode.GRE = p.GRE
	fmt.Println(gre.Version(), gre.Key, gre.Protocol, p.Inner(&q), q.Destination())
	// Output: 0 7 IPv4 true 10.0.0.2:53
}

// An error of ICMP quotes the packet that was lost.
func ExampleICMP() {
	lost := build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 17}.Packet(build.UDP("10.0.0.1", "10.0.0.2", 4000, 53, nil))
	var p, q decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: "10.0.0.254", Dst: "10.0.0.1", Proto: 1}.Packet(build.ICMP(3, 4, 1400, lost)))
	var kind decode.ICMPType = p.ICMP.Type
	fmt.Println(kind == decode.ICMPUnreachable, p.ICMP.Code, p.ICMP.MTU(), p.Quoted(&q), q.Source())
	// Output: true 4 1400 true 10.0.0.1:4000
}

func ExampleIGMP() {
	report := unhex("2200" + "0000" + "0000" + "0001" + "04000000" + "e00000fb")
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: "10.0.0.1", Dst: "224.0.0.22", Proto: 2}.Packet(report))
	var kind decode.IGMPType = p.IGMP.Type
	fmt.Println(kind == decode.IGMPv3Report, p.IGMP.Version, p.IGMP.Records)
	p.Records(func(r decode.IGMPRecord) bool {
		fmt.Println(r.Type, netip.AddrFrom4(r.Group), len(r.Sources))
		return true
	})
	// Output:
	// true 3 1
	// 4 224.0.0.251 0
}

func ExampleIPProto() {
	fmt.Println(decode.ProtoTCP, decode.ProtoSCTP, decode.IPProto(200))
	// Output: TCP SCTP ip-proto-200
}

func ExampleFragment() {
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 17, ID: 9, Frag: 0x2000 | 185}.Packet(make([]byte, 8)))
	var f decode.Fragment = p.Fragment
	fmt.Println(f.ID, f.Offset, f.More, f.Proto, f.Length)
	// Output: 9 1480 true UDP 8
}

func ExampleIPv4() {
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 59, Options: []byte{148, 4, 0, 0}}.Packet(nil))
	var h decode.IPv4 = p.IPv4
	fmt.Println(h.HeaderLen, h.TTL, h.DontFragment())
	h.All(func(o decode.IPOption) bool {
		fmt.Println(o, o.Kind, o.Data)
		return true
	})
	// Output:
	// 24 64 false
	// RA 148 [0 0]
}

func ExampleIPv6() {
	hop := unhex("3a00" + "05020000" + "0100") // a router alert, in front of ICMPv6
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP6("fe80::1", "ff02::16", 0, append(hop, build.ICMP(143, 0, 0, nil)...)))
	var h decode.IPv6 = p.IPv6
	fmt.Println(h.Next, h.HopLimit, p.Proto)
	for _, e := range h.Extensions() {
		var x decode.Extension = e
		fmt.Println(x.Kind, len(x.Body))
	}
	// Output:
	// HOPOPT 64 ICMPv6
	// HOPOPT 7
}

func ExampleLayers() {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, build.TCP{Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 1, DstPort: 2}.Frame(nil))
	var has decode.Layers = p.Has
	fmt.Println(has, has.All(decode.LayerIPv4|decode.LayerTCP), has.Any(decode.LayerVLAN|decode.LayerUDP))
	// Output: Ethernet/IPv4/TCP true false
}

func ExampleFault() {
	frame := build.TCP{Src: "10.0.0.1", Dst: "10.0.0.2", SrcPort: 1, DstPort: 2}.Frame(nil)
	var p decode.Packet
	var why decode.Fault = p.Decode(capture.LinkEthernet, frame[:40])
	fmt.Println(why, "at", p.FaultAt, why == decode.FaultTruncated)
	// Output: truncated at TCP true
}

func ExampleSLL() {
	var p decode.Packet
	p.Decode(capture.LinkLinuxSLL2, append(unhex("0800"+"0000"+"00000002"+"0001"+"04"+"06"+"0200000000010000"),
		build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 59}.Packet(nil)...))
	var sll decode.SLL = p.SLL
	mac, ok := sll.MAC()
	fmt.Println(sll.Version, sll.Interface, sll.Type, mac, ok)
	// Output: 2 2 4 02:00:00:00:00:01 true
}

func ExampleTCPFlags() {
	fmt.Println(decode.SYN, decode.SYN|decode.ACK, decode.PSH|decode.ACK, decode.TCPFlags(0))
	// Output: S S. P. none
}

func ExampleTCPOption() {
	h := decode.TCP{Options: []byte{2, 4, 5, 180, 1, 1, 5, 10, 0, 0, 0, 10, 0, 0, 0, 20}}
	h.All(func(o decode.TCPOption) bool {
		fmt.Println(o, o.Kind, o.Data)
		return true
	})
	var options decode.TCPOptions
	h.ParseOptions(&options)
	for _, b := range options.SACK() {
		var block decode.SACKBlock = b
		fmt.Println(block.Left, block.Right)
	}
	// Output:
	// mss 2 [5 180]
	// nop 1 []
	// nop 1 []
	// sack 5 [0 0 0 10 0 0 0 20]
	// 10 20
}

func ExampleUDP() {
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: "10.0.0.1", Dst: "10.0.0.2", Proto: 17}.Packet(
		build.UDP("10.0.0.1", "10.0.0.2", 5000, 53, []byte("question"))))
	var h decode.UDP = p.UDP
	fmt.Println(h.SrcPort, h.DstPort, h.Length, string(p.Payload))
	// Output: 5000 53 16 question
}

package decode_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/internal/build"
)

const (
	a4, b4 = "10.0.0.1", "10.0.0.2"
	a6, b6 = "fd00::1", "fd00::2"
)

func tcpOver6(payload string) []byte {
	return build.TCP{Src: a6, Dst: b6, SrcPort: 1, DstPort: 2, Flags: 0x10}.Segment([]byte(payload))
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestDecode(t *testing.T) {
	udp := build.UDP(a4, b4, 1234, 53, []byte("hello"))
	udp4 := build.IP4{Src: a4, Dst: b4, Proto: 17}.Packet(udp)
	tests := []struct {
		name    string
		link    capture.LinkType
		frame   []byte
		has     string
		fault   decode.Fault
		payload string
		length  int
		ports   [2]uint16
	}{
		{"tcp", capture.LinkEthernet, build.TCP{Src: a4, Dst: b4, SrcPort: 5, DstPort: 6}.Frame([]byte("x")),
			"Ethernet/IPv4/TCP", 0, "x", 1, [2]uint16{5, 6}},
		{"padding is no payload", capture.LinkEthernet,
			append(build.TCP{Src: a4, Dst: b4, SrcPort: 5, DstPort: 6}.Frame(nil), 0, 0, 0, 0, 0, 0),
			"Ethernet/IPv4/TCP", 0, "", 0, [2]uint16{5, 6}},
		{"cut by the snap length", capture.LinkEthernet,
			build.TCP{Src: a4, Dst: b4, SrcPort: 5, DstPort: 6}.Frame([]byte("0123456789"))[:58],
			"Ethernet/IPv4/TCP", 0, "0123", 10, [2]uint16{5, 6}},
		{"cut in the TCP header", capture.LinkEthernet,
			build.TCP{Src: a4, Dst: b4}.Frame(nil)[:50], "Ethernet/IPv4", decode.FaultTruncated, "", 20, [2]uint16{}},
		{"udp", capture.LinkRaw, udp4, "IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"options", capture.LinkRaw, build.IP4{Src: a4, Dst: b4, Proto: 17, Options: []byte{148, 4, 0, 0}}.Packet(udp),
			"IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"vlan", capture.LinkEthernet, build.Ethernet(0x8100, cat([]byte{0xa0, 5, 8, 0}, udp4)),
			"Ethernet/VLAN/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"qinq", capture.LinkEthernet, build.Ethernet(0x88a8, cat([]byte{0, 9, 0x81, 0, 0, 5, 8, 0}, udp4)),
			"Ethernet/VLAN/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"five tags", capture.LinkEthernet, build.Ethernet(0x8100, bytes.Repeat([]byte{0, 1, 0x81, 0}, 5)),
			"Ethernet/VLAN", decode.FaultTooMany, "\x00\x01\x81\x00", 4, [2]uint16{}},
		{"sll", capture.LinkLinuxSLL, cat([]byte{0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0}, udp4),
			"SLL/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"sll2", capture.LinkLinuxSLL2, cat([]byte{8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0}, udp4),
			"SLL/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"null, little endian", capture.LinkNull, cat([]byte{2, 0, 0, 0}, udp4), "loopback/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"null, big endian", capture.LinkNull, cat([]byte{0, 0, 0, 2}, udp4), "loopback/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"loop", capture.LinkLoop, cat([]byte{0, 0, 0, 24}, build.IP6(a6, b6, 6, tcpOver6("v6"))),
			"loopback/IPv6/TCP", 0, "v6", 2, [2]uint16{1, 2}},
		{"802.3 with SNAP", capture.LinkEthernet,
			build.Ethernet(uint16(8+len(udp4)), cat([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, udp4)),
			"Ethernet/LLC/IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"spanning tree", capture.LinkEthernet, build.Ethernet(5, []byte{0x42, 0x42, 3, 1, 2, 0, 0}),
			"Ethernet/LLC", 0, "\x01\x02", 2, [2]uint16{}},
		{"later fragment", capture.LinkRaw, build.IP4{Src: a4, Dst: b4, Proto: 6, ID: 9, Frag: 185}.Packet([]byte("rest")),
			"IPv4/fragment", 0, "rest", 4, [2]uint16{}},
		{"first fragment", capture.LinkRaw, build.IP4{Src: a4, Dst: b4, Proto: 17, ID: 9, Frag: 0x2000}.Packet(udp),
			"IPv4/fragment/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"v6 extensions", capture.LinkRaw,
			build.IP6(a6, b6, 0, cat([]byte{60, 0, 1, 4, 0, 0, 0, 0}, []byte{6, 0, 1, 4, 0, 0, 0, 0}, tcpOver6("v6"))),
			"IPv6/extensions/TCP", 0, "v6", 2, [2]uint16{1, 2}},
		{"v6 fragment", capture.LinkRaw, build.IP6(a6, b6, 44, []byte{6, 0, 0, 9, 0, 0, 0, 7, 'z', 'z'}),
			"IPv6/extensions/fragment", 0, "zz", 2, [2]uint16{}},
		{"v6 atomic fragment", capture.LinkRaw, build.IP6(a6, b6, 44, cat([]byte{6, 0, 0, 0, 0, 0, 0, 7}, tcpOver6("v6"))),
			"IPv6/extensions/TCP", 0, "v6", 2, [2]uint16{1, 2}},
		{"nine extension headers", capture.LinkRaw,
			build.IP6(a6, b6, 60, bytes.Repeat([]byte{60, 0, 1, 4, 0, 0, 0, 0}, 9)),
			"IPv6/extensions", decode.FaultTooMany, "<\x00\x01\x04\x00\x00\x00\x00", 8, [2]uint16{}},
		{"SCTP by name", capture.LinkRaw, build.IP4{Src: a4, Dst: b4, Proto: 132}.Packet([]byte("sctp")),
			"IPv4", 0, "sctp", 4, [2]uint16{}},
		{"radiotap by name", capture.LinkRadiotap, []byte{0, 0, 8, 0}, "", decode.FaultUnsupported, "\x00\x00\x08\x00", 4, [2]uint16{}},
		{"version 5", capture.LinkRaw, []byte{0x55}, "", decode.FaultVersion, "U", 1, [2]uint16{}},
		{"total length below the header's", capture.LinkRaw,
			cat([]byte{0x45, 0, 0, 19}, make([]byte, 16)), "", decode.FaultLength, "", 20, [2]uint16{}},
		{"segment still to be cut", capture.LinkRaw, cat([]byte{0x45, 0, 0, 0}, udp4[4:]), "IPv4/UDP", 0, "hello", 5, [2]uint16{1234, 53}},
		{"icmp", capture.LinkRaw, build.IP4{Src: a4, Dst: b4, Proto: 1}.Packet(build.ICMP(8, 0, 0x00010002, []byte("ping"))),
			"IPv4/ICMP", 0, "ping", 4, [2]uint16{}},
	}
	var p decode.Packet // one for all: nothing may be left over from a frame before
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.Decode(tt.link, tt.frame)
			if p.Has.String() != tt.has || p.Fault != tt.fault {
				t.Fatalf("has %v, fault %q; want %s, %q", p.Has, p.Fault, tt.has, tt.fault)
			}
			if tt.fault == 0 && string(p.Payload) != tt.payload || p.Length != tt.length {
				t.Errorf("payload %q of %d bytes; want %q of %d", p.Payload, p.Length, tt.payload, tt.length)
			}
			if s, d := p.Ports(); s != tt.ports[0] || d != tt.ports[1] {
				t.Errorf("ports %d, %d; want %v", s, d, tt.ports)
			}
		})
	}
}

func TestTags(t *testing.T) {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, build.Ethernet(0x88a8, []byte{0, 9, 0x81, 0, 0xb0, 5, 0x88, 0xcc}))
	tags := p.VLANs.Tags()
	if len(tags) != 2 || tags[0].ID() != 9 || tags[1].ID() != 5 || tags[1].Priority() != 5 || !tags[1].DropEligible() {
		t.Errorf("tags are %v", tags)
	}
	if p.EtherType != decode.EtherTypeLLDP || p.EtherType.String() != "LLDP" {
		t.Errorf("EtherType is %v", p.EtherType)
	}
}

func TestARP(t *testing.T) {
	var p decode.Packet
	p.Decode(capture.LinkEthernet, build.Ethernet(0x0806, []byte{
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
	a := p.ARP
	if p.Has&decode.LayerARP == 0 || a.Op != decode.ARPRequest || !a.Resolved ||
		a.SenderMAC.String() != "02:00:00:00:00:01" || a.TargetIP != [4]byte{10, 0, 0, 2} {
		t.Errorf("%v: %+v", p.Has, a)
	}
}

func TestQuotedAndInner(t *testing.T) {
	lost := build.IP4{Src: a4, Dst: b4, Proto: 6}.Packet(build.TCP{
		Src: a4, Dst: b4, SrcPort: 40000, DstPort: 80, Seq: 7}.Segment(nil))
	var p, q decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: b4, Dst: a4, Proto: 1}.Packet(build.ICMP(3, 1, 0, lost[:28])))
	if !p.Quoted(&q) || q.Destination().Addr().String() != b4 || q.TCP.DstPort != 80 || q.Fault != decode.FaultTruncated {
		t.Errorf("quoted: %v %q, port %d", q.Has, q.Fault, q.TCP.DstPort)
	}
	key := []byte{0x20, 0, 8, 0, 0, 0, 0, 42}
	p.Decode(capture.LinkRaw, build.IP4{Src: b4, Dst: a4, Proto: 47}.Packet(cat(key, lost)))
	if p.GRE.Key != 42 || p.GRE.HeaderLen != 8 || !p.Inner(&q) || q.TCP.SrcPort != 40000 {
		t.Errorf("behind GRE %+v: %v", p.GRE, q.Has)
	}
	if q.VerifyTransport() != decode.SumGood || q.VerifyIPv4() != decode.SumGood {
		t.Error("checksums of the inner packet")
	}
	p.Decode(capture.LinkRaw, build.IP4{Src: b4, Dst: a4, Proto: 4}.Packet(lost))
	if !p.Inner(&q) || q.TCP.SrcPort != 40000 {
		t.Errorf("IP in IP: %v", q.Has)
	}
	if q.Inner(&p) {
		t.Error("TCP has no inner packet")
	}
}

func TestIGMP(t *testing.T) {
	report := []byte{0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 224, 0, 0, 251, 3, 0, 0, 1, 239, 1, 1, 1, 10, 0, 0, 9}
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: a4, Dst: "224.0.0.22", Proto: 2, Options: []byte{148, 4, 0, 0}}.Packet(report))
	var groups []byte
	p.Records(func(r decode.IGMPRecord) bool {
		groups = append(groups, r.Group[3], byte(len(r.Sources)))
		return true
	})
	if p.IGMP.Version != 3 || !bytes.Equal(groups, []byte{251, 0, 1, 4}) {
		t.Errorf("%+v, groups %v", p.IGMP, groups)
	}
	p.Decode(capture.LinkRaw, build.IP4{Src: a4, Dst: "224.0.0.1", Proto: 2}.Packet([]byte{0x11, 100, 0, 0, 0, 0, 0, 0}))
	if p.IGMP.Version != 2 {
		t.Errorf("query: %+v", p.IGMP)
	}
}

func TestTCPOptions(t *testing.T) {
	frame := build.TCP{Src: a4, Dst: b4, Flags: 2, Options: []byte{
		2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 34, 4, 0xab, 0xcd,
		5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 1, 0}}.Frame(nil)
	var p decode.Packet
	p.Decode(capture.LinkEthernet, frame)
	var o decode.TCPOptions
	if !p.TCP.ParseOptions(&o) || o.MSS != 1460 || !o.SACKPermitted || o.TSValue != 1 || o.TSEcho != 2 ||
		o.WindowScale != 7 || string(o.FastOpen) != "\xab\xcd" || len(o.SACK()) != 1 || o.SACK()[0].Right != 9 {
		t.Errorf("%+v", o)
	}
	var names []string
	if !p.TCP.All(func(o decode.TCPOption) bool { names = append(names, o.String()); return true }) || len(names) != 9 {
		t.Errorf("options: %v", names)
	}
	p.TCP.Options = []byte{1, 2, 200, 0}
	if p.TCP.ParseOptions(&o) {
		t.Error("an option longer than the header passed")
	}
}

func TestChecksums(t *testing.T) {
	good := build.TCP{Src: a4, Dst: b4, SrcPort: 1, DstPort: 2}.Frame([]byte("odd"))
	var p decode.Packet
	verdict := func(frame []byte) decode.Sum {
		p.Decode(capture.LinkEthernet, frame)
		return p.VerifyTransport()
	}
	if s := verdict(good); s != decode.SumGood || p.VerifyIPv4() != decode.SumGood {
		t.Errorf("good segment: %v, %v", s, p.VerifyIPv4())
	}
	if s := verdict(append(bytes.Clone(good), 1, 2, 3)); s != decode.SumGood {
		t.Errorf("with padding: %v", s)
	}
	bad := bytes.Clone(good)
	bad[len(bad)-1]++
	if s := verdict(bad); s != decode.SumBad {
		t.Errorf("bad segment: %v", s)
	}
	bad[20]++
	p.Decode(capture.LinkEthernet, bad)
	if s := p.VerifyIPv4(); s != decode.SumBad {
		t.Errorf("bad header: %v", s)
	}
	if s := verdict(good[:len(good)-1]); s != decode.SumUnknown {
		t.Errorf("cut segment: %v", s)
	}
	partial := bytes.Clone(good)
	pseudo := cat(partial[26:34], []byte{0, 6, 0, 23})
	binary.BigEndian.PutUint16(partial[50:], build.Sum(pseudo))
	if s := verdict(partial); s != decode.SumPartial {
		t.Errorf("left to the card: %v", s)
	}
	via := netip.MustParseAddr(b6).As16()
	for _, kind := range []byte{0, 4} {
		routed := cat([]byte{6, 2, kind, 1, 0, 0, 0, 0}, via[:], tcpOver6("routed"))
		if s := verdict(build.Ethernet(0x86dd, build.IP6(a6, "fd00::99", 43, routed))); s != decode.SumGood {
			t.Errorf("routed by type %d: %v", kind, s)
		}
	}
	udp := build.UDP(a4, b4, 1, 2, []byte("x"))
	udp[6], udp[7] = 0, 0
	if s := verdict(build.Ethernet(0x0800, build.IP4{Src: a4, Dst: b4, Proto: 17}.Packet(udp))); s != decode.SumAbsent {
		t.Errorf("UDP without: %v", s)
	}
	if s := verdict(build.Ethernet(0x86dd, build.IP6(a6, b6, 6, tcpOver6("sixsix")))); s != decode.SumGood {
		t.Errorf("v6: %v", s)
	}
}

func TestReassembled(t *testing.T) {
	udp := build.UDP(a4, b4, 1234, 53, []byte("hello world"))
	var p decode.Packet
	p.Decode(capture.LinkRaw, build.IP4{Src: a4, Dst: b4, Proto: 17, ID: 1, Frag: 0x2000}.Packet(udp[:16]))
	if p.DecodeReassembled(p.Fragment.Proto, udp) != decode.FaultNone ||
		p.Has.String() != "IPv4/UDP" || string(p.Payload) != "hello world" || p.VerifyTransport() != decode.SumGood {
		t.Errorf("%v %q %v", p.Has, p.Payload, p.VerifyTransport())
	}
	if p.VerifyIPv4() != decode.SumUnknown {
		t.Error("the header of one fragment says nothing of the whole")
	}
}

func TestNoAllocation(t *testing.T) {
	frames := [][]byte{dataFrame(),
		build.Ethernet(0x86dd, build.IP6(a6, b6, 0, cat([]byte{6, 0, 1, 4, 0, 0, 0, 0}, tcpOver6("v6")))),
		build.Ethernet(0x8100, cat([]byte{0, 1, 8, 0}, build.IP4{Src: a4, Dst: b4, Proto: 17}.Packet(build.UDP(a4, b4, 1, 2, nil))))}
	var p decode.Packet
	var o decode.TCPOptions
	n := testing.AllocsPerRun(100, func() {
		for _, f := range frames {
			p.Decode(capture.LinkEthernet, f)
			_, _ = p.Source(), p.Destination()
			p.TCP.ParseOptions(&o)
			p.VerifyTransport()
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

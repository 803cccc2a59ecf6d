package filter

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// The packets that all filters are compared on: one of each kind that a
// production of the grammar speaks of, made from fixed bytes; each cut short
// at the places where headers end; and damaged copies.

// packet is one packet of the corpus.
type packet struct {
	name    string
	data    []byte
	wireLen int
	aux     *Aux
}

// hexBytes joins hex strings, byte slices and strings of other pieces.
func hexBytes(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			raw, err := hex.DecodeString(strings.ReplaceAll(p, " ", ""))
			if err != nil {
				panic(err)
			}
			out = append(out, raw...)
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}

const (
	macs  = "0a0b0c0d0e0f 010203040506"
	bcast = "ffffffffffff 010203040506"
	mcast = "01005e000001 010203040506"
)

// ip4 is an IPv4 header with options, from 10.0.0.1 to 192.168.1.2, and its
// payload.
func ip4(proto byte, frag string, options string, payload []byte) []byte {
	return ip4Addr(proto, frag, options, "0a000001", "c0a80102", payload)
}

func ip4Addr(proto byte, frag, options, src, dst string, payload []byte) []byte {
	opts := hexBytes(options)
	total := 20 + len(opts) + len(payload)
	return hexBytes([]byte{0x45 + byte(len(opts)/4), 0, byte(total >> 8), byte(total)}, "1234", frag,
		[]byte{64, proto}, "0000", src, dst, opts, payload)
}

const (
	src6 = "20010db8000000000000000000000001"
	dst6 = "20010db8000000000000000000000002"
	all6 = "ff020000000000000000000000000001"
)

func ip6(next byte, dst string, payload []byte) []byte {
	return hexBytes("60000000", []byte{byte(len(payload) >> 8), byte(len(payload)), next, 64}, src6, dst, payload)
}

func ports(src, dst int) []byte {
	return []byte{byte(src >> 8), byte(src), byte(dst >> 8), byte(dst)}
}

func tcp(src, dst int, flags byte) []byte {
	return hexBytes(ports(src, dst), "00000001 00000002", []byte{0x50, flags}, "ffff 0000 0000", "474554202f")
}

func udp(src, dst int, payload []byte) []byte {
	return hexBytes(ports(src, dst), []byte{0, byte(8 + len(payload))}, "0000", payload)
}

func sctp(src, dst int) []byte { return hexBytes(ports(src, dst), "00000007 00000000 03000004") }

// netPackets are packets of the network layer: an Ethernet type, and bytes.
type netPacket struct {
	name string
	typ  string
	data []byte
}

func netPackets() []netPacket {
	var out []netPacket
	four := func(name string, data []byte) { out = append(out, netPacket{name, "0800", data}) }
	six := func(name string, data []byte) { out = append(out, netPacket{name, "86dd", data}) }
	for _, p := range [][2]int{{40000, 80}, {80, 40000}, {80, 443}, {443, 443}, {85, 90}, {22, 1023}, {53, 53}} {
		for _, flags := range []byte{0x02, 0x10, 0x12, 0x18, 0x04, 0x01} {
			four(fmt.Sprintf("tcp %d %d %x", p[0], p[1], flags), ip4(6, "0000", "", tcp(p[0], p[1], flags)))
		}
		four(fmt.Sprintf("udp %d %d", p[0], p[1]), ip4(17, "4000", "", udp(p[0], p[1], hexBytes("616263"))))
		four(fmt.Sprintf("sctp %d %d", p[0], p[1]), ip4(132, "0000", "", sctp(p[0], p[1])))
		four(fmt.Sprintf("tcp+opt %d %d", p[0], p[1]), ip4(6, "0000", "0101010101010100", tcp(p[0], p[1], 2)))
		four(fmt.Sprintf("frag0 %d %d", p[0], p[1]), ip4(17, "2000", "", udp(p[0], p[1], nil)))
		four(fmt.Sprintf("frag9 %d %d", p[0], p[1]), ip4(6, "2009", "", tcp(p[0], p[1], 2)))
		six(fmt.Sprintf("tcp6 %d %d", p[0], p[1]), ip6(6, dst6, tcp(p[0], p[1], 0x12)))
		six(fmt.Sprintf("udp6 %d %d", p[0], p[1]), ip6(17, dst6, udp(p[0], p[1], nil)))
		six(fmt.Sprintf("sctp6 %d %d", p[0], p[1]), ip6(132, dst6, sctp(p[0], p[1])))
		six(fmt.Sprintf("frag6 %d %d", p[0], p[1]), ip6(44, dst6, hexBytes("06000000 00000001", tcp(p[0], p[1], 2))))
		six(fmt.Sprintf("hop6 %d %d", p[0], p[1]), ip6(0, dst6, hexBytes("06000000 00000000", tcp(p[0], p[1], 2))))
		six(fmt.Sprintf("dst+ah6 %d %d", p[0], p[1]),
			ip6(60, dst6, hexBytes("33000000 00000000", "11040000 00000001 00000001 000000000000000000000000", udp(p[0], p[1], nil))))
	}
	for _, t := range []string{"0000", "0300", "0303", "0500", "0800", "0b00", "0d00"} {
		four("icmp "+t, ip4(1, "0000", "", hexBytes(t, "00000000 0001")))
	}
	for _, t := range []string{"0100", "0200", "8000", "8100", "8600", "8700", "8800", "8f00"} {
		six("icmp6 "+t, ip6(58, dst6, hexBytes(t, "0000 0000 0001")))
	}
	for _, p := range []byte{2, 4, 9, 47, 50, 89, 103, 112, 255} {
		four(fmt.Sprintf("proto %d", p), ip4(p, "0000", "", hexBytes("1100000000000000")))
		six(fmt.Sprintf("proto6 %d", p), ip6(p, dst6, hexBytes("1100000000000000")))
	}
	four("ah", ip4(51, "0000", "", hexBytes("06040000 00000001 00000001 000000000000000000000000", tcp(40000, 80, 2))))
	four("ah loop", ip4(51, "0000", "", hexBytes("33fe0000")))
	four("ip broadcast", ip4Addr(17, "0000", "", "0a000001", "ffffffff", udp(68, 67, nil)))
	four("ip zero", ip4Addr(17, "0000", "", "00000000", "00000000", udp(68, 67, nil)))
	four("net broadcast", ip4Addr(17, "0000", "", "0a000001", "0affffff", udp(137, 137, nil)))
	four("ip multicast", ip4Addr(17, "0000", "", "0a000001", "e0000001", udp(5353, 5353, nil)))
	four("same ends", ip4Addr(6, "0000", "", "0a000001", "0a000001", tcp(80, 80, 2)))
	four("other net", ip4Addr(6, "0000", "", "ac100305", "0a0a0a0a", tcp(1, 65535, 0)))
	four("geneve", ip4(17, "0000", "", udp(1000, 6081, hexBytes("0040 6558 000005 00", macs, "0800", ip4(6, "0000", "", tcp(40000, 80, 2))))))
	four("geneve+opt", ip4(17, "0000", "", udp(1000, 6081, hexBytes("0240 0800 000005 00", "0001000100000000", ip4(17, "0000", "", udp(53, 53, nil))))))
	four("geneve vlan", ip4(17, "0000", "", udp(1000, 6081, hexBytes("0040 6558 000007 00", macs, "8100 0005 0800", ip4(6, "0000", "", tcp(40000, 80, 2))))))
	four("geneve v1", ip4(17, "0000", "", udp(1000, 6081, hexBytes("4040 6558 000005 00", macs, "0800"))))
	six("geneve6", ip6(17, dst6, udp(1000, 6081, hexBytes("0040 6558 000005 00", macs, "86dd", ip6(6, dst6, tcp(40000, 80, 2))))))
	six("ip6 multicast", ip6(58, all6, hexBytes("8600 0000")))
	arp := func(op string) []byte {
		return hexBytes("0001 0800 06 04", op, "010203040506 0a000001 000000000000 c0a80102")
	}
	out = append(out, netPacket{"arp", "0806", arp("0001")}, netPacket{"arp reply", "0806", arp("0002")},
		netPacket{"rarp", "8035", arp("0003")})
	for _, t := range []string{"6001", "6002", "6003", "6004", "6007", "809b", "80f3", "8137", "9000", "0600", "88cc", "0842"} {
		out = append(out, netPacket{"type " + t, t, hexBytes("0102030405060708090a0b0c0d0e0f")})
	}
	for _, d := range []string{
		"0c00 06 0000 0000 aa0004000104 0000 aa0004000204 0000",
		"0c00 8106 0000 0000 aa0004000104 0000 aa0004000204 00 00",
		"0c00 02 0104 0204 00", "0c00 8102 0104 0204 00"} {
		out = append(out, netPacket{"decnet", "6003", hexBytes(d)})
	}
	return out
}

// llcPackets are payloads of 802.3 frames.
func llcPackets() []netPacket {
	var out []netPacket
	for _, c := range []string{"03", "63", "43", "0f", "6f", "e3", "af", "87", "13", "01", "05", "09", "11", "00", "02", "7f"} {
		out = append(out, netPacket{"llc " + c, "", hexBytes("4242", c, "0000000000000000000000")})
	}
	for _, d := range []string{
		"fefe03 81 00000000000000", "fefe03 82 00000000000000", "0606 03 4500001400000000",
		"e0e0 03 ffff001e0000", "ffff 001e 0000 0000", "f0f0 03 2c00ffff", "f0f1 03",
		"aaaa03 000000 8137 ffff", "aaaa03 080007 809b 0000", "aaaa03 000000 80f3 0001",
		"aaaa03 000000 0800 4500", "aaaa03 00000c 2000 01b4", "fe00 03 83", "0000 03"} {
		out = append(out, netPacket{"llc " + d[:7], "", hexBytes(d)})
	}
	for _, pdu := range []byte{15, 16, 17, 18, 20, 24, 25, 26, 27, 99} {
		out = append(out, netPacket{fmt.Sprintf("isis %d", pdu), "", hexBytes("fefe03 83 1b01 00", []byte{pdu}, "01000000")})
	}
	return out
}

// ethernetFrames are all frames of the corpus before damage.
func ethernetFrames() []packet {
	var out []packet
	add := func(name string, parts ...any) {
		d := hexBytes(parts...)
		out = append(out, packet{name: name, data: d, wireLen: len(d)})
	}
	for i, p := range netPackets() {
		add(p.name, macs, p.typ, p.data)
		if i%3 != 0 {
			continue
		}
		add("vlan "+p.name, macs, "8100 0005", p.typ, p.data)
		add("prio vlan "+p.name, bcast, "8100 e064", p.typ, p.data)
		add("qinq "+p.name, macs, "88a8 0064 8100 0005", p.typ, p.data)
		add("9100 "+p.name, mcast, "9100 0005 8100 012c", p.typ, p.data)
		add("mpls "+p.name, macs, "8847 0000 5140", p.data)
		add("mpls2 "+p.name, macs, "8847 0000 5040 0040 0140", p.data)
		ppp := map[string]string{"0800": "0021", "86dd": "0057", "6003": "0027", "809b": "0029"}[p.typ]
		if ppp != "" {
			add("pppoes "+p.name, macs, "8864 1100 0003 0040", ppp, p.data)
			add("vlan pppoes "+p.name, macs, "8100 0005 8864 1100 0009 0040", ppp, p.data)
		}
	}
	add("pppoes mpls", macs, "8864 1100 0003 0040 0281 0000 5140", ip4(6, "0000", "", tcp(40000, 80, 2)))
	add("pppoes osi", macs, "8864 1100 0003 0040 0023 83 1b01 00 0f")
	add("pppoed", macs, "8863 1109 0000 0004 0101 0000")
	add("mpls multicast", macs, "8848 0000 5140", ip4(6, "0000", "", tcp(40000, 80, 2)))
	add("mpls 0", macs, "8847 0000 0140", ip6(6, dst6, tcp(40000, 80, 2)))
	add("vlan vlan", macs, "8100 0005 8100 0007 0800", ip4(6, "0000", "", tcp(40000, 80, 2)))
	for _, p := range llcPackets() {
		add(p.name, macs, []byte{0, byte(len(p.data))}, p.data)
		add("vlan "+p.name, macs, "8100 0005", []byte{0, byte(len(p.data))}, p.data)
		add("1500 "+p.name, mcast, "05dc", p.data)
	}
	add("empty")
	add("to us", "010203040506 0a0b0c0d0e0f 0800", ip4(6, "0000", "", tcp(40000, 80, 2)))
	add("bcast arp", bcast, "0806 0001 0800 06 04 0001 010203040506 0a000001 000000000000 c0a80102")
	add("mcast", mcast, "0800", ip4Addr(2, "0000", "94040000", "0a000001", "e0000001", hexBytes("1600")))
	return out
}

// frames are the undamaged packets of a link type.
func frames(l LinkType) []packet {
	if l == Ethernet {
		return ethernetFrames()
	}
	var out []packet
	add := func(name string, parts ...any) {
		d := hexBytes(parts...)
		out = append(out, packet{name: name, data: d, wireLen: len(d)})
	}
	family := map[string]string{"0800": "02", "86dd": "1e", "809b": "10"}
	ppp := map[string]string{"0800": "0021", "86dd": "0057", "6003": "0027", "809b": "0029", "0600": "0025", "8137": "002b"}
	for i, p := range netPackets() {
		af := family[p.typ]
		if af == "" {
			af = "07"
		}
		switch {
		case p.typ == "86dd" && i%3 == 0:
			af = "18"
		case p.typ == "86dd" && i%3 == 1:
			af = "1c"
		case p.typ == "86dd" && i%7 == 0:
			af = "0a"
		}
		switch l {
		case Null:
			add(p.name, af, "000000", p.data)
			if i%5 == 0 {
				add("swapped "+p.name, "000000", af, p.data)
			}
		case Loop:
			add(p.name, "000000", af, p.data)
		case LinuxSLL:
			add(p.name, []byte{0, byte(i % 5)}, "0001 0006 010203040506 0000", p.typ, p.data)
		case LinuxSLL2:
			add(p.name, p.typ, "0000 0000", []byte{0, byte(i % 4)}, "0001", []byte{byte(i % 5)}, "06 010203040506 0000", p.data)
		case PPP:
			t := ppp[p.typ]
			if t == "" {
				t = p.typ
			}
			add(p.name, "ff03", t, p.data)
			if i%5 == 0 {
				add("mpls "+p.name, "ff03 0281 0000 5140", p.data)
			}
		default:
			add(p.name, p.data)
		}
	}
	for _, p := range llcPackets() {
		switch l {
		case LinuxSLL:
			add(p.name, "0000 0001 0006 010203040506 0000 0004", p.data)
			add("802.3 "+p.name, "0004 0001 0006 010203040506 0000 0001", p.data)
		case LinuxSLL2:
			add(p.name, "0004 0000 00000001 0001 04 06 010203040506 0000", p.data)
		case PPP:
			add(p.name, "ff03 0023", p.data[min(3, len(p.data)):])
		}
	}
	add("pppoes", "8864", ip4(6, "0000", "", tcp(40000, 80, 2)))
	return out
}

var corpora sync.Map // scene name → []packet

// corpus returns the packets of a scene with their damaged copies. It is the
// same in every run.
func corpus(s scene) []packet {
	if c, ok := corpora.Load(s.name); ok {
		return c.([]packet)
	}
	rnd := rand.New(rand.NewPCG(1, uint64(s.opts.LinkType)))
	whole := frames(s.opts.LinkType)
	all := append([]packet(nil), whole...)
	for i, p := range whole {
		if raceDetector && i%4 != 0 {
			continue // fewer packets to run the same filters on
		}
		for _, cut := range cuts(len(p.data), i) {
			short := p
			short.name = fmt.Sprintf("%s cut at %d", p.name, cut)
			short.data = p.data[:cut]
			if i%2 == 0 {
				short.wireLen = cut
			}
			all = append(all, short)
		}
		for range 2 {
			all = append(all, damaged(rnd, p))
		}
	}
	if s.opts.Live {
		all = withAux(all)
	}
	corpora.Store(s.name, all)
	return all
}

// cuts are where the i-th packet, of n bytes, is cut: over all packets every
// place up to 96.
func cuts(n, i int) []int {
	var out []int
	for _, c := range []int{i % 97, (i*7 + 13) % 97, (i*31 + 34) % 97} {
		if c < n {
			out = append(out, c)
		}
	}
	return out
}

// damaged changes some bytes, most of them in the headers.
func damaged(rnd *rand.Rand, p packet) packet {
	d := append([]byte(nil), p.data...)
	for range 1 + rnd.IntN(3) {
		if len(d) > 0 {
			d[rnd.IntN(min(len(d), 64))] = byte(rnd.Uint32())
		}
	}
	p.name, p.data = "damaged "+p.name, d
	return p
}

// withAux adds what the kernel knows: for some packets it took a tag out.
func withAux(in []packet) []packet {
	var out []packet
	for i, p := range in {
		p.aux = &Aux{PacketType: uint8(i % 5), IfIndex: i % 4}
		out = append(out, p)
		if i%3 == 0 {
			p.name = "tagged " + p.name
			p.aux = &Aux{PacketType: 4, IfIndex: 1, VLANPresent: true, VLANTag: uint16(5 + i%2*95)}
			out = append(out, p)
		}
	}
	return out
}

package sniff

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"sonde/capture"
	"sonde/capture/internal/build"
)

const (
	here, there   = "10.0.0.1", "192.0.2.7"
	here6, there6 = "2001:db8::1", "2001:db8::7"
)

// ip4 and ip6 put a transport's bytes into a frame.
func ip4(proto uint8, b []byte) []byte {
	return build.Ethernet(0x0800, build.IP4{Src: here, Dst: there, Proto: proto, ID: 4711, Frag: 0x4000}.Packet(b))
}

func ip6(proto uint8, b []byte) []byte {
	return build.Ethernet(0x86dd, build.IP6(here6, there6, proto, b))
}

func arp(op byte, senderIP, targetMAC, targetIP string) []byte {
	return build.Ethernet(0x0806, []byte("\x00\x01\x08\x00\x06\x04\x00"+string(op)+"\x02\x00\x00\x00\x00\x01"+senderIP+targetMAC+targetIP))
}

// wrong spoils the byte at a distance from the end, and so a checksum.
func wrong(frame []byte, fromEnd int) []byte {
	frame = slices.Clone(frame)
	frame[len(frame)-fromEnd] ^= 0x55
	return frame
}

// verboseTCP are segments with all kinds of flags and options.
func verboseTCP() (frames [][]byte) {
	for _, h := range []build.TCP{
		{Seq: 1000, Flags: 2, Options: []byte{2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 7}},
		{Seq: 1001, Ack: 501, Flags: 0x10},
		{Seq: 1001, Ack: 501, Flags: 0x18, Options: []byte{1, 1, 8, 10, 0, 0, 1, 7, 0, 0, 2, 1}},
		{Seq: 1010, Ack: 501, Flags: 0x10, Options: []byte{1, 1, 5, 18, 0, 0, 2, 0, 0, 0, 2, 9, 0, 0, 3, 0, 0, 0, 3, 9}},
		{Seq: 1010, Ack: 501, Flags: 0x11},
		{Seq: 1010, Ack: 501, Flags: 0x14},
		{Seq: 1010, Flags: 4},
		{Seq: 1010, Ack: 501, Flags: 0xd8},
		{Seq: 1010, Ack: 501, Flags: 0x38},
		{Seq: 2000, Flags: 2, Options: []byte{34, 2, 253, 4, 1, 2, 0, 0}},
		{Seq: 2000, Flags: 0xc2, Options: []byte{2, 4, 5, 180}},
		{Seq: 3000, Flags: 0},
	} {
		h.SrcPort, h.DstPort = 40000+uint16(h.Seq/1000), 4444
		payload := []byte{}
		if h.Flags&8 != 0 {
			payload = []byte("some payload")
		}
		h.Src, h.Dst = here, there
		frames = append(frames, ip4(6, h.Segment(payload)))
		h.Src, h.Dst = here6, there6
		frames = append(frames, ip6(6, h.Segment(payload)))
	}
	return append(frames, wrong(frames[4], 1), wrong(frames[5], 1))
}

func verboseUDP() [][]byte {
	none := build.UDP(here, there, 1000, 2000, []byte("no sum"))
	none[6], none[7] = 0, 0
	four := ip4(17, build.UDP(here, there, 1000, 2000, []byte("four")))
	return [][]byte{four, wrong(four, 1), ip6(17, build.UDP(here6, there6, 1000, 2000, []byte("six!"))), ip4(17, none),
		ip4(17, build.UDP(here, there, 1000, 2000, nil))}
}

// verboseICMP are the messages that people see, with what they quote.
func verboseICMP() (frames [][]byte) {
	quoted := build.IP4{Src: here, Dst: there, Proto: 17, ID: 9}.Packet(build.UDP(here, there, 5000, 53, []byte("a question")))
	tcp := build.IP4{Src: here, Dst: there, Proto: 6, ID: 9}.Packet(build.TCP{Src: here, Dst: there, SrcPort: 5000, DstPort: 80}.Segment(nil))
	for _, m := range [][]byte{
		build.ICMP(8, 0, 0x04d20001, make([]byte, 56)), build.ICMP(0, 0, 0x04d20001, make([]byte, 56)),
		build.ICMP(3, 0, 0, quoted), build.ICMP(3, 1, 0, quoted), build.ICMP(3, 2, 0, quoted), build.ICMP(3, 3, 0, quoted), build.ICMP(3, 3, 0, tcp),
		build.ICMP(3, 4, 1400, quoted), build.ICMP(3, 4, 0, quoted), build.ICMP(3, 9, 0, quoted), build.ICMP(3, 10, 0, quoted), build.ICMP(3, 13, 0, quoted),
		build.ICMP(11, 0, 0, quoted), build.ICMP(11, 1, 0, quoted), build.ICMP(5, 1, 0x0a0000fe, quoted), build.ICMP(5, 0, 0x0a0000fe, quoted),
		build.ICMP(4, 0, 0, quoted), build.ICMP(12, 0, 0x14000000, quoted),
	} {
		frames = append(frames, ip4(1, m))
	}
	return append(frames, wrong(frames[0], 1))
}

func verboseARP() [][]byte {
	const zero, mac = "\x00\x00\x00\x00\x00\x00", "\x02\x00\x00\x00\x00\x02"
	const one, two, none = "\x0a\x00\x00\x01", "\x0a\x00\x00\x02", "\x00\x00\x00\x00"
	return [][]byte{
		arp(1, one, zero, two), arp(2, one, mac, two), arp(1, none, zero, one), arp(1, one, zero, one), arp(2, one, mac, one),
		arp(1, one, mac, two), arp(3, one, mac, two), arp(4, one, mac, two), append(arp(1, one, zero, two), make([]byte, 18)...),
	}
}

// verboseDNS are questions and answers.
func verboseDNS(t *testing.T) (frames [][]byte) {
	name := dnsmessage.MustNewName("www.example.org.")
	question := dnsmessage.Question{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 3600}
	answers := []dnsmessage.Resource{
		{Header: head, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("host.example.org.")}},
		{Header: head, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}},
		{Header: head, Body: &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}},
		{Header: head, Body: &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName("mx.example.org.")}},
		{Header: head, Body: &dnsmessage.TXTResource{TXT: []string{"v=spf1 -all", "more"}}},
		{Header: head, Body: &dnsmessage.NSResource{NS: dnsmessage.MustNewName("ns.example.org.")}},
		{Header: head, Body: &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("ptr.example.org.")}},
		{Header: head, Body: &dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 443, Target: dnsmessage.MustNewName("srv.example.org.")}},
	}
	soa := dnsmessage.Resource{Header: head, Body: &dnsmessage.SOAResource{
		NS: dnsmessage.MustNewName("ns.example.org."), MBox: dnsmessage.MustNewName("root.example.org."), Serial: 1, Refresh: 2, Retry: 3, Expire: 4, MinTTL: 5}}
	var edns dnsmessage.ResourceHeader
	if err := edns.SetEDNS0(1232, dnsmessage.RCodeSuccess, true); err != nil {
		t.Fatal(err)
	}
	opt := dnsmessage.Resource{Header: edns, Body: &dnsmessage.OPTResource{}}
	ask := func(kind dnsmessage.Type) dnsmessage.Message {
		q := question
		q.Type = kind
		return dnsmessage.Message{Header: dnsmessage.Header{ID: 4242, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	}
	answer := func(h dnsmessage.Header, all ...dnsmessage.Resource) dnsmessage.Message {
		h.ID, h.Response = 4242, true
		return dnsmessage.Message{Header: h, Questions: []dnsmessage.Question{question}, Answers: all}
	}
	messages := []dnsmessage.Message{
		ask(dnsmessage.TypeA), ask(dnsmessage.TypeAAAA), ask(dnsmessage.TypeMX),
		answer(dnsmessage.Header{RecursionAvailable: true, RecursionDesired: true}, answers[:2]...),
		answer(dnsmessage.Header{RCode: dnsmessage.RCodeNameError, RecursionAvailable: true}),
		answer(dnsmessage.Header{RCode: dnsmessage.RCodeServerFailure}), answer(dnsmessage.Header{RCode: dnsmessage.RCodeRefused}),
		answer(dnsmessage.Header{Truncated: true, RecursionAvailable: true}), answer(dnsmessage.Header{Authoritative: true}, answers[2:]...),
	}
	withEDNS := ask(dnsmessage.TypeA)
	withEDNS.Additionals = append(withEDNS.Additionals, opt)
	negative := answer(dnsmessage.Header{RecursionAvailable: true})
	negative.Authorities = append(negative.Authorities, soa)
	for _, m := range append(messages, withEDNS, negative) {
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		from, to := uint16(40000), uint16(53)
		if m.Response {
			from, to = to, from
		}
		frames = append(frames, ip4(17, build.UDP(here, there, from, to, b)), ip6(17, build.UDP(here6, there6, from, to, b)))
	}
	return frames
}

// TestVerboseAsTcpdump: -v, -vv and -vvv of TCP, UDP, ICMP, DNS and ARP, in
// tcpdump's words.
func TestVerboseAsTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump is not installed")
	}
	for _, kind := range []struct {
		name   string
		frames [][]byte
	}{
		{"tcp", verboseTCP()}, {"udp", verboseUDP()}, {"icmp", verboseICMP()}, {"arp", verboseARP()}, {"dns", verboseDNS(t)},
	} {
		file := writeFrames(t, kind.name, kind.frames)
		for level := range 4 {
			flags := "-nt" + strings.Repeat("v", level)
			cmd := exec.Command("tcpdump", flags, "-r", file)
			theirs, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			style := Style{Numeric: true, Time: TimeNone, Verbose: level}
			compare(t, fmt.Sprintf("%s %s", kind.name, flags), printAll(t, file, style), string(theirs))
		}
	}
}

func writeFrames(t *testing.T, name string, frames [][]byte) string {
	t.Helper()
	var out bytes.Buffer
	w, err := capture.NewWriter(&out, capture.WriterConfig{Format: capture.PCAPMicro, Interfaces: []capture.Interface{{Link: capture.LinkEthernet}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, frame := range frames {
		w.WritePacket(&capture.Packet{Data: frame, Length: len(frame), Link: capture.LinkEthernet, Time: int64(i+1) * 1e9})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".pcap")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

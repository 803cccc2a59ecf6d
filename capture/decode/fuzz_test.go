package decode_test

import (
	"bytes"
	"testing"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/internal/build"
)

// FuzzDecode reads any bytes behind any link type, and everything that can be
// asked about the result.
func FuzzDecode(f *testing.F) {
	f.Add(uint16(capture.LinkEthernet), dataFrame())
	f.Add(uint16(capture.LinkRaw), build.IP6(a6, b6, 0, cat([]byte{44, 0, 1, 4, 0, 0, 0, 0}, []byte{6, 0, 0, 1, 0, 0, 0, 7}, tcpOver6("v6"))))
	f.Add(uint16(capture.LinkRaw), build.IP4{Src: a4, Dst: b4, Proto: 47}.Packet(cat([]byte{0xb0, 0, 8, 0}, make([]byte, 12), dataFrame()[14:])))
	f.Add(uint16(capture.LinkRaw), build.IP4{Src: a4, Dst: b4, Proto: 2}.Packet([]byte{0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 224, 0, 0, 251}))
	f.Add(uint16(capture.LinkRaw), build.IP4{Src: b4, Dst: a4, Proto: 1}.Packet(build.ICMP(3, 1, 0, dataFrame()[14:50])))
	f.Add(uint16(capture.LinkLinuxSLL), make([]byte, 16))
	f.Add(uint16(capture.LinkLinuxSLL2), make([]byte, 20))
	f.Add(uint16(capture.LinkNull), []byte{2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		var p, q decode.Packet
		if p.Decode(capture.LinkType(link), b) != p.Fault {
			t.Fatal("the result differs from Fault")
		}
		inspect(t, &p, b)
		for range 4 {
			if !p.Inner(&q) && !p.Quoted(&q) {
				break
			}
			inspect(t, &q, b)
			p = q
		}
		if p.Has&decode.LayerFragment != 0 {
			p.DecodeReassembled(p.Fragment.Proto, b)
			inspect(t, &p, b)
		}
	})
}

func inspect(t *testing.T, p *decode.Packet, b []byte) {
	if p.Length < len(p.Payload) || len(p.Payload) > len(b) {
		t.Fatalf("a payload of %d bytes, %d captured, out of %d; %v", p.Length, len(p.Payload), len(b), p.Has)
	}
	var o decode.TCPOptions
	if p.Has&decode.LayerTCP != 0 {
		ok := p.TCP.ParseOptions(&o)
		if p.TCP.All(func(decode.TCPOption) bool { return true }) != ok {
			t.Fatal("All and ParseOptions disagree")
		}
	}
	if p.Has&decode.LayerIPv4 != 0 {
		p.IPv4.All(func(decode.IPOption) bool { return true })
	}
	if p.Has&decode.LayerIPv6 != 0 {
		for _, e := range p.IPv6.Extensions() {
			e.SegmentsLeft()
		}
	}
	p.Records(func(decode.IGMPRecord) bool { return true })
	p.Target()
	p.VerifyIPv4()
	p.VerifyTransport()
	_, _ = p.Source().String(), p.Destination().String()
}

// FuzzEscaped: whatever comes in, printable ASCII comes out, and different texts
// stay different.
func FuzzEscaped(f *testing.F) {
	f.Add([]byte("GET /\x1b[2J\r\n"), []byte(`\x1b`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		ea, eb := decode.AppendEscaped(nil, a), decode.AppendEscaped(nil, b)
		for _, c := range cat(ea, decode.AppendJSON(nil, a)) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q became %q", a, ea)
			}
		}
		if bytes.Equal(ea, eb) != bytes.Equal(a, b) {
			t.Fatalf("%q and %q become %q and %q", a, b, ea, eb)
		}
		for _, c := range decode.AppendEscapedLines(nil, a) {
			if (c < ' ' && c != '\n' && c != '\t') || c > '~' {
				t.Fatalf("%q has %q", a, c)
			}
		}
	})
}

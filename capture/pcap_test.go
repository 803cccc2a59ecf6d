package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPcapGolden(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterConfig{Format: PCAP, Interfaces: []Interface{{Link: LinkEthernet, SnapLen: 96}}})
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{Data: []byte{1, 2, 3}, Time: 1_700_000_000_123_456_789, Length: 60, Link: LinkEthernet}
	if err := w.WritePacket(&p); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	want := unhex(t, `4d3cb2a1 02000400 00000000 00000000 60000000 01000000
		00f15365 15cd5b07 03000000 3c000000 010203`)
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got % x\nwant % x", out.Bytes(), want)
	}
	p.Link = LinkRaw
	if err := w.WritePacket(&p); err == nil || !strings.Contains(err.Error(), "one link type") {
		t.Errorf("another link type in the same file: %v", err)
	}
	if err := w.WriteSecrets([]byte("x")); !errors.Is(err, ErrNotPCAPNG) {
		t.Errorf("secrets in a pcap file: %v", err)
	}
	if _, err := NewWriter(io.Discard, WriterConfig{Format: PCAP}); err == nil {
		t.Error("a pcap file without interface")
	}
}

// pcapFile builds a file with one packet of four bytes.
func pcapFile(order binary.AppendByteOrder, magic uint32, minor uint16, link, frac, caplen, length uint32) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), minor)
	for _, v := range []uint32{0, 0, 65535, link, 3, frac, caplen, length} {
		b = order.AppendUint32(b, v)
	}
	return append(b, "data"...)
}

func TestPcapForeign(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	tests := []struct {
		name   string
		file   []byte
		time   int64
		length int
		link   LinkType
	}{
		{"little micro", pcapFile(le, pcapMicro, 4, 1, 7, 4, 9), 3_000_007_000, 9, LinkEthernet},
		{"big micro", pcapFile(be, pcapMicro, 4, 1, 7, 4, 9), 3_000_007_000, 9, LinkEthernet},
		{"little nano", pcapFile(le, pcapNano, 4, 113, 7, 4, 9), 3_000_000_007, 9, LinkLinuxSLL},
		{"big nano", pcapFile(be, pcapNano, 4, 0, 7, 4, 9), 3_000_000_007, 9, LinkNull},
		{"raw as 12", pcapFile(le, pcapMicro, 4, 12, 0, 4, 4), 3e9, 4, LinkRaw},
		{"raw as 14", pcapFile(le, pcapMicro, 4, 14, 0, 4, 4), 3e9, 4, LinkRaw},
		{"with a check sequence's length", pcapFile(le, pcapMicro, 4, 0x24000001, 0, 4, 4), 3e9, 4, LinkEthernet},
		{"old, lengths swapped", pcapFile(le, pcapMicro, 3, 1, 0, 9, 4), 3e9, 9, LinkEthernet},
	}
	for _, tt := range tests {
		got, r, err := readAll(t, tt.file)
		if !errors.Is(err, io.EOF) || len(got) != 1 {
			t.Errorf("%s: %d packets, %v", tt.name, len(got), err)
			continue
		}
		p := got[0]
		if p.Time != tt.time || p.Length != tt.length || p.Link != tt.link || string(p.Data) != "data" || r.Interfaces()[0].Link != tt.link {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
}

func TestPcapRefused(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "not a capture file"},
		{"text", []byte("hello, world"), "it starts with 68 65 6c 6c"},
		{"header only in part", pcapFile(le, pcapMicro, 4, 1, 0, 4, 4)[:20], "cut short"},
		{"token ring", pcapFile(le, pcapMicro, 4, 6, 0, 4, 4), "Token Ring"},
		{"802.15.4", pcapFile(le, pcapMicro, 4, 195, 0, 4, 4), "IEEE 802.15.4"},
		{"nameless", pcapFile(le, pcapMicro, 4, 60000, 0, 4, 4), "link type 60000"},
		{"huge packet", pcapFile(le, pcapMicro, 4, 1, 0, 1<<30, 1<<30), "claims 1073741824"},
	}
	for _, tt := range tests {
		_, _, err := readAll(t, tt.file)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	var odd *LinkTypeError
	if _, _, err := readAll(t, tests[3].file); !errors.As(err, &odd) || odd.Link != LinkTokenRing {
		t.Errorf("no LinkTypeError: %v", err)
	}
}

func TestFileAllocations(t *testing.T) {
	var out bytes.Buffer
	w, _ := NewWriter(&out, WriterConfig{Interfaces: []Interface{{Link: LinkEthernet}}})
	p := Packet{Data: make([]byte, 300), Length: 300, Time: 5, Direction: In, Reception: Unicast}
	out.Grow(1 << 20)
	if n := testing.AllocsPerRun(1000, func() { w.WritePacket(&p) }); n != 0 {
		t.Errorf("writing: %v allocations a packet", n)
	}
	w.Flush()
	r, err := NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(900, func() { r.Next(&p) }); n != 0 {
		t.Errorf("reading: %v allocations a packet", n)
	}
}

package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// unhex reads hexadecimal digits, whatever white space is between them.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// blocks builds pcapng files in either byte order.
type blocks struct {
	binary.ByteOrder
	b []byte
}

// block adds a block; the values are byte slices, uint16, uint32 or uint64.
func (k *blocks) block(kind uint32, values ...any) *blocks {
	var body bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&body, k.ByteOrder, v); err != nil {
			panic(err)
		}
	}
	for body.Len()%4 != 0 {
		body.WriteByte(0)
	}
	length := make([]byte, 4)
	k.PutUint32(length, uint32(body.Len()+12))
	start := make([]byte, 4)
	k.PutUint32(start, kind)
	k.b = slices.Concat(k.b, start, length, body.Bytes(), length)
	return k
}

func (k *blocks) section() *blocks {
	return k.block(blockSection, uint32(byteOrderMagic), uint16(1), uint16(0), ^uint64(0))
}

func (k *blocks) iface(link uint16, snap uint32, options ...any) *blocks {
	return k.block(blockInterface, append([]any{link, uint16(0), snap}, options...)...)
}

// readAll reads a whole file and what ended it.
func readAll(t testing.TB, file []byte) ([]Packet, *Reader, error) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, nil, err
	}
	var all []Packet
	var p Packet
	for {
		if err := r.Next(&p); err != nil {
			return all, r, err
		}
		all = append(all, p.Clone())
	}
}

// TestPcapngGolden pins every byte of a small file.
func TestPcapngGolden(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterConfig{Interfaces: []Interface{{Name: "lo", Link: LinkEthernet, SnapLen: 96, Filter: "tcp"}}})
	if err != nil {
		t.Fatal(err)
	}
	packets := []Packet{
		{Data: []byte{1, 2, 3, 4, 5}, Time: 1_700_000_000_123_456_789, Length: 60, Direction: Out},
		{Data: []byte{6, 7, 8, 9}, Time: 1, Length: 4, Comment: "hi\nho", Process: Process{PID: 77, Name: "curl"}},
	}
	if err := w.WriteSecrets([]byte("A B C\n")); err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		if err := w.WritePacket(&packets[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := unhex(t, `
		0a0d0d0a 2c000000 4d3c2b1a 01000000 ffffffffffffffff
		  0400 0500 736f6e6465 000000 00000000 2c000000
		01000000 30000000 0100 0000 60000000
		  0200 0200 6c6f 0000  0900 0100 09 000000  0b00 0400 00746370 00000000 30000000
		0a000000 1c000000 4b534c54 06000000 41204220430a 0000 1c000000
		06000000 34000000 00000000 fe9c9717 15cd853d 05000000 3c000000
		  0102030405 000000  0200 0400 02000000 00000000 34000000
		06000000 60000000 00000000 00000000 01000000 04000000 04000000 06070809
		  0100 0200 6869 0000  0100 0200 686f 0000
		  0800 0800 4d000000 00000000
		  0100 1600 70726f636573733a206375726c202870696420373729 0000
		  00000000 60000000`)
	if !bytes.Equal(out.Bytes(), want) {
		t.Fatalf("got\n%s\nwant\n%s", hex.Dump(out.Bytes()), hex.Dump(want))
	}
	got, r, err := readAll(t, want)
	if !errors.Is(err, io.EOF) || len(got) != 2 {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	for i, p := range got {
		q := packets[i]
		if !bytes.Equal(p.Data, q.Data) || p.Time != q.Time || p.Length != q.Length || p.Comment != q.Comment ||
			p.Process != q.Process || p.Direction != q.Direction || p.Link != LinkEthernet {
			t.Errorf("packet %d came back as %+v", i, p)
		}
	}
	if i := r.Interfaces(); len(i) != 1 || i[0].Name != "lo" || i[0].Filter != "tcp" || i[0].SnapLen != 96 || i[0].Resolution != 1e9 {
		t.Errorf("interfaces %+v", i)
	}
	if string(r.Secrets(0)) != "A B C\n" {
		t.Errorf("secrets %q", r.Secrets(0))
	}
}

// TestPcapngForeign reads what sonde does not write: both byte orders in one
// file, several sections and interfaces, simple and old packets, unknown blocks.
func TestPcapngForeign(t *testing.T) {
	little, big := &blocks{ByteOrder: binary.LittleEndian}, &blocks{ByteOrder: binary.BigEndian}
	little.section().
		iface(1, 0).
		block(0xbad, []byte("something that nobody knows")).
		iface(113, 0, uint16(ifResolution), uint16(1), []byte{9, 0, 0, 0}).
		block(blockEnhanced, uint32(1), uint32(0), uint32(5), uint32(3), uint32(9), []byte{1, 2, 3}).
		block(blockEnhanced, uint32(0), uint32(0), uint32(5), uint32(1), uint32(1), []byte{1, 0, 0, 0},
			uint16(epbFlags), uint16(4), uint32(1|4<<2), uint16(optComment), uint16(0), uint16(77), uint16(4), uint32(0)).
		block(blockStatistics, uint32(0), uint64(0), uint16(isbDropped), uint16(8), uint64(12), uint16(isbReceived), uint16(8), uint64(99))
	big.section().
		iface(101, 2, uint16(ifName), uint16(4), []byte("tun7")).
		block(blockSimple, uint32(5), []byte{8, 9, 10, 11}).
		block(blockOldPacket, uint16(0), uint16(3), uint32(0), uint32(1), uint32(2), uint32(2), []byte{7, 7})
	got, r, err := readAll(t, slices.Concat(little.b, big.b))
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	want := []Packet{
		{Data: []byte{1, 2, 3}, Time: 5, Length: 9, Interface: 1, Link: LinkLinuxSLL},
		{Data: []byte{1}, Time: 5000, Length: 1, Link: LinkEthernet, Direction: In, Reception: OtherHost},
		{Data: []byte{8, 9}, Length: 5, Interface: 2, Link: LinkRaw},
		{Data: []byte{7, 7}, Time: 1000, Length: 2, Interface: 2, Link: LinkRaw},
	}
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i, p := range got {
		if q := want[i]; !bytes.Equal(p.Data, q.Data) || p.Time != q.Time || p.Length != q.Length || p.Interface != q.Interface ||
			p.Link != q.Link || p.Direction != q.Direction || p.Reception != q.Reception {
			t.Errorf("packet %d is %+v, want %+v", i, p, q)
		}
	}
	if s, _ := r.Stats(); s.Captured != 4 || s.Dropped != 12 || s.Received != 99 {
		t.Errorf("stats %+v", s)
	}
	if i := r.Interfaces(); len(i) != 3 || i[2].Name != "tun7" {
		t.Errorf("interfaces %+v", i)
	}
}

func TestPcapngDamaged(t *testing.T) {
	start := func() *blocks { return (&blocks{ByteOrder: binary.LittleEndian}).section().iface(1, 0) }
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"no interface", (&blocks{ByteOrder: binary.LittleEndian}).section().block(blockEnhanced, make([]byte, 20)).b, "a packet of interface 0"},
		{"simple without interface", (&blocks{ByteOrder: binary.LittleEndian}).section().block(blockSimple, make([]byte, 8)).b, "before any interface"},
		{"interface 1 of 1", start().block(blockEnhanced, uint32(1), make([]byte, 16)).b, "a packet of interface 1, the section has 1"},
		{"data longer than the block", start().block(blockEnhanced, make([]byte, 12), uint32(9), uint32(9), make([]byte, 8)).b, "claims 9 bytes"},
		{"short block", start().block(blockEnhanced, make([]byte, 4)).b, "too short"},
		{"length of 4", append(start().b, 6, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0), "claims 4 bytes"},
		{"odd length", append(start().b, 6, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0), "claims 33 bytes"},
		{"lengths that differ", append(start().b, 6, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0), "says 16 at its end"},
		{"endless", append(start().b, 6, 0, 0, 0, 0xfc, 255, 255, 255, 0, 0, 0, 0), "claims 4294967292"},
		{"section without order", append(start().b, 10, 13, 13, 10, 28, 0, 0, 0, 1, 2, 3, 4), "byte-order"},
	}
	for _, tt := range tests {
		got, _, err := readAll(t, tt.file)
		if len(got) != 0 || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d packets, %v; want %q", tt.name, len(got), err, tt.want)
		}
	}
}

// TestTruncated cuts a file at every byte: all whole packets are read, and only
// a cut between two blocks is a proper end.
func TestTruncated(t *testing.T) {
	for _, format := range []Format{PCAPNG, PCAP} {
		var out bytes.Buffer
		w, err := NewWriter(&out, WriterConfig{Format: format, Interfaces: []Interface{{Link: LinkEthernet}}})
		if err != nil {
			t.Fatal(err)
		}
		w.Flush()
		ends := []int{out.Len()}
		for i := range 3 {
			w.WritePacket(&Packet{Data: make([]byte, 10+i), Length: 20, Link: LinkEthernet})
			w.Flush()
			ends = append(ends, out.Len())
		}
		for n := ends[0]; n <= out.Len(); n++ {
			whole := 0
			for whole < 3 && ends[whole+1] <= n {
				whole++
			}
			got, _, err := readAll(t, out.Bytes()[:n])
			want := ErrTruncated
			if slices.Contains(ends, n) {
				want = io.EOF
			}
			if len(got) != whole || !errors.Is(err, want) {
				t.Errorf("format %d cut at %d: %d packets, %v; want %d, %v", format, n, len(got), err, whole, want)
			}
		}
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		resolution byte
		offset     int64
		ticks      uint64
		want       int64
	}{
		{0, 0, 5, 5e9},
		{3, 0, 1500, 1_500_000_000},
		{6, 0, 1_700_000_000_123_456, 1_700_000_000_123_456_000},
		{9, 0, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789},
		{9, -1, 3e9, 2e9},
		{12, 0, 1_999_999_999_999, 1_999_999_999},
		{19, 0, 1 << 63, 922337203},
		{25, 0, math.MaxUint64, 1844},
		{40, 0, math.MaxUint64, 0},
		{0x80 | 10, 0, 1024 + 512, 1_500_000_000},
		{0x80 | 20, 1, 1 << 19, 1_500_000_000},
		{0x80 | 63, 0, 1 << 62, 500_000_000},
		{0x80 | 64, 0, 1 << 63, 500_000_000},
		{0x80 | 70, 0, 1 << 63, 7_812_500},
		{0x80 | 127, 0, math.MaxUint64, 0},
		{0x80, 0, 7, 7e9},
		{0, 0, math.MaxUint64, math.MaxInt64},
		{9, 0, math.MaxUint64, math.MaxInt64},
		{9, math.MaxInt64, 1, math.MaxInt64},
		{9, math.MinInt64, 1, math.MaxInt64},
	}
	for _, tt := range tests {
		c := clock{offset: tt.offset}
		c.setResolution(tt.resolution)
		if got := c.nanoseconds(tt.ticks); got != tt.want {
			t.Errorf("resolution %#x offset %d: %d ticks are %d ns, want %d", tt.resolution, tt.offset, tt.ticks, got, tt.want)
		}
	}
}

// TestSlowReader reads through the smallest pieces.
func TestSlowReader(t *testing.T) {
	var out bytes.Buffer
	w, _ := NewWriter(&out, WriterConfig{Interfaces: []Interface{{Link: LinkRaw}}})
	for i := range 5 {
		w.WritePacket(&Packet{Data: bytes.Repeat([]byte{byte(i)}, i*70000), Length: i * 70000})
	}
	w.Flush()
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(out.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	var p Packet
	for i := range 5 {
		if err := r.Next(&p); err != nil || !bytes.Equal(p.Data, bytes.Repeat([]byte{byte(i)}, i*70000)) {
			t.Fatalf("packet %d: %d bytes, %v", i, len(p.Data), err)
		}
	}
	if err := r.Next(&p); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	for _, format := range []Format{PCAPNG, PCAP, PCAPMicro} {
		var out bytes.Buffer
		w, _ := NewWriter(&out, WriterConfig{Format: format, Interfaces: []Interface{{Name: "x", Link: LinkEthernet, Filter: "ip", Speed: 7}}})
		w.WriteSecrets([]byte("a b c"))
		w.WritePacket(&Packet{Data: []byte("abcdef"), Length: 9, Link: LinkEthernet, Direction: In, Comment: "c", Process: Process{1, "p"}})
		w.WriteStats(0, Stats{Received: 1})
		w.Flush()
		f.Add(out.Bytes())
	}
	big := &blocks{ByteOrder: binary.BigEndian}
	big.section().iface(1, 0).block(blockSimple, uint32(3), []byte("xyz")).block(0x99, uint32(7))
	f.Add(big.b)
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		var p Packet
		for n := 0; ; n++ {
			err := r.Next(&p)
			if err != nil {
				break
			}
			if n > len(file) {
				t.Fatal("more packets than bytes")
			}
			if len(p.Data) > len(file) || p.Length < 0 || p.Interface >= len(r.Interfaces()) {
				t.Fatalf("%d bytes of %d, interface %d", len(p.Data), p.Length, p.Interface)
			}
		}
		if len(r.in.buf) > 2*len(file)+windowSize {
			t.Fatalf("a buffer of %d for a file of %d", len(r.in.buf), len(file))
		}
		r.Close()
	})
}

// TestSecretsComeFirst: readers do not look ahead, so secrets that become known
// late stand before the packets that are still in memory.
func TestSecretsComeFirst(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterConfig{Interfaces: []Interface{{Link: LinkEthernet}}})
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{Data: []byte{1, 2, 3}, Length: 3, Link: LinkEthernet}
	for i := range 2 { // the second time without the headers in memory
		for _, err := range []error{w.WritePacket(&p), w.WriteSecrets([]byte("one\n")), w.WritePacket(&p), w.WriteSecrets([]byte("two\n")), w.Flush()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		r, err := NewReader(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		for range 2*i + 1 {
			if err := r.Next(&p); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := string(r.Secrets(0)), strings.Repeat("one\ntwo\n", i+1); got != want {
			t.Errorf("round %d: secrets %q before the packet, want %q", i, got, want)
		}
	}
}

package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sentPacket tells the packets of TestWriteReady from those that hosts send by
// themselves.
func sentPacket(p *Packet) bool {
	b := p.Data
	return len(b) > 37 && (b[12] == 0x81 || b[12] == 8 && b[23] == unix.IPPROTO_UDP && binary.BigEndian.Uint16(b[36:]) == 9)
}

// TestWriteReady writes what two captures saw of the same packets: one packet by
// packet, the other as fast as it goes. The files are to say the same.
func TestWriteReady(t *testing.T) {
	h := newHosts(t)
	for _, tt := range []struct {
		format Format
		snap   int
		most   int
		cfg    FileConfig
		none   bool // WriteReady leaves all to Next
	}{
		{format: PCAPNG, most: math.MaxInt},
		{format: PCAPNG, most: 3, snap: 61},
		{format: PCAP, most: math.MaxInt},
		{format: PCAP, most: 1, snap: 61},
		{format: PCAPMicro, most: 7},
		{format: PCAP, most: math.MaxInt, cfg: FileConfig{MaxPackets: 1 << 20}, none: true},
	} {
		name := fmt.Sprintf("format %d, snap length %d, most %d", tt.format, tt.snap, tt.most)
		before := time.Now().UnixNano() / 1000 * 1000
		var captures [2]*Live
		for i := range captures {
			captures[i] = h.open(h.b, Config{Interface: "vb", SnapLen: tt.snap})
		}
		for size := range 40 {
			h.udp(h.a, "10.99.0.2:9", 1, size)
		}
		tagged := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 7, 0x88, 0xb5}, make([]byte, 60)...)
		h.send(h.a, "va", tagged)
		h.udp(h.b, "10.99.0.1:9", 5, 77)
		h.udp(h.a, "10.99.0.2:9", 5, 1000)
		var files [2][]Packet
		for i, l := range captures {
			l.Stop()
			taken := 0
			files[i], taken = saved(t, l, tt.cfg, tt.format, []int{0, tt.most}[i])
			if i == 1 && (taken == 0) != tt.none {
				t.Errorf("%s: WriteReady took %d packets", name, taken)
			}
		}
		if len(files[0]) != 51 || len(files[1]) != 51 {
			t.Fatalf("%s: %d and %d packets, want 51", name, len(files[0]), len(files[1]))
		}
		last := before
		for i, want := range files[0] {
			got := files[1][i]
			if !bytes.Equal(got.Data, want.Data) || got.Length != want.Length || got.Direction != want.Direction || got.Reception != want.Reception {
				t.Errorf("%s: packet %d is %+v, want %+v", name, i, got, want)
			}
			if got.Time < last || got.Time > time.Now().UnixNano() {
				t.Errorf("%s: packet %d is of %d, the one before of %d", name, i, got.Time, last)
			}
			last = got.Time
		}
	}
}

// saved writes a capture to its end, with WriteReady if most is not 0, and reads
// the file.
func saved(t *testing.T, l *Live, cfg FileConfig, format Format, most int) (packets []Packet, taken int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "capture")
	cfg.Format, cfg.Interfaces, cfg.Buffer = format, l.Interfaces(), 2000
	f, err := Create(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var p Packet
	for err == nil {
		if err = l.Next(&p); err == nil {
			err = f.WritePacket(&p)
		}
		for n := most; n > 0 && err == nil; taken += n {
			if n, err = f.WriteReady(l, most); n > most {
				t.Errorf("%d packets, at most %d were asked for", n, most)
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for err = r.Next(&p); err == nil; err = r.Next(&p) {
		packets = append(packets, p.Clone())
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return slices.DeleteFunc(packets, func(p Packet) bool { return !sentPacket(&p) }), taken
}

// TestWriteReadyStops gives what nothing can be taken from.
func TestWriteReadyStops(t *testing.T) {
	needRoot(t)
	l, err := Open(Config{Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(io.Discard, WriterConfig{Interfaces: l.Interfaces()})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.WriteReady(l, math.MaxInt); n != 0 || err != nil {
		t.Errorf("before the first packet: %d, %v", n, err)
	}
	l.Close()
	if n, err := w.WriteReady(l, math.MaxInt); n != 0 || err != nil {
		t.Errorf("after Close: %d, %v", n, err)
	}
	var p Packet
	if err := l.Next(&p); !errors.Is(err, ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
}

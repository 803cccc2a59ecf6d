package capture

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool runs a program of another maker, or skips where it is not installed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, stderr.String())
	}
	return string(out)
}

// samplePackets are UDP datagrams of many lengths, one tick of 1001 ns apart.
func samplePackets(n int) []Packet {
	var all []Packet
	for i := range n {
		data := append(blastFrame(), bytes.Repeat([]byte{byte(i)}, i)...)
		p := Packet{Data: data, Length: len(data) + i%3, Time: 1_700_000_000_000_000_000 + int64(i)*1001, Link: LinkEthernet, Direction: Direction(i % 3)}
		if i%5 == 0 {
			p.Comment = fmt.Sprintf("comment %d", i)
		}
		if i%7 == 0 {
			p.Process = Process{PID: int32(100 + i), Name: "sonde test"}
		}
		all = append(all, p)
	}
	return all
}

// TestForeignReaders lets tcpdump, tshark and capinfos read what we write.
func TestForeignReaders(t *testing.T) {
	const n = 50
	for _, format := range []Format{PCAPNG, PCAP, PCAPMicro} {
		name := filepath.Join(t.TempDir(), "x")
		f, err := Create(name, FileConfig{WriterConfig: WriterConfig{Format: format, Interfaces: []Interface{
			{Name: "eth9", Description: "a test", Link: LinkEthernet, SnapLen: 262144, Filter: "udp", MAC: [6]byte{2, 0, 0, 0, 0, 1}, Speed: 1e9, OS: "Linux"}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range samplePackets(n) {
			if err := f.WritePacket(&p); err != nil {
				t.Fatal(err)
			}
		}
		f.WriteStats(0, Stats{Received: n, Dropped: 3, Captured: n})
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(tool(t, "tcpdump", "-nr", name), "\n"); lines != n {
			t.Errorf("format %d: tcpdump prints %d lines, want %d", format, lines, n)
		}
		fields := tool(t, "tshark", "-nr", name, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len", "-e", "frame.comment")
		checkFields(t, format, fields, samplePackets(n))
		if info := tool(t, "capinfos", "-cM", name); !strings.Contains(info, fmt.Sprint("packets:   ", n)) {
			t.Errorf("format %d: capinfos says\n%s", format, info)
		}
		if format == PCAPNG {
			info := tool(t, "capinfos", name)
			for _, want := range []string{"Name = eth9", "Description = a test", "Filter string = udp", "Speed = 1000000000", "Time precision = nanoseconds", "Number of stat entries = 1"} {
				if !strings.Contains(info, want) {
					t.Errorf("capinfos does not say %q:\n%s", want, info)
				}
			}
		}
	}
}

func checkFields(t *testing.T, format Format, fields string, packets []Packet) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(fields, "\n"), "\n")
	if len(lines) != len(packets) {
		t.Fatalf("format %d: tshark prints %d lines, want %d", format, len(lines), len(packets))
	}
	for i, p := range packets {
		ns := p.Time
		if format == PCAPMicro {
			ns -= ns % 1000
		}
		var comments []string
		if format == PCAPNG && p.Comment != "" {
			comments = append(comments, p.Comment)
		}
		if format == PCAPNG && p.Process.PID != 0 {
			comments = append(comments, fmt.Sprintf("process: %s (pid %d)", p.Process.Name, p.Process.PID))
		}
		want := fmt.Sprintf("%d.%09d\t%d\t%d\t%s", ns/1e9, ns%1e9, p.Length, len(p.Data), strings.Join(comments, ","))
		if lines[i] != want {
			t.Errorf("format %d packet %d: tshark says %q, want %q", format, i, lines[i], want)
		}
	}
}

// TestForeignWriters reads what editcap and tcpdump write.
func TestForeignWriters(t *testing.T) {
	const n = 40
	dir := t.TempDir()
	ours := filepath.Join(dir, "ours.pcapng")
	f, err := Create(ours, FileConfig{WriterConfig: WriterConfig{Interfaces: []Interface{{Link: LinkEthernet}}}})
	if err != nil {
		t.Fatal(err)
	}
	packets := samplePackets(n)
	for i := range packets {
		f.WritePacket(&packets[i])
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"pcapng", "pcap", "nsecpcap", "modpcap"} {
		name := filepath.Join(dir, kind)
		tool(t, "editcap", "-F", kind, ours, name)
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := readAll(t, file)
		if kind == "modpcap" { // a variant with longer records
			if err == nil || !strings.Contains(err.Error(), "a1b2cd34") && !strings.Contains(err.Error(), "34 cd b2 a1") {
				t.Errorf("modified pcap: %v", err)
			}
			continue
		}
		if len(got) != n {
			t.Fatalf("%s: %d packets, want %d: %v", kind, len(got), n, err)
		}
		for i, p := range got {
			want := packets[i].Time
			if kind == "pcap" {
				want -= want % 1000
			}
			if p.Time != want || !bytes.Equal(p.Data, packets[i].Data) || p.Length != packets[i].Length {
				t.Errorf("%s: packet %d is %+v", kind, i, p)
			}
		}
	}
	name := filepath.Join(dir, "tcpdump")
	tool(t, "tcpdump", "-r", ours, "-w", name)
	if got := countPackets(t, name); got != n {
		t.Errorf("tcpdump -w: %d packets, want %d", got, n)
	}
}

// TestForeignLive lets tcpdump and us watch the same traffic.
func TestForeignLive(t *testing.T) {
	h := newHosts(t)
	name := filepath.Join(t.TempDir(), "live.pcapng")
	l := h.open(h.b, Config{Interface: Any})
	f, err := Create(name, FileConfig{WriterConfig: WriterConfig{Interfaces: l.Interfaces()}})
	if err != nil {
		t.Fatal(err)
	}
	h.udp(h.a, "10.99.0.2:9", 20, 100)
	h.udp(h.b, "127.0.0.1:9", 10, 100)
	want := 0
	for _, p := range collect(t, l, func(p *Packet) bool { return true }) {
		if err := f.WritePacket(&p); err != nil {
			t.Fatal(err)
		}
		want++
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(tool(t, "tcpdump", "-nr", name), "\n")
	datagrams := strings.Count(tool(t, "tshark", "-nr", name, "-Y", "udp.dstport==9 && !icmp"), "\n")
	if lines != want || datagrams != 30 {
		t.Errorf("tcpdump prints %d lines of %d packets, tshark %d datagrams, want 30", lines, want, datagrams)
	}
}

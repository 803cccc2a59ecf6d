package sniff

import (
	"strings"
	"testing"
	"time"

	"sonde/capture"
)

// loaded reads the packets of a file into memory.
func loaded(t testing.TB, file string) []capture.Packet {
	t.Helper()
	r, err := capture.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []capture.Packet
	var p capture.Packet
	for r.Next(&p) == nil {
		all = append(all, p.Clone())
	}
	return all
}

// tcpOf keeps the TCP packets over IPv4.
func tcpOf(all []capture.Packet) []capture.Packet {
	var tcp []capture.Packet
	for _, p := range all {
		if len(p.Data) > 34 && p.Data[12] == 8 && p.Data[13] == 0 && p.Data[23] == 6 {
			tcp = append(tcp, p)
		}
	}
	return tcp
}

func TestPrinterAllocations(t *testing.T) {
	packets := tcpOf(loaded(t, "testdata/eth.pcap"))
	w := NewPrinter(Style{Numeric: true}, nil)
	var out []byte
	i := 0
	one := func() {
		out = w.AppendPacket(out[:0], &packets[i%len(packets)])
		i++
	}
	for range packets {
		one()
	}
	if n := testing.AllocsPerRun(200, one); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func BenchmarkLine(b *testing.B) {
	packets := tcpOf(loaded(b, "testdata/eth.pcap"))
	w := NewPrinter(Style{Numeric: true}, nil)
	var out []byte
	for i := 0; b.Loop(); i++ {
		out = w.AppendPacket(out[:0], &packets[i%len(packets)])
	}
}

// FuzzPrinter prints any bytes: no panic, and nothing that a terminal obeys.
func FuzzPrinter(f *testing.F) {
	for _, p := range loaded(f, "testdata/eth.pcap") {
		f.Add(uint16(p.Link), p.Data)
	}
	for _, p := range loaded(f, "testdata/any.pcap")[:20] {
		f.Add(uint16(p.Link), p.Data)
	}
	styles := []Style{{Numeric: true}, {Verbose: 3, Link: true, Numeric: true}, {Quiet: true}, {HexASCII: 2}, {ASCII: true}}
	f.Fuzz(func(t *testing.T, link uint16, data []byte) {
		for _, s := range styles {
			w := NewPrinter(s, nil)
			p := capture.Packet{Data: data, Length: len(data), Link: capture.LinkType(link), Time: 1e18}
			for _, out := range [][]byte{w.AppendPacket(nil, &p), w.AppendJSON(nil, &p)} {
				for _, c := range out {
					if c < ' ' && c != '\n' && c != '\t' || c > 0x7e {
						t.Fatalf("byte %#x reaches the terminal in %q", c, out)
					}
				}
			}
		}
	})
}

func TestStamp(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("test", 3600)
	at := time.Date(2026, 1, 31, 23, 30, 5, 123456789, time.UTC).UnixNano()
	tests := []struct {
		style      TimeStyle
		nano       bool
		one, other string // of a packet, and of one 90.5 s before it
	}{
		{TimeOfDay, false, "00:30:05.123456 ", "00:28:34.623456 "},
		{TimeOfDay, true, "00:30:05.123456789 ", "00:28:34.623456789 "},
		{TimeNone, false, "", ""},
		{TimeUnix, false, "1769902205.123456 ", "1769902114.623456 "},
		{TimeDelta, false, " 00:00:00.000000 ", "-00:01:30.500000 "},
		{TimeDate, false, "2026-02-01 00:30:05.123456 ", "2026-02-01 00:28:34.623456 "},
		{TimeOffset, true, " 00:00:00.000000000 ", "-00:01:30.500000000 "},
	}
	for _, tt := range tests {
		s := stamp{style: tt.style, nano: tt.nano}
		if one, other := string(s.append(nil, at)), string(s.append(nil, at-90_500_000_000)); one != tt.one || other != tt.other {
			t.Errorf("style %d: %q and %q, want %q and %q", tt.style, one, other, tt.one, tt.other)
		}
	}
	s := stamp{}
	if got := string(s.append(nil, -1)); got != "00:59:59.999999 " {
		t.Errorf("before 1970: %q", got)
	}
}

// TestCredentials: with -v a whole head is printed, but for what opens something.
func TestCredentials(t *testing.T) {
	const head = "GET /a?access_token=t0p&b=c HTTP/1.1\r\nAuthorization: Bearer t0p\r\nCookie: id=t0p\r\nHost: h\r\n\r\nbody"
	frame := append(make([]byte, 0, 256), 0x45, 0, 0, byte(40+len(head)), 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		200, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0)
	frame = append(frame, head...)
	p := capture.Packet{Link: capture.LinkRaw, Data: frame, Length: len(frame)}
	for _, verbose := range []int{0, 1} {
		for _, secrets := range []bool{false, true} {
			out := string(NewPrinter(Style{Numeric: true, Verbose: verbose, Secrets: secrets}, nil).AppendPacket(nil, &p))
			if strings.Contains(out, "t0p") != secrets || !strings.Contains(out, "b=c HTTP/1.1") || strings.Contains(out, "Host: h") != (verbose > 0) {
				t.Errorf("verbose %d, secrets %v:\n%s", verbose, secrets, out)
			}
		}
	}
}

func TestSequencesAreBounded(t *testing.T) {
	var s sequences
	for i := range 5 * generation {
		s.put(connection{ports: [2]uint16{uint16(i), uint16(i >> 16)}}, origin{})
		if len(s.young)+len(s.old) > 2*generation {
			t.Fatal("too many connections are remembered")
		}
	}
}

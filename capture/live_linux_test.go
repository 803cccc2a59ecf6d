package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// collect stops the capture and returns what it had, for which keep is true.
func collect(t testing.TB, l *Live, keep func(*Packet) bool) []Packet {
	t.Helper()
	l.Stop()
	var got []Packet
	var p Packet
	for {
		err := l.Next(&p)
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if keep(&p) {
			got = append(got, p.Clone())
		}
	}
}

// udpTo tells datagrams by their destination port and payload length, whether
// IPv4 or IPv6, behind an Ethernet header without tag.
func udpTo(port, size int) func(*Packet) bool {
	return func(p *Packet) bool {
		b := p.Data
		if len(b) < 14 {
			return false
		}
		udp := 14 + 20
		switch binary.BigEndian.Uint16(b[12:]) {
		case 0x0800:
			if len(b) < udp+8 || b[23] != unix.IPPROTO_UDP {
				return false
			}
		case 0x86dd:
			udp = 14 + 40
			if len(b) < udp+8 || b[20] != unix.IPPROTO_UDP {
				return false
			}
		default:
			return false
		}
		return int(binary.BigEndian.Uint16(b[udp+2:])) == port && int(binary.BigEndian.Uint16(b[udp+4:])) == size+8
	}
}

func TestLiveVeth(t *testing.T) {
	h := newHosts(t)
	before := time.Now()
	l := h.open(h.b, Config{Interface: "vb"})
	h.udp(h.a, "10.99.0.2:9", 5, 100)
	h.udp(h.a, "[fd99::2]:9", 3, 100)
	h.udp(h.b, "10.99.0.1:9", 2, 100)
	got := collect(t, l, udpTo(9, 100))
	var in, out, six int
	for i := range got {
		p := &got[i]
		if at := p.Timestamp(); at.Before(before) || at.After(time.Now()) {
			t.Errorf("packet at %v, sent after %v", at, before)
		}
		if p.Length != len(p.Data) || p.Link != LinkEthernet || p.IfIndex == 0 {
			t.Errorf("length %d of %d, link %v, interface %d", len(p.Data), p.Length, p.Link, p.IfIndex)
		}
		switch {
		case p.Data[12] == 0x86:
			six++
		case p.Direction == In && p.Reception == Unicast:
			in++
		case p.Direction == Out:
			out++
		}
	}
	if in != 5 || out != 2 || six != 3 {
		t.Errorf("got %d in, %d out, %d IPv6; want 5, 2, 3", in, out, six)
	}
	s, err := l.Stats()
	if err != nil || s.Dropped != 0 || s.Captured < 10 || s.Captured > s.Received {
		t.Errorf("stats %+v, %v", s, err)
	}
	if got[0].Time%1000 == 0 && got[1].Time%1000 == 0 && got[2].Time%1000 == 0 {
		t.Error("time stamps are not nanoseconds")
	}
}

func TestLiveFragmentsAndSnap(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "vb", SnapLen: 60})
	h.udp(h.a, "10.99.0.2:9", 1, 4000)
	got := collect(t, l, func(p *Packet) bool { return len(p.Data) > 23 && p.Data[23] == unix.IPPROTO_UDP })
	if len(got) != 3 {
		t.Fatalf("got %d fragments, want 3", len(got))
	}
	total := 0
	for i, p := range got {
		if len(p.Data) != 60 {
			t.Errorf("fragment %d has %d bytes, want 60", i, len(p.Data))
		}
		total += p.Length - 34
	}
	if total != 4008 {
		t.Errorf("the fragments carry %d bytes, want 4008", total)
	}
}

func TestLiveLoopbackOnce(t *testing.T) {
	h := newHosts(t)
	tests := []struct {
		name string
		cfg  Config
		want int
	}{
		{"lo", Config{Interface: "lo"}, 4},
		{"lo in", Config{Interface: "lo", Direction: In}, 4},
		{"lo out", Config{Interface: "lo", Direction: Out}, 4},
		{"any", Config{Interface: Any}, 4},
		{"any in", Config{Interface: Any, Direction: In}, 4},
		{"any out", Config{Interface: Any, Direction: Out}, 4},
		{"ip only", Config{Interface: "lo", EtherType: unix.ETH_P_IP}, 4},
	}
	for _, tt := range tests {
		l := h.open(h.a, tt.cfg)
		h.udp(h.a, "127.0.0.1:9", 4, 33)
		got := collect(t, l, func(p *Packet) bool { return bytes.HasSuffix(p.Data, make([]byte, 33)) && len(p.Data) < 90 })
		if len(got) != tt.want {
			t.Errorf("%s: %d packets, want %d", tt.name, len(got), tt.want)
		}
	}
}

func TestLiveEtherTypeSeesIncomingOnly(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "vb", EtherType: unix.ETH_P_IP})
	h.udp(h.a, "10.99.0.2:9", 1, 50)
	h.udp(h.b, "10.99.0.1:9", 1, 50)
	got := collect(t, l, udpTo(9, 50))
	if len(got) != 1 || got[0].Direction != In {
		t.Errorf("got %d packets, want the incoming one", len(got))
	}
}

func TestLiveAny(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: Any})
	h.udp(h.a, "10.99.0.2:9", 1, 77)
	var vb device
	var err error
	h.in(h.b, func() { vb, err = query("vb") })
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, l, func(p *Packet) bool { return len(p.Data) == 20+20+8+77 })
	if len(got) != 1 {
		t.Fatalf("%d packets, want 1", len(got))
	}
	p := got[0]
	want := []byte{8, 0, 0, 0, 0, 0, 0, byte(vb.index), 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}
	if !bytes.Equal(p.Data[:20], want) || p.Link != LinkLinuxSLL2 || p.IfIndex != vb.index {
		t.Errorf("header % x, want % x; link %v, interface %d", p.Data[:20], want, p.Link, p.IfIndex)
	}
}

// TestLiveVLAN sends tagged frames. The receiving kernel takes the tags out before
// the tap; on the sender's own side they are still in.
func TestLiveVLAN(t *testing.T) {
	h := newHosts(t)
	raw, cooked, sender := h.open(h.b, Config{Interface: "vb"}), h.open(h.b, Config{Interface: Any}), h.open(h.a, Config{Interface: "va"})
	plain := blastFrame()
	for _, tpid := range []uint16{0x8100, 0x88a8} {
		frame := slices.Concat(plain[:12], []byte{byte(tpid >> 8), byte(tpid), 0x60, 7}, plain[12:])
		h.send(h.a, "va", frame)
		want := func(p *Packet) bool { return bytes.Equal(p.Data, frame) && p.Length == len(frame) }
		if len(collectSome(t, sender, want)) != 1 {
			t.Errorf("%#x: the sender does not see the frame as it is", tpid)
		}
		got := collectSome(t, raw, want)
		if len(got) != 1 || got[0].VLAN != (VLAN{TPID: tpid, TCI: 0x6007}) || got[0].VLAN.ID() != 7 {
			t.Errorf("%#x: %d packets as on the wire: %+v", tpid, len(got), got)
		}
		tagged := collectSome(t, cooked, func(p *Packet) bool { return p.VLAN.Present() })
		if len(tagged) != 1 {
			t.Fatalf("%#x: any has %d tagged packets, want 1", tpid, len(tagged))
		}
		if d := tagged[0].Data; binary.BigEndian.Uint16(d) != tpid || !bytes.Equal(d[20:], frame[14:]) || tagged[0].Length != len(d) {
			t.Errorf("%#x: any has % x", tpid, d)
		}
	}
}

// collectSome reads until nothing has come for a while.
func collectSome(t testing.TB, l *Live, keep func(*Packet) bool) []Packet {
	t.Helper()
	var got []Packet
	var p Packet
	time.Sleep(50 * time.Millisecond)
	for l.Ready() {
		if err := l.Next(&p); err != nil {
			t.Fatal(err)
		}
		if keep(&p) {
			got = append(got, p.Clone())
		}
	}
	return got
}

// send puts a frame on the wire as it is.
func (h *hosts) send(ns, dev string, frame []byte) {
	h.t.Helper()
	h.in(ns, func() {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			h.t.Error(err)
			return
		}
		defer unix.Close(fd)
		d, err := query(dev)
		if err != nil {
			h.t.Error(err)
			return
		}
		defer h.barrier()()
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: d.index}); err != nil {
			h.t.Error(err)
		}
	})
}

func TestLiveStopAndClose(t *testing.T) {
	h := newHosts(t)
	ended := func(end func(*Live)) error {
		l := h.open(h.b, Config{Interface: "lo"})
		got := make(chan error, 1)
		go func() {
			var p Packet
			got <- l.Next(&p)
		}()
		time.Sleep(20 * time.Millisecond)
		end(l)
		select {
		case err := <-got:
			return err
		case <-time.After(5 * time.Second):
			t.Fatal("Next did not come back")
			return nil
		}
	}
	if err := ended((*Live).Stop); !errors.Is(err, io.EOF) {
		t.Errorf("after Stop: %v, want EOF", err)
	}
	if err := ended(func(l *Live) { l.Close() }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}

// TestLiveDataAfterClose looks at borrowed bytes that are gone.
func TestLiveDataAfterClose(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "lo"})
	h.udp(h.b, "127.0.0.1:9", 3, 10)
	var p Packet
	if err := l.Next(&p); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if slices.ContainsFunc(p.Data, func(b byte) bool { return b != 0 }) {
		t.Error("bytes survive the ring that they were in")
	}
	for range 10 {
		if err := l.Next(&p); errors.Is(err, ErrClosed) {
			return
		}
	}
	t.Error("Next goes on after Close")
}

// TestLiveFlood fills a small ring that nobody reads: packets are dropped and
// counted, and the rest is there afterwards.
func TestLiveFlood(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "lo", RingSize: 64 << 10})
	const sent = 3000
	h.udp(h.b, "127.0.0.1:9", sent, 200)
	n := len(collect(t, l, func(*Packet) bool { return true }))
	s, err := l.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s.Dropped == 0 || s.Freezes == 0 || uint64(n) != s.Captured || s.Received != s.Captured+s.Dropped || s.Received < sent {
		t.Errorf("%d packets read, stats %+v", n, s)
	}
}

func TestLiveInterfaceGoes(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "vb"})
	h.run("ip", "-n", h.b, "link", "set", "vb", "down")
	h.run("ip", "-n", h.b, "link", "set", "vb", "up")
	h.run("ip", "-n", h.b, "addr", "replace", "10.99.0.2/24", "dev", "vb")
	got := make(chan error, 1)
	go func() {
		var p Packet
		var err error
		for err == nil {
			err = l.Next(&p)
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("going down and up ended the capture: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	h.run("ip", "-n", h.b, "link", "del", "vb")
	select {
	case err := <-got:
		if !errors.Is(err, unix.ENODEV) {
			t.Errorf("a lost interface: %v, want ENODEV", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("a lost interface is not noticed")
	}
}

func TestFanout(t *testing.T) {
	h := newHosts(t)
	var group []*Live
	var err error
	h.in(h.b, func() { group, err = OpenFanout(Config{Interface: "vb", RingSize: 1 << 20}, 3, FanoutBalance) })
	if err != nil {
		t.Fatal(err)
	}
	h.udp(h.a, "10.99.0.2:9", 30, 55)
	total := 0
	for i, l := range group {
		n := len(collect(t, l, udpTo(9, 55)))
		if n == 0 {
			t.Errorf("source %d of the group has nothing", i)
		}
		total += n
		l.Close()
	}
	if total != 30 {
		t.Errorf("the group has %d packets, want 30", total)
	}
}

func TestOpenErrors(t *testing.T) {
	needRoot(t)
	tests := []struct {
		cfg  Config
		want string
	}{
		{Config{}, "no interface named"},
		{Config{Interface: "nosuchdevice"}, "nosuchdevice"},
		{Config{Interface: "a name that is much too long"}, "no such name"},
		{Config{Interface: "lo", SnapLen: -1}, "snap length"},
		{Config{Interface: "lo", RingSize: MaxRingSize + 1}, "ring size"},
		{Config{Interface: "lo", BlockSize: 5000}, "block size"},
		{Config{Interface: "lo", Retire: time.Microsecond}, "retire time"},
		{Config{Interface: "lo", Filter: make([]bpf.RawInstruction, 5000)}, "5000 instructions"},
	}
	for _, tt := range tests {
		l, err := Open(tt.cfg)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.cfg, err, tt.want)
		}
	}
}

func TestLiveAllocations(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "lo"})
	h.udp(h.b, "127.0.0.1:9", 300, 10)
	var p Packet
	if err := l.Next(&p); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(200, func() {
		if err := l.Next(&p); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestDevices(t *testing.T) {
	h := newHosts(t)
	var d Device
	for tries := 0; d.State != "up" && tries < 30; tries++ { // the kernel takes its time to notice the carrier
		var devices []Device
		var err error
		h.in(h.b, func() { devices, err = Devices() })
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(devices, func(d Device) bool { return d.Name == "vb" })
		if i < 0 {
			t.Fatalf("no vb among %+v", devices)
		}
		d = devices[i]
		time.Sleep(100 * time.Millisecond)
	}
	hw, _ := net.ParseMAC(d.Hardware)
	if d.MTU != 1500 || d.Queue != 1000 || d.Link != LinkEthernet || d.State != "up" || !d.Permitted ||
		hw.String() != "02:00:00:00:00:02" || d.Flags&FlagUp == 0 || d.Flags&FlagLoopback != 0 {
		t.Errorf("%+v", d)
	}
	var prefixes []string
	for _, a := range d.Addrs {
		prefixes = append(prefixes, a.Prefix.String())
	}
	if !slices.Contains(prefixes, "10.99.0.2/24") || !slices.Contains(prefixes, "fd99::2/64") {
		t.Errorf("addresses %v", prefixes)
	}
}

func TestLiveAwait(t *testing.T) {
	h := newHosts(t)
	l := h.open(h.b, Config{Interface: "lo"})
	if l.Ready() || l.Await(20*time.Millisecond) {
		t.Error("something is ready on a silent interface")
	}
	h.udp(h.b, "127.0.0.1:9", 1, 10)
	if !l.Await(5*time.Second) || !l.Ready() {
		t.Error("nothing is ready after a packet")
	}
	var p Packet
	if err := l.Next(&p); err != nil {
		t.Fatal(err)
	}
	for l.Await(50 * time.Millisecond) { // the refusal by ICMP
		if err := l.Next(&p); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	if !l.Await(time.Hour) {
		t.Error("a closed source keeps waiting")
	}
}

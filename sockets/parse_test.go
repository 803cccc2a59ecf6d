package sockets

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestInfoLengths: a struct of any length gives the fields that it holds.
func TestInfoLengths(t *testing.T) {
	raw := make([]byte, 400)
	for i := range raw {
		raw[i] = 1
	}
	for _, row := range []struct {
		size  int
		value func(TCPInfo) bool
	}{
		{104, func(i TCPInfo) bool { return i.TotalRetransmits != 0 }},
		{120, func(i TCPInfo) bool { return i.MaxPacingRate != 0 }},
		{136, func(i TCPInfo) bool { return i.BytesReceived != 0 }},
		{144, func(i TCPInfo) bool { return i.SegmentsIn != 0 }},
		{160, func(i TCPInfo) bool { return i.DataSegmentsOut != 0 }},
		{168, func(i TCPInfo) bool { return i.DeliveryRate != 0 }},
		{192, func(i TCPInfo) bool { return i.SendBufferLimited != 0 }},
		{200, func(i TCPInfo) bool { return i.DeliveredCE != 0 }},
		{224, func(i TCPInfo) bool { return i.ReorderingSeen != 0 }},
		{232, func(i TCPInfo) bool { return i.SendWindow != 0 }},
		{240, func(i TCPInfo) bool { return i.Rehashes != 0 }},
		{248, func(i TCPInfo) bool { return i.TimeoutTime != 0 }},
		{276, func(i TCPInfo) bool { return i.ReceivedCEBytes != 0 }},
	} {
		info := ParseTCPInfo(raw[:row.size])
		if !row.value(info) || info.Size != row.size {
			t.Errorf("with %d bytes the last field is missing: %+v", row.size, info)
		}
		if row.value(ParseTCPInfo(raw[:row.size-8])) {
			t.Errorf("with %d bytes the field after them is there", row.size-8)
		}
	}
	if info := ParseTCPInfo(raw); info.Size != 400 || info.ReceivedCEBytes == 0 {
		t.Errorf("a struct of the future gives %+v", info)
	}
	if info := ParseTCPInfo(nil); info != (TCPInfo{}) {
		t.Errorf("no bytes give %+v", info)
	}
}

func TestInfoUnknown(t *testing.T) {
	raw := bytes.Repeat([]byte{0xff}, infoSize)
	if info := ParseTCPInfo(raw); info.MinRTT != 0 || info.Busy <= 0 {
		t.Errorf("all ones give a shortest round trip of %v, busy %v", info.MinRTT, info.Busy)
	}
	info := ParseTCPInfo([]byte{0, 0, 0, 0, 0, 0, 0xa7, 0x05})
	if bigEndian {
		info = ParseTCPInfo([]byte{0, 0, 0, 0, 0, 0, 0x7a, 0xc0})
	}
	if info.SendWindowScale != 7 || info.RecvWindowScale != 10 || !info.AppLimited || info.FastOpenFailure != 2 {
		t.Errorf("bit fields: %d %d %v %d", info.SendWindowScale, info.RecvWindowScale, info.AppLimited, info.FastOpenFailure)
	}
}

// answer builds an inet_diag answer about the same socket that a request for it
// would name.
func answer(s *Socket, attributes []byte) []byte {
	b := make([]byte, 4, inetAnswerSize)
	b[0], b[1] = kernelFamily(s.Family), byte(s.State)
	b[2], b[3] = byte(s.Timer.Kind), s.Timer.Retries
	b = append(b, appendInetIdentity(nil, s)[8:]...)
	for _, n := range []uint32{uint32(s.Timer.Left / time.Millisecond), s.RecvQueue, s.SendQueue, s.UID, s.Inode} {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return append(b, attributes...)
}

func TestParseInet(t *testing.T) {
	attributes := appendAttribute(nil, inetCongestion, []byte("cubic\x00"))
	attributes = appendAttribute(attributes, inetShutdown, []byte{2})
	attributes = appendAttribute(attributes, inetTOS, []byte{8})
	attributes = appendAttribute(attributes, inetTrafficClass, []byte{9})
	attributes = appendAttribute(attributes, inetV6Only, []byte{1})
	attributes = appendAttribute(attributes, inetMark, binary.NativeEndian.AppendUint32(nil, 77))
	attributes = appendAttribute(attributes, inetCgroup, binary.NativeEndian.AppendUint64(nil, 1<<40))
	attributes = appendAttribute(attributes, inetMemory, binary.NativeEndian.AppendUint32(make([]byte, 32), 5))
	attributes = appendAttribute(attributes, 0x3f00, []byte("from the future"))
	for _, address := range [][2]string{
		{"10.0.0.1:80", "10.0.0.2:4000"}, {"[2001:db8::1]:80", "[::1]:4000"}, {"[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.2]:4000"},
	} {
		want := *socketBetween(address[0], address[1])
		want.Cookie, want.Inode, want.UID = 1<<40+3, 12345, 1000
		want.Interface, want.RecvQueue, want.SendQueue = 7, 1, 2
		want.Timer = Timer{TimerKeepAlive, 3, 1500 * time.Millisecond}
		want.Congestion, want.Shutdown, want.TOS, want.TrafficClass = "cubic", 2, 8, 9
		want.V6Only, want.Mark, want.Cgroup, want.Memory = true, 77, 1<<40, Memory{Drops: 5}
		want.Has = DetailCongestion | DetailShutdown | DetailTOS | DetailMemory
		got := Socket{Path: "left from before", Info: TCPInfo{Size: 1}}
		if err := parseInet(answer(&want, attributes), &got, TCP, names{}); err != nil || got != want {
			t.Errorf("got\n%+v, %v; want\n%+v", got, err, want)
		}
	}
	half := *socketBetween("10.0.0.1:80", "10.0.0.2:4000")
	half.State = newSynReceived
	var got Socket
	if err := parseInet(answer(&half, nil), &got, TCP, names{}); err != nil || got.State != SynReceived {
		t.Errorf("a half open connection is %v, %v", got.State, err)
	}
}

func TestNames(t *testing.T) {
	known := names{}
	for i := range 3 * maxNames {
		known.of(binary.NativeEndian.AppendUint32(nil, uint32(i)))
	}
	if len(known) > maxNames {
		t.Errorf("%d names are kept, the limit is %d", len(known), maxNames)
	}
}

func TestParseProc(t *testing.T) {
	if bigEndian {
		t.Skip("the lines were taken from a little-endian machine")
	}
	const (
		v4  = "   2: 0100007F:9CEB 0200000A:0050 01 0000000A:0000000B 02:00000059 00000000  1000        3 45591 1 0000000000000000 20 4 0 10 -1"
		v6  = "   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 x 100 0 0 10 0"
		v6m = "   0: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF00000100007F:1000 06 00000000:00000000 03:00000064 00000000     0        0 0 3 x"
	)
	addr := netip.MustParseAddrPort
	for _, row := range []struct {
		line   string
		family Family
		want   Socket
	}{
		{v4, IPv4, Socket{State: Established, Local: addr("127.0.0.1:40171"), Remote: addr("10.0.0.2:80"), SendQueue: 10,
			RecvQueue: 11, UID: 1000, Inode: 45591, Timer: Timer{TimerKeepAlive, 3, 890 * time.Millisecond}}},
		{v6, IPv6, Socket{State: Listen, Local: addr("[::1]:22"), Remote: addr("[::]:0"), Inode: 777}},
		{v6m, IPv6, Socket{State: TimeWait, Local: addr("127.0.0.1:22"), Remote: addr("127.0.0.1:4096"),
			Timer: Timer{TimerTimeWait, 0, time.Second}}},
	} {
		row.want.Proto, row.want.Family = TCP, row.family
		var got Socket
		if !parseProcInet([]byte(row.line), &got, TCP, row.family) || got != row.want {
			t.Errorf("%s\nis read as %+v\nwant       %+v", row.line, got, row.want)
		}
		for cut := range strings.LastIndex(row.line, " 4") / 2 {
			parseProcInet([]byte(row.line[:cut]), &got, TCP, row.family)
		}
		if parseProcInet([]byte(row.line), &got, TCP, IPv4+IPv6-row.family) {
			t.Errorf("%s is read as the other family", row.line)
		}
	}
	heading := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
	if parseProcInet([]byte(heading), new(Socket), TCP, IPv4) {
		t.Error("the heading is read as a socket")
	}
}

func TestParseProcUnix(t *testing.T) {
	for _, row := range []struct {
		line string
		want Socket
	}{
		{"0000000000000000: 00000002 00000000 00010000 0001 01 10 /run/a b", Socket{State: Listen, Kind: 1, Inode: 10, Path: "/run/a b"}},
		{"0000000000000000: 00000003 00000000 00000000 0001 03 11", Socket{State: Established, Kind: 1, Inode: 11}},
		{"0000000000000000: 00000002 00000000 00000000 0002 01 12 @name", Socket{State: Closed, Kind: 2, Inode: 12, Path: "@name"}},
	} {
		row.want.Proto = Unix
		var got Socket
		if !parseProcUnix([]byte(row.line), &got, names{}) || got != row.want {
			t.Errorf("%s\nis read as %+v", row.line, got)
		}
	}
	if parseProcUnix([]byte("Num       RefCount Protocol Flags    Type St Inode Path"), new(Socket), names{}) {
		t.Error("the heading is read as a socket")
	}
}

// FuzzAnswers: no bytes whatever make the decoders fail in another way than by
// an error.
func FuzzAnswers(f *testing.F) {
	message := func(kind uint16, body []byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(headerSize+len(body)))
		b = binary.NativeEndian.AppendUint16(b, kind)
		return append(append(b, make([]byte, 10)...), body...)
	}
	s := socketBetween("10.0.0.1:80", "10.0.0.2:4000")
	info := appendAttribute(nil, inetInfo, bytes.Repeat([]byte{0xff}, 280))
	f.Add(message(20, answer(s, appendAttribute(info, inetCongestion, []byte("bbr")))))
	f.Add(message(20, answer(socketBetween("[::1]:80", "[::1]:4000"), appendAttribute(nil, inetMemory, make([]byte, 36)))))
	peer := append([]byte{afUnix, 1, 1, 0}, make([]byte, 12)...)
	peer = appendAttribute(peer, unixName, []byte("\x00abstract\x00name"))
	f.Add(message(20, appendAttribute(peer, unixQueues, make([]byte, 8))))
	f.Add(message(messageError, binary.NativeEndian.AppendUint32(nil, math.MaxUint32)))
	f.Add(message(messageDone, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		known := names{}
		for len(b) > 0 {
			m, rest, err := nextMessage(b)
			if err != nil {
				return
			}
			if len(rest) >= len(b) {
				t.Fatal("no progress")
			}
			m.errno()
			var s Socket
			if parseInet(m.body, &s, TCP, known) == nil {
				_ = s.String()
				s.identity()
				appendInetIdentity(nil, &s)
			}
			if parseUnix(m.body, &s, known) == nil {
				_ = s.String()
			}
			ParseTCPInfo(m.body)
			b = rest
		}
	})
}

func FuzzProc(f *testing.F) {
	f.Add([]byte("   2: 0100007F:9CEB 0200000A:0050 01 00000000:00000000 02:00000059 00000000  1000        3 45591 1 0 20"))
	f.Add([]byte("0000000000000000: 00000002 00000000 00010000 0001 01 10 /run/a"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var s Socket
		for _, family := range []Family{IPv4, IPv6} {
			if parseProcInet(line, &s, TCP, family) && !s.Local.IsValid() {
				t.Fatalf("%q gives no address", line)
			}
		}
		parseProcUnix(line, &s, names{})
	})
}

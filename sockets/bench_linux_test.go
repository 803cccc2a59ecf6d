package sockets

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// benchSockets is the number of TCP sockets that the targets are stated for.
const benchSockets = 10_000

// crowd opens connections over loopback until there are n connected sockets. It
// works with bare descriptors, so that the runtime's poller has no part in what
// is measured.
func crowd(tb testing.TB, n int) {
	tb.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < uint64(n+100) {
		tb.Skipf("%d descriptors are needed, the limit is %d", n+100, limit.Cur)
	}
	check := func(err error) {
		if err != nil {
			tb.Helper()
			tb.Fatal(err)
		}
	}
	open := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		check(err)
		tb.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	listener := open()
	check(unix.Bind(listener, &unix.SockaddrInet4{Addr: netip.MustParseAddr("127.0.0.1").As4()}))
	check(unix.Listen(listener, 100))
	address, err := unix.Getsockname(listener)
	check(err)
	for range n / 2 {
		client := open()
		// The client ends with a RST: thousands of TIME-WAIT would take the
		// ports away from the tests that come next.
		check(unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
		check(unix.Connect(client, address))
		server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		check(err)
		tb.Cleanup(func() { unix.Close(server) })
	}
}

// lister is one way of listing every socket; it returns how many there were.
type lister func(tb testing.TB) int

// byWalk lists with this package and formats when asked.
func byWalk(tb testing.TB, detail Detail, format func([]byte, *Socket) []byte) lister {
	table, err := Open(Config{Source: SourceNetlink, Owners: &Owners{MaxAge: time.Nanosecond}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { table.Close() })
	null := openNull(tb)
	var buffer []byte
	return func(tb testing.TB) int {
		n := 0
		buffer = buffer[:0]
		for s, err := range table.All(context.Background(), Query{States: ConnectedStates, Detail: detail}) {
			if err != nil {
				tb.Fatal(err)
			}
			n++
			if format == nil {
				continue
			}
			if buffer = format(buffer, s); len(buffer) > 32<<10 {
				null.Write(buffer)
				buffer = buffer[:0]
			}
		}
		return n
	}
}

// bySS runs ss, its output thrown away.
func bySS(tb testing.TB, flags string) lister {
	path, err := exec.LookPath("ss")
	if err != nil {
		tb.Skip("ss is not installed: ", err)
	}
	null := openNull(tb)
	return func(tb testing.TB) int {
		command := exec.Command(path, flags)
		command.Stdout = null
		if err := command.Run(); err != nil {
			tb.Fatal(err)
		}
		return benchSockets
	}
}

func openNull(tb testing.TB) *os.File {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { null.Close() })
	return null
}

func BenchmarkWalk(b *testing.B) {
	crowd(b, benchSockets)
	for _, row := range []struct {
		name string
		list lister
	}{
		{"plain", byWalk(b, 0, nil)},
		{"info", byWalk(b, DetailInfo|DetailCongestion, nil)},
		{"info-formatted", byWalk(b, DetailInfo|DetailCongestion, appendLine)},
		{"info-owners", byWalk(b, DetailInfo|DetailCongestion|DetailOwner, nil)},
		{"ss-tin", bySS(b, "-tin")},
		{"ss-tinp", bySS(b, "-tinp")},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n := row.list(b); n < benchSockets {
					b.Fatalf("%d sockets were listed, want %d", n, benchSockets)
				}
			}
		})
	}
}

// BenchmarkAgainstSS runs this package and ss in turns, so that both meet the
// same load, and reports how much of ss's time is needed: at most 0.333 with
// TCP_INFO, formatted, and 0.5 with owners.
func BenchmarkAgainstSS(b *testing.B) {
	crowd(b, benchSockets)
	for _, row := range []struct {
		name   string
		detail Detail
		flags  string
	}{
		{"info", DetailInfo | DetailCongestion, "-tin"},
		{"owners", DetailInfo | DetailCongestion | DetailOwner, "-tinp"},
	} {
		b.Run(row.name, func(b *testing.B) {
			ours, theirs := byWalk(b, row.detail, appendLine), bySS(b, row.flags)
			var spent [2]time.Duration
			for b.Loop() {
				for i, list := range []lister{ours, theirs} {
					start := time.Now()
					list(b)
					spent[i] += time.Since(start)
				}
			}
			b.ReportMetric(float64(spent[0])/float64(spent[1]), "of-ss")
			b.ReportMetric(float64(spent[0].Microseconds())/float64(b.N), "µs-ours")
			b.ReportMetric(float64(spent[1].Microseconds())/float64(b.N), "µs-ss")
		})
	}
}

// appendLine formats a socket with the figures that ss -tinp shows.
func appendLine(b []byte, s *Socket) []byte {
	number := func(name string, n uint64) {
		b = append(append(b, ' '), name...)
		b = strconv.AppendUint(b, n, 10)
	}
	milliseconds := func(name string, d time.Duration) {
		b = append(append(b, ' '), name...)
		us := uint64(d / time.Microsecond)
		b = strconv.AppendUint(b, us/1000, 10)
		b = append(b, '.', '0'+byte(us/100%10), '0'+byte(us/10%10), '0'+byte(us%10))
	}
	b = append(b, s.State.String()...)
	number("", uint64(s.RecvQueue))
	number("", uint64(s.SendQueue))
	b = s.Local.AppendTo(append(b, ' '))
	b = s.Remote.AppendTo(append(b, ' '))
	if s.Owner.PID != 0 {
		b = append(append(b, ' '), s.Owner.Command...)
		number("pid=", uint64(s.Owner.PID))
		number("fd=", uint64(s.Owner.FD))
	}
	i := &s.Info
	b = append(append(b, "\n\t "...), s.Congestion...)
	number("wscale:", uint64(i.SendWindowScale))
	milliseconds("rto:", i.RetransmitTimeout)
	milliseconds("rtt:", i.RTT)
	milliseconds("rttvar:", i.RTTVar)
	number("mss:", uint64(i.SendMSS))
	number("pmtu:", uint64(i.PathMTU))
	number("rcvmss:", uint64(i.RecvMSS))
	number("advmss:", uint64(i.AdvertisedMSS))
	number("cwnd:", uint64(i.CongestionWindow))
	number("bytes_sent:", i.BytesSent)
	number("bytes_acked:", i.BytesAcked)
	number("bytes_received:", i.BytesReceived)
	number("segs_out:", uint64(i.SegmentsOut))
	number("segs_in:", uint64(i.SegmentsIn))
	milliseconds("lastsnd:", i.SinceDataSent)
	milliseconds("lastrcv:", i.SinceDataReceived)
	milliseconds("lastack:", i.SinceAckReceived)
	number("pacing_rate ", i.PacingRate)
	number("delivery_rate ", i.DeliveryRate)
	number("delivered:", uint64(i.Delivered))
	number("rcv_space:", uint64(i.RecvSpace))
	number("rcv_ssthresh:", uint64(i.RecvSlowStart))
	milliseconds("minrtt:", i.MinRTT)
	number("snd_wnd:", uint64(i.SendWindow))
	return append(b, '\n')
}

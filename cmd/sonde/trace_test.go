package main

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"sonde/trace"
)

// plainWaterfall draws into text.
func plainWaterfall(width int) (*waterfall, *strings.Builder) {
	var out strings.Builder
	plain := func(s string) string { return s }
	return &waterfall{to: &out, width: width, paint: paint{plain, plain, plain, plain}, bars: width - leftOfBars}, &out
}

// retried is a call that was sent again, over a race that the first address lost.
func retried() *trace.Timeline {
	ms := time.Millisecond
	at := netip.MustParseAddrPort
	return &trace.Timeline{
		Method: "GET", URL: "http://two.test/", End: 10 * ms, Done: true, Status: 200,
		Attempts: []trace.Attempt{
			{Number: 1, End: 2 * ms, Conn: 1, Reused: true, Retried: true, Err: errors.New("closed\n\x1b[2J"), Spans: []trace.Span{
				{Phase: trace.PhaseAcquire, End: ms / 100},
				{Phase: trace.PhaseSend, Start: ms / 100, End: ms},
				{Phase: trace.PhaseWait, Start: ms, End: 2 * ms, Cut: true, Err: errors.New("closed")},
			}},
			{Number: 2, Start: 2 * ms, End: 10 * ms, Conn: 2, Status: 200, Spans: []trace.Span{
				{Phase: trace.PhaseAcquire, Start: 2 * ms, End: 6 * ms},
				{Phase: trace.PhaseDNS, Start: 2 * ms, End: 3 * ms, Host: "two.test",
					Addrs: []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")}},
				{Phase: trace.PhaseConnect, Start: 3 * ms, End: 4 * ms, Remote: at("[2001:db8::1]:80"),
					Err: os.NewSyscallError("connect", syscall.ENETUNREACH)},
				{Phase: trace.PhaseConnect, Start: 4 * ms, End: 6 * ms, Remote: at("192.0.2.1:80")},
				{Phase: trace.PhaseSend, Start: 6 * ms, End: 6*ms + 1},
				{Phase: trace.PhaseWait, Start: 6 * ms, End: 9 * ms},
				{Phase: trace.PhaseReceive, Start: 9 * ms, End: 10 * ms},
			}},
		},
	}
}

// TestWaterfall: attempts and every address of the race have rows of their own.
func TestWaterfall(t *testing.T) {
	w, out := plainWaterfall(72)
	w.draw(retried())
	const want = `
                      0         2         4         6         8    10 ms
attempt 1: closed\n\x1b[2J; sent again
acquire     0.010 ms  ▏ reused
send        0.990 ms  █████
wait        1.000 ms       ░░░░░ closed
attempt 2: 200
dns         1.000 ms            █████ 2001:db8::1 192.0.2.1
connect     1.000 ms                 ░░░░░
         [2001:db8::1]:80: network is unreachable
connect     2.000 ms                      ██████████ 192.0.2.1:80
send        0.000 ms                                ▏
wait        3.000 ms                                ███████████████
receive     1.000 ms                                               █████
total      10.000 ms
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestWaterfallFits: no line is longer than the terminal, and no bar leaves the
// axis, whatever the times are.
func TestWaterfallFits(t *testing.T) {
	for width := 40; width <= 80; width++ {
		for _, end := range []time.Duration{0, 1, time.Microsecond, 9 * time.Millisecond, 99 * time.Millisecond,
			1234 * time.Millisecond, 59 * time.Second, 3 * time.Hour} {
			w, out := plainWaterfall(width)
			one := retried()
			one.End = max(one.End, end)
			one.Attempts[1].Spans[6].End = one.End
			w.draw(one)
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
					t.Fatalf("%d columns of %d, end %v: %q\n%s", n, width, end, line, out)
				}
			}
		}
	}
}

func TestPlainJSON(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plainJSON{f}.Write([]byte("{\"a\":\"é\u009b\u202e\x7f\"}\n"))
	got, _ := os.ReadFile(f.Name())
	if want := "{\"a\":\"é\\u009b\\u202e\\u007f\"}\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFactsDecoded: both sizes of a body that was decoded are told.
func TestFactsDecoded(t *testing.T) {
	w, out := plainWaterfall(80)
	w.facts(&traced{kernel: new(kernelWatch), Timeline: trace.Timeline{Attempts: []trace.Attempt{
		{HeadRead: 90, BodyRead: 10, Codings: "gzip", BodyDecoded: 20_000},
	}}})
	if want := "head 90 B, body 10 B, decoded (gzip) 20000 B (19.5 KiB)"; !strings.Contains(out.String(), want) {
		t.Errorf("%s\nlacks %s", out, want)
	}
}

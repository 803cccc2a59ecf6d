package httpview_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"sonde/capture/flow"
	"sonde/capture/httpview"
)

// TestMemory opens many connections that never come to an end of anything: what
// is kept stays within the bound.
func TestMemory(t *testing.T) {
	starts := map[string][2]string{
		"heads":   {"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 100_000), ""},
		"waiting": {strings.Repeat("GET / HTTP/1.1\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 100), ""},
		"blocks":  {clientPreface + frame(headers, 0, 1, strings.Repeat("x", 100_000)), ""},
		"records": {"\x16\x03\x01\x40\x00" + strings.Repeat("x", 16_000), "\x16\x03\x01\x40\x00" + strings.Repeat("x", 16_000)},
	}
	conns := 1000
	if raceDetector {
		conns = 300 // still several times what fits
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			exchanges := 0
			v := httpview.New(httpview.Config{Memory: 4 << 20, Exchange: func(*httpview.Exchange) { exchanges++ }})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			streams := make([]flow.Stream, conns)
			for i := range streams {
				streams[i] = v.Stream(&flow.Conn{N: i})
				streams[i].Data(flow.FromClient, 1, []byte(start[0]))
				streams[i].Data(flow.FromServer, 1, []byte(start[1]))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
				t.Errorf("%d bytes are kept", grown)
			}
			for _, s := range streams {
				s.End(0, 1, flow.EndFIN)
				s.End(1, 1, flow.EndFIN)
			}
			if httpview.Kept(v) != 0 {
				t.Errorf("%d bytes are still counted", httpview.Kept(v))
			}
			if name == "waiting" && exchanges != 100*conns {
				// Those of a connection that was given up were not all read.
				if exchanges < 3000 {
					t.Errorf("%d exchanges", exchanges)
				}
			}
		})
	}
}

// TestWork sends what was once read in time that grew with its square. What is
// allocated shows it: here it grows with what is sent.
func TestWork(t *testing.T) {
	var streams, away strings.Builder
	for i := range 10_000 {
		streams.WriteString(frame(headers, endStream|endHeaders, uint32(2*i+1), "\x82"))
		away.WriteString(frame(goAway, 0, 0, "\x7f\xff\xff\xff\x00\x00\x00\x00"))
	}
	opened := clientPreface + streams.String()
	tests := []struct {
		name           string
		client, server string
		exchanges      int
	}{
		{"pipeline", strings.Repeat("GET / HTTP/1.1\r\n\r\n", 3200), "", 3200},
		{"folded field", "GET / HTTP/1.1\r\nA: b\r\n" + strings.Repeat(" c\r\n", 50_000) + "\r\n", "", 1},
		{"open streams", opened, "", 10_000},
		{"go-aways", opened, away.String(), 10_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exchanges := 0
			v := httpview.New(httpview.Config{Exchange: func(*httpview.Exchange) { exchanges++ }})
			st := v.Stream(&flow.Conn{})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			st.Data(flow.FromClient, 1, []byte(tt.client))
			st.Data(flow.FromServer, 2, []byte(tt.server))
			runtime.ReadMemStats(&after)
			st.End(flow.FromClient, 3, flow.EndFIN)
			st.End(flow.FromServer, 3, flow.EndFIN)
			if exchanges != tt.exchanges {
				t.Errorf("%d exchanges, %d were sent", exchanges, tt.exchanges)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
				t.Errorf("%d bytes were allocated for %d on the wire", n, len(tt.client)+len(tt.server))
			}
		})
	}
}

// TestEmptyLines sends nothing but line ends: they are not kept until something
// else comes, and neither are they by Follow.
func TestEmptyLines(t *testing.T) {
	v := httpview.New(httpview.Config{})
	f := httpview.NewFollow(io.Discard, httpview.FollowConfig{})
	for name, st := range map[string]flow.Stream{"view": v.Stream(&flow.Conn{}), "follow": f.Stream(&flow.Conn{})} {
		empty := []byte(strings.Repeat("\r\n", 4<<10))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 300 {
			st.Data(flow.FromClient, 1, empty)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
			t.Errorf("%s: %d bytes are kept", name, grown)
		}
		runtime.KeepAlive(st)
	}
}

// BenchmarkView reads small exchanges on one connection.
func BenchmarkView(b *testing.B) {
	v := httpview.New(httpview.Config{})
	st := v.Stream(&flow.Conn{})
	get := []byte("GET /path HTTP/1.1\r\nHost: example.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	ok := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\n%0200d", 0)
	b.ReportAllocs()
	for b.Loop() {
		st.Data(flow.FromClient, 1, get)
		st.Data(flow.FromServer, 2, ok)
	}
}

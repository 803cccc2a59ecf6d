package flow_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/internal/build"
)

const (
	client, server = "10.0.0.1", "10.0.0.2"
	syn, ack, fin  = 0x02, 0x10, 0x01
	rst            = 0x04
	ms             = int64(time.Millisecond)
)

// recorder writes down what a stream is told.
type recorder struct {
	log  strings.Builder
	data [2]strings.Builder
	ends int
}

func (r *recorder) Data(d flow.Dir, _ int64, b []byte) {
	fmt.Fprintf(&r.log, "%c:%s ", d.String()[0], b)
	r.data[d].Write(b)
}
func (r *recorder) Gap(d flow.Dir, _ int64, n int64) {
	fmt.Fprintf(&r.log, "%c gap %d ", d.String()[0], n)
}
func (r *recorder) End(d flow.Dir, _ int64, why flow.End) {
	fmt.Fprintf(&r.log, "%c %s ", d.String()[0], why)
	r.ends++
}

// world is a table with a clock and one pair of hosts.
type world struct {
	*flow.Table
	streams []*recorder
	now     int64
	p       decode.Packet
}

func newWorld(l flow.Limits) *world {
	w := &world{Table: flow.NewTable(l), now: 1000 * ms}
	w.Open = func(*flow.Conn) flow.Stream {
		w.streams = append(w.streams, new(recorder))
		return w.streams[len(w.streams)-1]
	}
	return w
}

func (w *world) frame(b []byte) flow.Segment {
	w.now += ms
	w.p.Decode(capture.LinkEthernet, b)
	s := w.Packet(&w.p, w.now)
	for i := range b {
		b[i] = 0xee // what the table kept must be its own
	}
	return s
}

func (w *world) c(flags uint8, seq, ackn uint32, data string) flow.Segment {
	return w.frame(build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: seq, Ack: ackn, Flags: flags}.Frame([]byte(data)))
}

func (w *world) s(flags uint8, seq, ackn uint32, data string) flow.Segment {
	return w.frame(build.TCP{Src: server, Dst: client, SrcPort: 80, DstPort: 40000, Seq: seq, Ack: ackn, Flags: flags}.Frame([]byte(data)))
}

// open shakes hands; data starts at 101 and 501.
func (w *world) open() {
	w.c(syn, 100, 0, "")
	w.s(syn|ack, 500, 101, "")
	w.c(ack, 101, 501, "")
}

func (w *world) want(t *testing.T, log string) {
	t.Helper()
	if got := strings.TrimSpace(w.streams[len(w.streams)-1].log.String()); got != log {
		t.Errorf("the stream was told\n\t%s\nwant\n\t%s", got, log)
	}
}

func TestConversation(t *testing.T) {
	w := newWorld(flow.Limits{})
	w.open()
	w.c(ack, 101, 501, "ping")
	seg := w.s(ack, 501, 105, "pong")
	if seg.Seq != 1 || seg.Ack != 5 || seg.Conn.N != 0 || seg.Dir != flow.FromServer || seg.Conn.Guessed {
		t.Errorf("%+v", seg)
	}
	w.c(ack|fin, 105, 505, "")
	w.s(ack|fin, 505, 106, "")
	seg = w.c(ack, 106, 506, "")
	w.want(t, "c:ping s:pong c closed s closed")
	if !seg.Conn.Closed() || w.Len() != 1 {
		t.Error("the connection lingers, closed")
	}
	w.Advance(w.now + int64(2*time.Minute))
	if w.Len() != 0 {
		t.Error("it should have gone")
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name string
		run  func(w *world) flow.Segment
		want flow.Verdict
		log  string
	}{
		{"retransmission", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			return w.c(ack, 101, 501, "abcd")
		}, flow.Retransmission, "c:abcd"},
		{"overlap", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			return w.c(ack, 103, 501, "cdef")
		}, flow.Overlap, "c:abcd c:ef"},
		{"gap", func(w *world) flow.Segment {
			return w.c(ack, 105, 501, "efgh")
		}, flow.Gap, ""},
		{"out of order", func(w *world) flow.Segment {
			w.c(ack, 105, 501, "efgh")
			return w.c(ack, 101, 501, "abcd")
		}, flow.OutOfOrder, "c:abcd c:efgh"},
		{"retransmission of what is held", func(w *world) flow.Segment {
			w.c(ack, 105, 501, "efgh")
			return w.c(ack, 105, 501, "efgh")
		}, flow.Retransmission, ""},
		{"conflict", func(w *world) flow.Segment {
			w.c(ack, 105, 501, "efgh")
			return w.c(ack, 101, 501, "abcdEF")
		}, flow.OutOfOrder | flow.Overlap | flow.Conflict, "c:abcd c:efgh"},
		{"one segment around a held one", func(w *world) flow.Segment {
			w.c(ack, 103, 501, "cd")
			return w.c(ack, 101, 501, "abcdef")
		}, flow.OutOfOrder | flow.Overlap, "c:ab c:cd c:ef"},
		{"keep-alive", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			return w.c(ack, 104, 501, "d")
		}, flow.KeepAlive, "c:abcd"},
		{"empty keep-alive", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			return w.c(ack, 104, 501, "")
		}, flow.KeepAlive, "c:abcd"},
		{"duplicate ack", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			w.s(ack, 501, 101, "")
			return w.s(ack, 501, 101, "")
		}, flow.DupAck, "c:abcd"},
		{"unseen ack", func(w *world) flow.Segment {
			return w.s(ack, 501, 105, "")
		}, flow.UnseenAck, ""},
		{"an answer to what is missing waits", func(w *world) flow.Segment {
			return w.s(ack, 501, 105, "pong")
		}, flow.UnseenAck, ""},
		{"until it is there", func(w *world) flow.Segment {
			w.s(ack, 501, 105, "pong")
			return w.c(ack, 101, 501, "ping")
		}, 0, "c:ping s:pong"},
		{"far off", func(w *world) flow.Segment {
			return w.c(ack, 101+1<<31, 501, "x")
		}, flow.OutOfWindow, ""},
		{"handshake again", func(w *world) flow.Segment {
			return w.s(syn|ack, 500, 101, "")
		}, flow.Retransmission, ""},
		{"a late FIN behind old bytes", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			return w.c(ack|fin, 101, 501, "abcd")
		}, flow.Overlap, "c:abcd c closed"},
		{"reset", func(w *world) flow.Segment {
			w.c(ack, 101, 501, "abcd")
			w.c(ack, 107, 501, "gh")
			return w.s(rst, 501, 0, "")
		}, 0, "c:abcd c gap 2 c:gh c reset s reset"},
		{"after the end", func(w *world) flow.Segment {
			w.s(rst, 501, 0, "")
			return w.c(ack, 101, 501, "late")
		}, flow.OutOfWindow, "c reset s reset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(flow.Limits{})
			w.open()
			if seg := tt.run(w); seg.Verdict != tt.want {
				t.Errorf("verdict %q, want %q", seg.Verdict, tt.want)
			}
			w.want(t, tt.log)
		})
	}
}

func TestPortReuse(t *testing.T) {
	w := newWorld(flow.Limits{})
	w.open()
	w.c(ack, 101, 501, "one")
	if seg := w.c(syn, 9000, 0, ""); seg.Verdict != flow.PortReuse || seg.Conn.N != 1 || !seg.First {
		t.Errorf("%+v", seg)
	}
	if got := w.streams[0].log.String(); got != "c:one c ports reused s ports reused " {
		t.Errorf("the first was told %q", got)
	}
}

func TestMissingBytes(t *testing.T) {
	t.Run("acknowledged, soon given up", func(t *testing.T) {
		w := newWorld(flow.Limits{})
		w.open()
		w.c(ack, 105, 501, "efgh")
		w.s(ack, 501, 109, "")
		w.now += 200 * ms
		w.s(ack, 501, 109, "pong")
		w.want(t, "c gap 4 c:efgh s:pong")
		if w.Held() != 0 {
			t.Errorf("%d bytes are still held", w.Held())
		}
	})
	t.Run("not acknowledged", func(t *testing.T) {
		w := newWorld(flow.Limits{})
		w.open()
		w.c(ack, 105, 501, "efgh")
		w.Advance(w.now + 29_000*ms)
		w.want(t, "")
		w.Advance(w.now + 31_000*ms)
		w.want(t, "c gap 4 c:efgh")
	})
	t.Run("a request that was never captured", func(t *testing.T) {
		w := newWorld(flow.Limits{})
		w.open()
		w.s(ack, 501, 141, "answer")
		w.Advance(w.now + 200*ms)
		w.want(t, "c gap 40 s:answer")
	})
	t.Run("acknowledged at the end", func(t *testing.T) {
		w := newWorld(flow.Limits{})
		w.open()
		w.s(ack, 501, 141, "")
		w.Close()
		w.want(t, "c gap 40 c capture ended s capture ended")
	})
	t.Run("snap length", func(t *testing.T) {
		w := newWorld(flow.Limits{})
		w.open()
		f := build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: 101, Ack: 501, Flags: ack}.Frame([]byte("abcdefgh"))
		if seg := w.frame(f[:len(f)-3]); seg.Verdict != flow.Cut {
			t.Errorf("verdict %q", seg.Verdict)
		}
		w.c(ack, 109, 501, "ij")
		w.want(t, "c:abcde c gap 3 c:ij")
	})
}

func TestBounds(t *testing.T) {
	w := newWorld(flow.Limits{HeldPerConn: 4000, Held: 8000, Conns: 100})
	w.open()
	for i := range 100_000 {
		w.c(ack, 103+uint32(i)*3, 501, "x")
		if w.Held() > 4000 {
			t.Fatalf("%d bytes held", w.Held())
		}
	}
	for i := range 1000 {
		w.frame(build.TCP{Src: client, Dst: server, SrcPort: uint16(i + 1), DstPort: 80, Seq: 7, Flags: syn}.Frame(nil))
		w.frame(build.TCP{Src: client, Dst: server, SrcPort: uint16(i + 1), DstPort: 80, Seq: 10, Flags: ack}.Frame(make([]byte, 1000)))
	}
	if w.Len() > 100 || w.Held() > 8000 {
		t.Errorf("%d connections, %d bytes held", w.Len(), w.Held())
	}
	w.Close()
	if w.Len() != 0 || w.Held() != 0 {
		t.Errorf("after Close %d connections, %d bytes held", w.Len(), w.Held())
	}
	for i, r := range w.streams {
		if r.ends != 2 {
			t.Errorf("stream %d was ended %d times", i, r.ends)
		}
	}
}

// TestShuffle sends one stream in pieces that overlap, repeat and change places,
// around the wrap of the sequence numbers: what comes out is the stream.
func TestShuffle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		text := make([]byte, 400)
		for i := range text {
			text[i] = 'a' + byte(i%26)
		}
		w := newWorld(flow.Limits{})
		isn := uint32(1<<32 - 200)
		w.c(syn, isn, 0, "")
		w.s(syn|ack, 500, isn+1, "")
		type piece struct{ from, to int }
		var pieces []piece
		for at := 0; at < len(text); {
			to := min(at+1+rnd.IntN(40), len(text))
			pieces = append(pieces, piece{max(0, at-rnd.IntN(20)), to})
			at = to
		}
		rnd.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		pieces = append(pieces, pieces[:len(pieces)/2]...)
		for _, p := range pieces {
			w.c(ack, isn+1+uint32(p.from), 501, string(text[p.from:p.to]))
		}
		w.c(ack|fin, isn+1+uint32(len(text)), 501, "")
		if got := w.streams[0].data[0].String(); got != string(text) {
			t.Fatalf("%v\ngot  %s\nwant %s\n%s", pieces, got, text, w.streams[0].log.String())
		}
		if w.Held() != 0 {
			t.Fatal("bytes are still held")
		}
	}
}

func TestNoAllocation(t *testing.T) {
	w := newWorld(flow.Limits{})
	w.open()
	w.Open = nil
	f := build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: 101, Ack: 501, Flags: ack}.Frame(nil)
	var p decode.Packet
	p.Decode(capture.LinkEthernet, f)
	if n := testing.AllocsPerRun(100, func() { w.TCP(&p, w.now) }); n != 0 {
		t.Errorf("%v allocations for a packet of a known connection", n)
	}
}

func BenchmarkTCP(b *testing.B) {
	w := newWorld(flow.Limits{})
	w.Open = nil
	w.open()
	f := build.TCP{Src: client, Dst: server, SrcPort: 40000, DstPort: 80, Seq: 101, Ack: 501, Flags: ack}.Frame([]byte("0123456789"))
	var p decode.Packet
	seq := uint32(101)
	b.ReportAllocs()
	for b.Loop() {
		p.Decode(capture.LinkEthernet, f)
		p.TCP.Seq = seq
		seq += 10
		w.TCP(&p, w.now)
	}
}

package inspect_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"sonde/inspect"
	"sonde/internal/watchtest"
	"sonde/trace"
)

// TestVerdicts: patterns made of single packets, as no program is at hand for them
// or as they should be told apart from what looks like them.
func TestVerdicts(t *testing.T) {
	const closing = "Connection: close\r\n"
	served := strings.Replace(fine, "\r\n", "\r\n"+closing, 1)
	tests := []struct {
		name string
		run  func(w *wire)
		want string
	}{
		{"server repeats the client's close, and closes first", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", closing, served)
				c.close(1)
			}
		}, "client-asks-close"},
		{"server asks", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", served)
				c.close(1)
			}
		}, "server-asks-close"},
		{"error responses close", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", strings.Replace(served, "200 OK", "503 No", 1))
				c.close(1)
			}
		}, "server-asks-close"},
		{"response ends with the connection", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", "HTTP/1.1 200 OK\r\n\r\nok")
				c.close(1)
			}
		}, "server-asks-close"},
		{"old server", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
				c.close(1)
			}
		}, "http10"},
		{"old server that keeps", func(w *wire) {
			c := w.dial(4000, 1)
			for range 4 {
				c.get("a", "", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")
			}
		}, ""},
		{"limit of three requests, not announced", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				for range 3 {
					c.get("a", "", fine)
				}
				c.close(1)
			}
		}, "server-request-limit"},
		{"server forgets idle connections, by RST", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", fine)
				w.wait(time.Minute)
				c.packet(0, ack, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				c.packet(1, rst, "")
			}
		}, "server-resets [retries]"},
		{"requests meet connections that close", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", fine)
				w.wait(5 * time.Second)
				before := c.seq[0]
				c.packet(0, ack, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				after := c.seq[0]
				c.seq[0] = before // the two cross
				c.packet(1, fin|ack, "")
				c.seq[0] = after
				c.packet(1, rst, "")
			}
		}, "server-idle-timeout [retries]"},
		{"requests are read, and not answered", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", fine)
				w.wait(5 * time.Second)
				c.packet(0, ack, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				c.packet(1, fin|ack, "")
				c.packet(0, fin|ack, "")
			}
		}, "server-resets [retries]"},
		{"one connection for each name", func(w *wire) {
			for n := range uint16(6) {
				w.dial(4000+n, 1).get(string(rune('a'+n))+".example", "", fine)
				w.wait(time.Second)
			}
		}, "names-apart"},
		{"the name moves to another address", func(w *wire) {
			for n := range uint16(6) {
				w.dial(4000+n, byte(1+n)).get("a.example", "", fine)
				w.wait(time.Second)
			}
		}, "dns-changes"},
		{"many servers, one connection each", func(w *wire) {
			for n := range uint16(6) {
				w.dial(4000+n, byte(1+n)).get(string(rune('a'+n))+".example", "", fine)
				w.wait(time.Second)
			}
		}, ""},
		{"a proxy in between", func(w *wire) {
			for n := range uint16(4) {
				c := w.dial(4000+n, 1)
				c.get("a", "", strings.Replace(served, "\r\n", "\r\nVia: 1.1 p\r\n", 1))
				c.close(1)
			}
		}, "server-asks-close proxy-between"},
		{"reset behind the last response", func(w *wire) {
			c := w.dial(4000, 1)
			for range 5 {
				c.get("a", "", fine)
			}
			c.packet(0, rst|ack, "")
		}, ""},
		{"one request and no more", func(w *wire) {
			c := w.dial(4000, 1)
			c.get("a", closing, served)
			c.close(1)
		}, ""},
		{"closed for being idle, and not missed", func(w *wire) {
			c := w.dial(4000, 1)
			for range 5 {
				c.get("a", "", fine)
			}
			w.wait(time.Minute)
			c.close(1)
		}, ""},
		{"an error among many", func(w *wire) {
			c := w.dial(4000, 1)
			for n := range uint16(100) {
				if c.get("a", "", fine); n == 50 {
					c.close(1)
					c = w.dial(4001, 1)
				}
			}
		}, ""},
		{"dialed in vain", func(w *wire) {
			c := w.dial(4000, 1)
			for n := range uint16(20) {
				c.get("a", "", fine)
				if n%5 == 0 {
					w.dial(5000+n, 1).close(0)
				}
			}
		}, ""},
		{"the end of everything", func(w *wire) {
			var all []*call
			for n := range uint16(10) {
				all = append(all, w.dial(4000+n, 1))
			}
			for _, c := range all {
				c.packet(0, ack, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			}
			for _, c := range all {
				c.packet(1, ack, fine)
			}
			for _, c := range all {
				c.close(0)
			}
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire(inspect.Config{})
			tt.run(w)
			r := w.in.Finish()
			t.Logf("%s", r.AppendText(nil))
			checkCauses(t, &r.Verdict, tt.want)
		})
	}
}

// TestConn: who closed, how, what is left behind, and the packets of a request.
func TestConn(t *testing.T) {
	w := newWire(inspect.Config{})
	a := w.dial(4000, 1)
	a.get("a", "", fine)
	w.wait(time.Second)
	a.get("a", "", fine)
	a.packet(1, fin|ack, "")
	a.packet(0, fin|ack, "")
	b := w.dial(4001, 1)
	b.packet(0, ack, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
	b.packet(1, ack, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
	seq := b.seq
	b.packet(0, ack, "")
	b.seq = seq
	b.seq[1] -= 4
	b.packet(1, ack, "some") // again
	b.packet(0, rst, "")
	r := w.in.Finish()
	if len(r.Conns) != 2 {
		t.Fatalf("%d connections", len(r.Conns))
	}
	x, y := &r.Conns[0], &r.Conns[1]
	if x.Requests != 2 || x.End.First != inspect.Server || x.End.How != inspect.FIN || x.End.TimeWait != inspect.Server ||
		x.LongestIdle < time.Second || len(x.Exchanges) != 2 || !x.Exchanges[1].Complete || x.Name != "a" {
		t.Errorf("%+v", x)
	}
	if q := x.Exchanges[0]; q.Sent.Packets != 1 || q.Received.Packets != 0 || q.Method != "GET" || q.Status != 200 {
		t.Errorf("%+v", q)
	}
	if y.Requests != 1 || y.End.First != inspect.Client || y.End.How != inspect.RST || !y.End.Unread || y.End.TimeWait != inspect.NoSide ||
		y.Received.Retransmits != 1 || y.Exchanges[0].Complete {
		t.Errorf("%+v", y)
	}
}

// TestDisputes: where the client and the wire disagree, the report says so.
func TestDisputes(t *testing.T) {
	w := newWire(inspect.Config{})
	c := w.dial(4000, 1)
	e := trace.Event{Conn: 1, Call: 1, Time: w.since.Add(w.now), Detail: &trace.Detail{Local: addrPort(c.client, c.sport), Remote: addrPort(c.server, c.dport)}}
	say := func(k trace.Kind) {
		e.Kind, e.Time = k, w.since.Add(w.now)
		w.in.Record(e)
	}
	say(trace.ConnOpened)
	for n := range 3 {
		say(trace.HeadWritten)
		w.lost = n == 1
		c.get("a", "", fine)
		w.lost = false
	}
	w.in.Dropped(3)
	w.wait(time.Second)
	w.in.Advance(w.since.Add(w.now).UnixNano())
	r := w.in.Finish()
	text := strings.Join(strings.Fields(string(r.AppendText(nil))), " ")
	if !strings.Contains(text, "the client says 3 requests, the packets 2 requests, some of which are missing") ||
		!strings.Contains(text, "at least so high") || !r.Conns[0].AtLeast || r.Verdict.Certain || len(r.Verdict.Limits) != 2 {
		t.Errorf("%s", text)
	}
}

// TestBounded: a long run does not grow with its connections.
func TestBounded(t *testing.T) {
	w := newWire(inspect.Config{Conns: 100, Requests: 2})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const half = 30_000
	run := func() {
		for n := range half {
			c := w.dial(uint16(1024+n%60000), 1)
			c.get("a", "", fine)
			c.close(0)
			w.wait(2 * time.Millisecond)
		}
	}
	run()
	before := heap()
	run()
	grown := int64(heap()) - int64(before)
	r := w.in.Finish()
	if grown > 4<<20 {
		t.Errorf("%d bytes more after the second half", grown)
	}
	if v := r.Verdict; v.Connections != 2*half || v.Requests != 2*half || len(r.Conns) != 100 || r.Forgotten != 2*half-100 {
		t.Errorf("%+v, %d kept, %d forgotten", v, len(r.Conns), r.Forgotten)
	}
	if r.Conns[0].Number >= r.Conns[99].Number || r.Conns[99].Number != 2*half {
		t.Errorf("kept are %d to %d", r.Conns[0].Number, r.Conns[99].Number)
	}
}

// TestManyClients: a server that the world talks to does not grow with its clients,
// and those that were odd are not forgotten.
func TestManyClients(t *testing.T) {
	const clients = 20_000
	w := newWire(inspect.Config{Conns: -1})
	dial := func(n int, port uint16) *call {
		c := &call{w: w, client: [4]byte{10, 0, byte(n >> 8), byte(n)}, server: [4]byte{192, 0, 2, 1}, sport: port, dport: 80,
			seq: [2]uint32{1000, 2000}, window: [2]uint16{65535, 65535}}
		c.packet(0, syn, "")
		c.packet(1, syn|ack, "")
		c.packet(0, ack, "")
		return c
	}
	for n := range clients {
		times := 1
		if n == 5 {
			times = 10
		}
		for k := range times {
			c := dial(n, uint16(4000+k))
			c.get("a", "", fine)
			if times == 1 {
				c.close(0)
			}
			w.wait(30 * time.Millisecond)
		}
	}
	if n := len(w.in.Snapshot(0).Origins); n > 10_000 {
		t.Errorf("%d places for clients, of which all but one are gone", n)
	}
	r := w.in.Finish()
	checkCauses(t, &r.Verdict, "bodies-not-closed client-per-request")
	if v := r.Verdict; v.Connections != clients+9 || v.Requests != clients+9 {
		t.Errorf("%d connections, %d requests", v.Connections, v.Requests)
	}
	if !strings.Contains(strings.Join(r.Notes, " "), "are in the sums only") {
		t.Errorf("notes %q", r.Notes)
	}
}

// TestPage: the page is whole, stands alone, and what servers say cannot leave
// its place.
func TestPage(t *testing.T) {
	w := newWire(inspect.Config{})
	c := w.dial(4000, 1)
	c.get("<script>alert(1)</script>\x1b]0;t\a\u202e\u009b", "", fine)
	c.packet(0, ack, "GET /\x1b[31m\u202e HTTP/1.1\r\n\r\n")
	c.close(0)
	var b bytes.Buffer
	if err := w.in.Finish().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script", "src=", "http://", "https://", "\x1b", "\a", "\u202e", "\u009b"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is in the page", bad)
		}
	}
	for _, good := range []string{"</table>", `class="row"`, "<b style", `class="client"`} {
		if !strings.Contains(page, good) {
			t.Errorf("%q is not in the page", good)
		}
	}
}

// TestAvoidableLive: connections that are left idle count while they are.
func TestAvoidableLive(t *testing.T) {
	w := newWire(inspect.Config{})
	c := w.dial(4000, 1)
	c.get("a", "", fine)
	for n := range uint16(3) {
		w.wait(time.Second)
		w.dial(4001+n, 1).get("a", "", fine)
	}
	avoidable := func() int { return w.in.Snapshot(0).Origins[0].Avoidable }
	if n := avoidable(); n != 3 {
		t.Errorf("%d avoidable connections, want 3", n)
	}
	w.wait(time.Second)
	c.get("a", "", fine) // it is used after all
	if n := avoidable(); n != 2 {
		t.Errorf("%d avoidable connections, want 2", n)
	}
	if o := w.in.Finish().Origins[0]; o.Avoidable != 2 {
		t.Errorf("%d avoidable connections at the end, want 2", o.Avoidable)
	}
}

// TestRefused: what was refused is no connection, and said.
func TestRefused(t *testing.T) {
	w := newWire(inspect.Config{})
	c := &call{w: w, client: [4]byte{192, 0, 2, 100}, server: [4]byte{192, 0, 2, 1}, sport: 4000, dport: 80}
	c.packet(0, syn, "")
	c.packet(1, rst|ack, "")
	w.dial(4001, 1).get("a", "", fine)
	r := w.in.Finish()
	if v := r.Verdict; v.Connections != 1 || !v.Healthy || !strings.Contains(string(r.AppendText(nil)), "1 connection was refused") {
		t.Errorf("%s", r.AppendText(nil))
	}
}

// TestNobody: the report of nothing.
func TestNobody(t *testing.T) {
	r := inspect.New(inspect.Config{}).Finish()
	if !r.Verdict.Healthy || r.Verdict.Causes == nil || !strings.Contains(string(r.AppendText(nil)), "no request was seen") {
		t.Errorf("%+v", r)
	}
}

// checkCauses compares causes with those that are wanted; one in brackets may be
// there or not.
func checkCauses(t *testing.T, v *inspect.Verdict, want string) {
	t.Helper()
	for _, f := range watchtest.Wrong(v, want) {
		t.Error(f)
	}
}

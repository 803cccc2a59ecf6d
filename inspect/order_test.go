package inspect_test

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"

	"sonde/inspect"
	"sonde/sockets"
)

// TestKernelGuessesSide: a first look that meets the server's socket and not its
// listener, because both came while it went on, takes the server for the client. The
// packets know better: it is one connection all the same, at one place, and it was
// needed.
func TestKernelGuessesSide(t *testing.T) {
	client, server := netip.MustParseAddrPort("192.0.2.100:4000"), netip.MustParseAddrPort("192.0.2.1:80")
	look := func(w *wire) {
		var walk iter.Seq2[*sockets.Socket, error] = func(yield func(*sockets.Socket, error) bool) {
			yield(&sockets.Socket{State: sockets.Established, Local: server, Remote: client}, nil)
		}
		if err := w.in.Sockets(w.since.Add(w.now).UnixNano(), walk); err != nil {
			t.Fatal(err)
		}
	}
	check := func(name string, w *wire, before bool) {
		r := w.in.Finish()
		if v := &r.Verdict; v.Connections != 1 || v.Requests != 3 || v.Peak != 1 || !v.Healthy || len(r.Origins) != 1 || len(r.Conns) != 1 {
			t.Fatalf("%s: %+v, %d origins, %d connections", name, v, len(r.Origins), len(r.Conns))
		}
		o, c := &r.Origins[0], &r.Conns[0]
		if o.Server != server || o.Conns != 1 || o.Open != 1 || c.Client != client || c.Server != server || c.Before != before {
			t.Errorf("%s: %+v, %+v", name, o, c)
		}
		if before {
			return
		}
		if c.Why != "the first" {
			t.Errorf("%s: why is %q", name, c.Why)
		}
	}
	gets := func(c *call, n int) {
		for range n {
			c.get("a", "", fine)
		}
	}

	w := newWire(inspect.Config{})
	look(w)
	gets(w.dial(4000, 1), 3)
	check("behind the look", w, false)

	w = newWire(inspect.Config{})
	w.lost = true
	c := w.dial(4000, 1)
	w.lost = false
	look(w)
	gets(c, 3)
	check("no SYN", w, true)

	// The first packet that is seen is the server's.
	w = newWire(inspect.Config{})
	w.lost = true
	c = w.dial(4000, 1)
	gets(c, 1)
	w.lost = false
	look(w)
	c.packet(1, ack, "")
	gets(c, 3)
	check("no SYN, the server first", w, true)
}

// TestKernelSidesUnknown is the same for the process of somebody else: it stays out of
// the books.
func TestKernelSidesUnknown(t *testing.T) {
	w := newWire(inspect.Config{Mine: func(pid int) bool { return pid == 1 }})
	var walk iter.Seq2[*sockets.Socket, error] = func(yield func(*sockets.Socket, error) bool) {
		yield(&sockets.Socket{State: sockets.Established, Owner: sockets.Owner{PID: 2},
			Local: netip.MustParseAddrPort("192.0.2.1:80"), Remote: netip.MustParseAddrPort("192.0.2.100:4000")}, nil)
	}
	if err := w.in.Sockets(w.since.UnixNano(), walk); err != nil {
		t.Fatal(err)
	}
	w.dial(4000, 1).get("a", "", fine)
	if s := w.in.Snapshot(0); s.Conns != 0 || s.Requests != 0 || len(s.Origins) != 0 {
		t.Errorf("%+v", s)
	}
}

// TestRetriesSayWhatWasSeen: a program that asks for the same thing again and again
// looks like one that tries again.
func TestRetriesSayWhatWasSeen(t *testing.T) {
	w := newWire(inspect.Config{})
	for n := range uint16(4) {
		c := w.dial(4000+n, 1)
		c.packet(0, ack, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.close(0)
	}
	text := strings.Join(strings.Fields(string(w.in.Finish().AppendText(nil))), " ")
	for _, want := range []string{"3 requests had the same first line", "or asked for over and over"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// TestManyGaps: that packets are missing is said, however many connections came since.
func TestManyGaps(t *testing.T) {
	w := newWire(inspect.Config{Conns: 5})
	for n := range uint16(40) {
		c := w.dial(4000+n, 1)
		c.get("a", "", fine)
		w.lost = n < 10
		c.get("a", "", fine)
		w.lost = false
		c.get("a", "", fine)
		c.close(0)
		w.wait(10e9)
	}
	v := w.in.Finish().Verdict
	if limits := fmt.Sprint(v.Limits); v.Certain || !strings.Contains(limits, "Packets of 10 connections are missing") {
		t.Errorf("certain is %v, limits are %s", v.Certain, limits)
	}
}

// TestPeakOfLooks: a connection of HTTP/1 has one request under way at most, however
// many segments the kernel has counted since the look before; and when a response
// began no look can tell.
func TestPeakOfLooks(t *testing.T) {
	in := inspect.New(inspect.Config{})
	client, server := netip.MustParseAddrPort("127.0.0.1:4000"), netip.MustParseAddrPort("127.0.0.1:80")
	for n := range uint32(20) {
		s := sockets.Socket{State: sockets.Established, Local: client, Remote: server, Has: sockets.DetailInfo}
		s.Info.DataSegmentsOut, s.Info.DataSegmentsIn = 5*n, max(5*n, 1)-1 // the last one waits
		var walk iter.Seq2[*sockets.Socket, error] = func(yield func(*sockets.Socket, error) bool) {
			_ = yield(&sockets.Socket{State: sockets.Listen, Local: server}, nil) && yield(&s, nil)
		}
		if err := in.Sockets(int64(n+1)*1e9, walk); err != nil {
			t.Fatal(err)
		}
		if s := in.Snapshot(0); s.InFlight > 1 {
			t.Fatalf("look %d: %d under way", n, s.InFlight)
		}
	}
	r := in.Finish()
	if v := &r.Verdict; v.Connections != 1 || v.Peak != 1 || v.Requests < 50 || r.Origins[0].Median != 0 {
		t.Errorf("%+v, %v", v, r.Origins[0].Median)
	}
}

// TestNoPacketsCame: that none came is not that none could be seen.
func TestNoPacketsCame(t *testing.T) {
	in := inspect.New(inspect.Config{Packets: true})
	if err := in.Sockets(1e9, func(func(*sockets.Socket, error) bool) {}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(in.Finish().Verdict.Limits), "[No request was seen.]"; got != want {
		t.Errorf("limits are %s", got)
	}
}

// TestLateRequests: requests that were sent on a connection behind the server's FIN are
// counted, whether or not they crossed it.
func TestLateRequests(t *testing.T) {
	w := newWire(inspect.Config{})
	for n := range uint16(4) {
		c := w.dial(4000+n, 1)
		c.get("a", "", fine)
		w.wait(5e9)
		c.packet(1, fin|ack, "")
		c.packet(0, ack, "")
		w.wait(4e8)
		c.packet(0, ack, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		c.packet(1, rst, "")
		w.wait(1e8)
	}
	r := w.in.Finish()
	text := strings.Join(strings.Fields(string(r.AppendText(nil))), " ")
	if r.Verdict.Causes[0].Cause != inspect.ServerIdleTimeout ||
		!strings.Contains(text, "3 requests met one that was closed") || !strings.Contains(text, "4 requests met a connection that the server had closed") {
		t.Error(text)
	}
}

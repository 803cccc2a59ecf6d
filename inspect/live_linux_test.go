package inspect_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/filter"
	"sonde/capture/keylog"
	"sonde/inspect"
	"sonde/sockets"
)

// watch is an Inspector that hears the packets of one port on lo, and the
// kernel's word on its sockets.
type watch struct {
	t    *testing.T
	in   *inspect.Inspector
	live *capture.Live
	done chan struct{}
	quit chan struct{}
	look chan struct{}
}

// ear says who is heard.
type ear struct {
	deaf  bool // to packets
	blind bool // to sockets
	keys  *keylog.Log
}

// watchPort starts a watch, or skips where packets may not be captured.
func watchPort(t *testing.T, port int, e ear) *watch {
	t.Helper()
	cfg := inspect.Config{Server: func(a netip.AddrPort) bool { return int(a.Port()) == port }}
	cfg.Packets = !e.deaf
	if e.keys != nil {
		cfg.Keys = e.keys
	}
	w := &watch{t: t, in: inspect.New(cfg), done: make(chan struct{}), quit: make(chan struct{}), look: make(chan struct{})}
	if !e.deaf {
		p, err := filter.Compile("tcp port "+strconv.Itoa(port), filter.Options{LinkType: filter.Ethernet, Live: true})
		if err != nil {
			t.Fatal(err)
		}
		w.live, err = capture.Open(capture.Config{Interface: "lo", Filter: p.Raw()})
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		} else if err != nil {
			t.Fatal(err)
		}
		go w.packets()
	}
	if e.blind {
		close(w.look)
	} else {
		go w.kernel(port)
	}
	return w
}

func (w *watch) packets() {
	defer close(w.done)
	var p capture.Packet
	for {
		if err := w.live.Next(&p); err != nil {
			if err != io.EOF {
				w.t.Error(err)
			}
			return
		}
		w.in.Packet(&p)
	}
}

func (w *watch) kernel(port int) {
	defer close(w.look)
	table, err := sockets.Open(sockets.Config{})
	if err != nil {
		w.t.Error(err)
		return
	}
	defer table.Close()
	q := sockets.Query{Filter: sockets.Port(uint16(port)), Detail: sockets.DetailInfo | sockets.DetailOwner}
	for last := false; ; {
		if err := w.in.Sockets(time.Now().UnixNano(), table.All(context.Background(), q)); err != nil {
			w.t.Error(err)
		}
		if last {
			return
		}
		select {
		case <-w.quit:
			last = true
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// report ends the watch.
func (w *watch) report() *inspect.Report {
	w.t.Helper()
	close(w.quit)
	<-w.look
	if w.live != nil {
		w.live.Stop()
		<-w.done
		s, err := w.live.Stats()
		if err != nil {
			w.t.Error(err)
		}
		w.in.Dropped(s.Dropped)
		w.live.Close()
	}
	r := w.in.Finish()
	w.t.Logf("%s", r.AppendText(nil))
	return r
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

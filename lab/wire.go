package lab

import (
	"errors"
	"io"
	"net/netip"
	"strconv"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/filter"
	"sonde/inspect"
)

// wire is the witness that sees the packets of one server on the loopback
// interface: it counts the SYNs, and what it sees is judged from outside, without
// a word of the client's.
type wire struct {
	live *capture.Live // nil where packets cannot be seen
	in   *inspect.Inspector
	done chan struct{}

	opened  map[opening]bool
	dropped uint64
	err     error
	report  *inspect.Report // once it is stopped
}

// opening is a SYN; sent again, it is the same.
type opening struct {
	client netip.AddrPort
	seq    uint32
}

// headSize is how much of a packet is kept: the experiments' are short.
const headSize = 2048

// watchWire starts the witness. Without the privilege, or elsewhere than on Linux,
// there is none.
func watchWire(server netip.AddrPort) *wire {
	w := &wire{opened: map[opening]bool{}, done: make(chan struct{})}
	p, err := filter.Compile("tcp port "+strconv.Itoa(int(server.Port())), filter.Options{LinkType: filter.Ethernet, Live: true})
	if err == nil {
		w.live, err = capture.Open(capture.Config{Interface: "lo", Filter: p.Raw(), SnapLen: headSize})
	}
	if err != nil {
		close(w.done)
		return w
	}
	w.in = inspect.New(inspect.Config{Packets: true, Conns: -1, Requests: -1, Server: func(a netip.AddrPort) bool { return a == server }})
	go w.run(server)
	return w
}

func (w *wire) run(server netip.AddrPort) {
	defer close(w.done)
	var (
		p capture.Packet
		d decode.Packet
	)
	for {
		if err := w.live.Next(&p); err != nil {
			if !errors.Is(err, io.EOF) {
				w.err = err
			}
			return
		}
		d.Decode(p.Link, p.Data)
		if d.Has&decode.LayerTCP != 0 && d.TCP.Flags&(decode.SYN|decode.ACK) == decode.SYN && d.Destination() == server {
			w.opened[opening{d.Source(), d.TCP.Seq}] = true
		}
		w.in.Packet(&p)
	}
}

// stop hears what has arrived, and nothing any more.
func (w *wire) stop() {
	if w.live == nil || w.report != nil {
		return
	}
	w.live.Stop()
	<-w.done
	if s, err := w.live.Stats(); err == nil {
		w.dropped = s.Dropped
		w.in.Dropped(s.Dropped)
	}
	w.live.Close()
	w.report = w.in.Finish()
}

// count is how many connections were opened; nil where they cannot be counted, or
// not all of them.
func (w *wire) count() *int {
	if w.report == nil || w.err != nil || w.dropped > 0 {
		return nil
	}
	n := len(w.opened)
	return &n
}

// verdict is what the packets say about reuse, nil without packets.
func (w *wire) verdict() *inspect.Verdict {
	if w.report == nil {
		return nil
	}
	return &w.report.Verdict
}

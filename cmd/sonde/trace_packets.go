package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"sonde"
	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/sniff"
	"sonde/trace"
)

// packetWatch captures what a trace sends and gets, for the picture and for
// --pcap.
type packetWatch struct {
	live *capture.Live
	done chan struct{}
	err  error

	packets []capture.Packet // owned; in time
	bytes   int
	lost    int // for want of room

	keys  secrets
	spans []span
}

// span is one request on one connection.
type span struct {
	number      int
	title       string
	local, peer netip.AddrPort
	from, to    time.Time
}

// maxPackets bounds the memory for packets.
const maxPackets = 64 << 20

// secrets keeps the lines of a TLS key log.
type secrets struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *secrets) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(line)
}

// watchPackets starts to capture on the loopback interface for a URL of this host,
// and on all otherwise.
func (c *traceCommand) watchPackets(rawURL string) (*packetWatch, error) {
	device, filter := "any", "tcp"
	if u, err := url.Parse(rawURL); err == nil {
		port := u.Port()
		switch {
		case port == "" && u.Scheme == "https":
			port = "443"
		case port == "":
			port = "80"
		}
		if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
			device = "lo"
		}
		if !c.location && !c.proxied() {
			filter = "tcp port " + port
		}
	}
	link, err := capture.LinkOf(device)
	if err != nil {
		return nil, err
	}
	p, err := compileFilter(filter, link, capture.MaxSnapLen, true)
	if err != nil {
		return nil, err
	}
	w := &packetWatch{done: make(chan struct{})}
	if w.live, err = capture.Open(capture.Config{Interface: device, Filter: p.Raw(), Expression: filter}); err != nil {
		return nil, err
	}
	go w.run()
	return w, nil
}

func (w *packetWatch) run() {
	defer close(w.done)
	var p capture.Packet
	for {
		if w.err = w.live.Next(&p); w.err != nil {
			return
		}
		if w.bytes > maxPackets {
			w.lost++
			continue
		}
		w.packets = append(w.packets, p.Clone())
		w.bytes += len(p.Data) + 200
	}
}

// listen starts to capture, if somebody will see it. Without the privilege there is
// nothing, unless a file was asked for.
func (c *traceCommand) listen(req *prepared, cfg *sonde.Config) (*packetWatch, error) {
	if c.pcap == "" && (c.events || c.json || c.har == "-") {
		return nil, nil
	}
	w, err := c.watchPackets(req.URL())
	switch {
	case err != nil && c.pcap != "":
		return nil, packetAdvice(err)
	case err != nil:
		return nil, nil
	}
	if c.pcap != "" {
		w.keep(cfg)
	}
	return w, nil
}

// stop ends the capture, once the connections are closed.
func (w *packetWatch) stop() {
	if w == nil {
		return
	}
	w.live.Stop()
	<-w.done
	if s, err := w.live.Stats(); err == nil {
		w.lost += int(s.Dropped)
	}
	w.live.Close()
}

// keep lets the client tell its secrets, if they are to be written.
func (w *packetWatch) keep(cfg *sonde.Config) {
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{}
	}
	cfg.TLS.KeyLogWriter = &w.keys
}

// note remembers where and when a request was.
func (w *packetWatch) note(number int, t *trace.Timeline) {
	if w == nil {
		return
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.Local.IsValid() && a.Remote.IsValid() {
			w.spans = append(w.spans, span{
				number, t.Method + " " + t.URL, unmapped(a.Local), unmapped(a.Remote), t.Start.Add(a.Start), t.Start.Add(a.End),
			})
		}
	}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// of is the request that a packet belongs to: on its connection the latest that had
// begun by then, the first for those before. out says that it is the client's.
func (w *packetWatch) of(d *decode.Packet, at int64) (s *span, out bool) {
	src, dst := d.Source(), d.Destination()
	for i := range w.spans {
		x := &w.spans[i]
		mine, theirs := src == x.local && dst == x.peer, src == x.peer && dst == x.local
		if (mine || theirs) && (s == nil || x.from.UnixNano() <= at) {
			s, out = x, mine
		}
	}
	return s, out
}

// writePcap writes the packets of the requests, each named by its request, with
// what decrypts them.
func (w *packetWatch) writePcap(name string) (err error) {
	f, err := capture.Create(name, capture.FileConfig{
		WriterConfig: capture.WriterConfig{Interfaces: w.live.Interfaces()}, Private: true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if w.keys.b.Len() > 0 {
		if err := f.WriteSecrets(w.keys.b.Bytes()); err != nil {
			return err
		}
	}
	var d decode.Packet
	for i := range w.packets {
		p := &w.packets[i]
		d.Decode(p.Link, p.Data)
		s, _ := w.of(&d, p.Time)
		if s == nil {
			continue
		}
		p.Comment = fmt.Sprintf("request %d: %s", s.number, s.title)
		if err := f.WritePacket(p); err != nil {
			return err
		}
	}
	return nil
}

// shownPackets bounds the lines of packets under a picture: the first and the last.
const shownPackets = 16

// lines are the packets of a request, in words.
func (w *packetWatch) lines(number int, start time.Time) []string {
	var (
		d     decode.Packet
		lines []string
	)
	table := flow.NewTable(flow.Limits{})
	for i := range w.packets {
		p := &w.packets[i]
		d.Decode(p.Link, p.Data)
		seg := table.Packet(&d, p.Time)
		s, out := w.of(&d, p.Time)
		if s == nil || s.number != number {
			continue
		}
		arrow := "<"
		if out {
			arrow = ">"
		}
		lines = append(lines, fmt.Sprintf("%10s %s %s", millis(time.Duration(p.Time-start.UnixNano())), arrow, packetWords(&d, &seg)))
	}
	if more := len(lines) - shownPackets; more > 0 {
		half := shownPackets / 2
		lines = append(append(lines[:half:half], fmt.Sprintf("%10s   %s more", "…", plural(more, "packet"))), lines[len(lines)-half:]...)
	}
	return lines
}

// proxied reports whether a proxy may be in the way, whose port is another one.
func (c *traceCommand) proxied() bool {
	p := &c.proxyFlags
	text := p.proxy + p.socks5 + p.socks5h
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		text += os.Getenv(name) + os.Getenv(strings.ToUpper(name))
	}
	return text != ""
}

// packetWords says what a segment is for.
func packetWords(d *decode.Packet, seg *flow.Segment) string {
	var words []string
	for _, f := range []struct {
		flag decode.TCPFlags
		name string
	}{{decode.SYN, "SYN"}, {decode.FIN, "FIN"}, {decode.RST, "RST"}, {decode.ACK, "ACK"}} {
		if d.TCP.Flags&f.flag != 0 && (f.flag != decode.ACK || d.Length == 0) {
			words = append(words, f.name)
		}
	}
	if d.Length > 0 {
		words = append(words, plural(d.Length, "byte"))
	}
	text := strings.Join(words, " ")
	if v := seg.Verdict; v != 0 {
		text += ", " + v.String()
	}
	return text
}

// packets writes those of a request under its picture.
func (w *waterfall) packets(p *packetWatch, one *traced) {
	lines := p.lines(1, one.Start)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(w.to)
	fmt.Fprintln(w.to, w.paint.dim("packets"))
	for _, line := range lines {
		fmt.Fprintln(w.to, fitted(line, w.width))
	}
	if p.lost > 0 {
		fmt.Fprintln(w.to, w.paint.bad(plural(p.lost, "packet")+" lost before they could be read"))
	}
}

// packetAdvice is the error of --pcap without the privilege.
func packetAdvice(err error) error {
	if advice := sniff.Advice(err); advice != "" {
		return fmt.Errorf("--pcap: %w\n%s", err, advice)
	}
	return fmt.Errorf("--pcap: %w", err)
}

package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sonde"
	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/sniff"
	"sonde/inspect"
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

	keys secrets

	mu     sync.Mutex
	events []trace.Event // that tell of connections

	calls map[uint64]request // by the client's number
	of    map[int]request    // by the packet's number
	conns []inspect.Conn     // as the events and the packets together tell
}

// request is one of those that were traced.
type request struct {
	number int // from 1
	title  string
}

// What bounds the memory for packets, and the events that are joined with them.
const (
	maxPackets = 64 << 20
	maxEvents  = 1 << 18
)

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
	w := &packetWatch{done: make(chan struct{}), calls: map[uint64]request{}, of: map[int]request{}}
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
	cfg.Sink = trace.Tee(cfg.Sink, w)
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

// Record is of trace.Sink: it keeps what joins the packets with the requests. It does
// no more, as the client waits for it.
func (w *packetWatch) Record(e trace.Event) {
	switch e.Kind {
	case trace.ConnOpened, trace.AcquireDone, trace.HeadWritten, trace.ConnClosed:
		w.mu.Lock()
		defer w.mu.Unlock()
		if e.Conn != 0 && len(w.events) < maxEvents {
			w.events = append(w.events, e)
		}
	}
}

// note remembers which request a call is.
func (w *packetWatch) note(number int, t *trace.Timeline) {
	if w != nil {
		w.calls[t.Call] = request{number, t.Method + " " + t.URL}
	}
}

// join hands events and packets to the Inspector, in time, which says whose each
// packet is.
func (w *packetWatch) join() {
	if w == nil {
		return
	}
	in := inspect.New(inspect.Config{Packets: true, Conns: math.MaxInt, Segments: math.MaxInt})
	events := w.events
	for n := range w.packets {
		for len(events) > 0 && events[0].Time.UnixNano() < w.packets[n].Time {
			in.Record(events[0])
			events = events[1:]
		}
		in.Packet(&w.packets[n])
	}
	for _, e := range events {
		in.Record(e)
	}
	in.Dropped(uint64(w.lost))
	for _, c := range in.Finish().Conns {
		if c.Said.Conn == 0 {
			continue // somebody else's
		}
		w.conns = append(w.conns, c)
		for _, s := range c.Segments {
			if r, ok := w.calls[s.Call]; ok {
				w.of[s.Number] = r
			}
		}
	}
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
	for i := range w.packets {
		r, ok := w.of[i+1]
		if !ok {
			continue
		}
		p := &w.packets[i]
		p.Comment = fmt.Sprintf("request %d: %s", r.number, r.title)
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
	var all []inspect.Segment
	for n := range w.conns {
		for _, s := range w.conns[n].Segments {
			if w.of[s.Number].number == number {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b inspect.Segment) int { return cmp.Compare(a.Number, b.Number) })
	var lines []string
	for n := range all {
		arrow := "<"
		if all[n].From == inspect.Client {
			arrow = ">"
		}
		lines = append(lines, fmt.Sprintf("%10s %s %s", millis(all[n].At.Sub(start)), arrow, packetWords(&all[n])))
	}
	if more := len(lines) - shownPackets; more > 1 {
		half := shownPackets / 2
		lines = append(append(lines[:half:half], fmt.Sprintf("%10s   %s more", "…", plural(more, "packet"))), lines[len(lines)-half:]...)
	}
	return lines
}

// disputes are where the client and the packets disagree about a connection of which
// the packets could be read.
func (w *packetWatch) disputes() (all []string) {
	for n := range w.conns {
		if c := &w.conns[n]; !c.About {
			all = append(all, c.Disputes...)
		}
	}
	return all
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
func packetWords(s *inspect.Segment) string {
	var words []string
	for _, f := range []struct {
		flag decode.TCPFlags
		name string
	}{{decode.SYN, "SYN"}, {decode.FIN, "FIN"}, {decode.RST, "RST"}, {decode.ACK, "ACK"}} {
		if s.Flags&f.flag != 0 && (f.flag != decode.ACK || s.Bytes == 0) {
			words = append(words, f.name)
		}
	}
	if s.Bytes > 0 {
		words = append(words, plural(s.Bytes, "byte"))
	}
	text := strings.Join(words, " ")
	if v := s.Verdict; v != 0 {
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
	for _, d := range p.disputes() {
		fmt.Fprintln(w.to, w.paint.bad(wrap("disputed: "+d, w.width, "")))
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

package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"

	"sonde/inspect"
)

// watchTable shows how things stand: on a terminal as a table that is written over,
// elsewhere as a line now and then.
type watchTable struct {
	c        *watchCommand
	terminal bool
	paint    paint
	start    time.Time

	mu    sync.Mutex
	drawn int // lines on the screen to be written over
	last  inspect.Snapshot
	told  map[place]inspect.Origin
}

type place struct {
	client netip.Addr
	server netip.AddrPort
}

// quietly is how often there is a line without a terminal, unless --interval says.
const quietly = 10 * time.Second

func newWatchTable(c *watchCommand) *watchTable {
	return &watchTable{
		c: c, terminal: isTerminal(c.std.err), paint: paintFor(c.std.err), start: time.Now(), told: map[place]inspect.Origin{},
	}
}

// refresh shows the figures again and again.
func (t *watchTable) refresh(ctx context.Context, w *watching) {
	every := t.c.interval
	if !t.terminal && !t.c.regular {
		every = quietly
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if w.live != nil {
			w.counts()
		}
		now := w.in.Snapshot(shownOrigins)
		switch {
		case t.c.json && t.c.regular:
			t.object(&now)
		case t.terminal:
			t.draw(&now)
		default:
			t.line(&now)
		}
		t.keep(now)
	}
}

// shownOrigins bounds the rows of the table.
const shownOrigins = 10

// keep remembers figures for the differences of the next time.
func (t *watchTable) keep(now inspect.Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = now
	clear(t.told)
	for _, o := range now.Origins {
		t.told[place{o.Client, o.Server}] = o
	}
}

// rate is how many a second that is.
func rate(n int, d time.Duration) string {
	if d <= 0 {
		return "-"
	}
	r := float64(n) / d.Seconds()
	if r >= 10 || r == 0 {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.1f", r)
}

// line writes one line.
func (t *watchTable) line(s *inspect.Snapshot) {
	d := s.At.Sub(t.last.At)
	if t.last.At.IsZero() {
		d = time.Since(t.start)
	}
	open := 0
	for _, o := range s.Origins {
		open += o.Open
	}
	fmt.Fprintf(t.c.std.err, "%s  %d requests (%s/s), %d connections (%s/s), %d open%s\n", time.Now().Format(time.TimeOnly),
		s.Requests, rate(s.Requests-t.last.Requests, d), s.Conns, rate(s.Conns-t.last.Conns, d), open, lossText(s))
}

func lossText(s *inspect.Snapshot) string {
	if s.Witnesses.Dropped == 0 {
		return ""
	}
	return fmt.Sprintf(", %d packets lost", s.Witnesses.Dropped)
}

// draw writes the table over the one before; it is never higher than the screen.
func (t *watchTable) draw(s *inspect.Snapshot) {
	width, height := 80, 24
	if columns, rows, err := term.GetSize(t.c.std.err.Fd()); err == nil && columns > 0 && rows > 1 {
		width, height = columns, rows
	}
	lines := t.rows(s)
	lines = lines[:min(len(lines), height-1)]
	t.mu.Lock()
	defer t.mu.Unlock()
	var out strings.Builder
	out.WriteString(t.up())
	for n, line := range lines {
		line = fitted(line, width-1)
		if n == 0 {
			line = t.paint.title(line)
		} else if n == 1 {
			line = t.paint.dim(line)
		}
		out.WriteString("\r" + line + "\x1b[K\n")
	}
	out.WriteString("\x1b[J")
	t.drawn = len(lines)
	io.WriteString(t.c.std.err, out.String())
}

// up moves the cursor to where the table begins.
func (t *watchTable) up() string {
	if t.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA", t.drawn)
}

// rows are the lines of the table.
func (t *watchTable) rows(s *inspect.Snapshot) []string {
	lines := []string{
		fmt.Sprintf("%s  %d requests on %d connections, %d under way%s", time.Since(t.start).Round(time.Second), s.Requests, s.Conns, s.InFlight, lossText(s)),
		fmt.Sprintf("%-22s %7s %6s %6s %6s %9s %6s %10s", "server", "req/s", "open", "new/s", "reuse", "avoidable", "resent", "first byte"),
	}
	d := s.At.Sub(t.last.At)
	if t.last.At.IsZero() {
		d = time.Since(t.start)
	}
	t.mu.Lock()
	for _, o := range s.Origins {
		before := t.told[place{o.Client, o.Server}]
		lines = append(lines, fmt.Sprintf("%-22s %7s %6d %6s %6s %9d %6d %10s", o.Server,
			rate(o.Requests-before.Requests, d), o.Open, rate(o.Conns-before.Conns, d), reuse(&o), o.Avoidable,
			o.Sent.Retransmits+o.Received.Retransmits, firstByte(&o)))
	}
	t.mu.Unlock()
	if s.States.Total() > 0 {
		lines = append(lines, s.States.String())
	}
	return lines
}

// reuse is the share of requests that needed no new connection.
func reuse(o *inspect.Origin) string {
	if o.Requests == 0 {
		return "-"
	}
	return fmt.Sprintf("%d%%", max(o.Requests-o.Conns, 0)*100/o.Requests)
}

func firstByte(o *inspect.Origin) string {
	if o.Median == 0 {
		return "-"
	}
	return shortTime(o.Median)
}

// clear takes the table off the screen.
func (t *watchTable) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.drawn > 0 {
		fmt.Fprint(t.c.std.err, t.up()+"\r\x1b[J")
		t.drawn = 0
	}
}

// say writes a line beside the table.
func (t *watchTable) say(format string, args ...any) {
	t.clear()
	fmt.Fprintf(t.c.std.err, format+"\n", args...)
}

// around is a writer that takes the table off before it writes.
func (t *watchTable) around(w io.Writer) io.Writer { return &aroundTable{t, w} }

type aroundTable struct {
	t *watchTable
	w io.Writer
}

func (a *aroundTable) Write(b []byte) (int, error) {
	a.t.clear()
	return a.w.Write(b)
}

// liveObject is a Snapshot in JSON.
type liveObject struct {
	At       time.Time    `json:"time"`
	Requests int          `json:"requests"`
	Conns    int          `json:"connections"`
	InFlight int          `json:"in_flight"`
	Dropped  uint64       `json:"packets_lost"`
	Origins  []liveOrigin `json:"origins"`
}

type liveOrigin struct {
	Server    string `json:"server"`
	Client    string `json:"client"`
	Requests  int    `json:"requests"`
	Conns     int    `json:"connections"`
	Open      int    `json:"open"`
	Avoidable int    `json:"avoidable"`
	Resent    int    `json:"retransmissions"`
	Median    int64  `json:"first_byte_ns"`
}

// object writes the figures as a line of JSON.
func (t *watchTable) object(s *inspect.Snapshot) {
	l := liveObject{time.Now().UTC(), s.Requests, s.Conns, s.InFlight, s.Witnesses.Dropped, []liveOrigin{}}
	for _, o := range s.Origins {
		l.Origins = append(l.Origins, liveOrigin{o.Server.String(), o.Client.String(), o.Requests, o.Conns, o.Open, o.Avoidable,
			o.Sent.Retransmits + o.Received.Retransmits, int64(o.Median)})
	}
	if err := writeLine(t.c, struct {
		Live liveObject `json:"live"`
	}{l}); err != nil {
		t.say("%v", err)
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"

	"sonde/sockets"
)

// look is what one look of --watch found.
type look struct {
	at                     time.Time
	census                 *census
	appeared, changed, end int // since the look before
}

// watcher shows looks: on a terminal in place of the one before.
type watcher struct {
	c      *socketsCommand
	differ sockets.Differ
	n      int
	drawn  int // lines on the screen to be written over
	// history holds, per state, the numbers of the latest looks.
	history map[sockets.State][]int
}

// historyLooks is how many looks the picture of a state shows.
const historyLooks = 40

// runWatch looks until it is interrupted, which is no failure.
func (c *socketsCommand) runWatch(ctx context.Context) error {
	w := &watcher{c: c, history: map[sockets.State][]int{}}
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	for {
		l, err := w.look(ctx)
		if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
			return nil
		}
		if err == nil {
			err = w.show(l)
		}
		if err != nil || w.n == c.looks {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look walks all queries, past the differ.
func (w *watcher) look(ctx context.Context) (*look, error) {
	t, err := w.c.newCensus(ctx)
	if err != nil {
		return nil, err
	}
	l := &look{at: time.Now(), census: t}
	for change, err := range w.differ.Changes(w.counted(ctx, t)) {
		switch {
		case err != nil:
			return nil, err
		case w.n == 0: // everything is new then
		case change.Kind == sockets.Appeared:
			l.appeared++
		case change.Kind == sockets.Changed:
			l.changed++
		default:
			l.end++
		}
	}
	w.n++
	return l, nil
}

// counted walks all queries as one, and counts what passes.
func (w *watcher) counted(ctx context.Context, t *census) iter.Seq2[*sockets.Socket, error] {
	return func(yield func(*sockets.Socket, error) bool) {
		for _, q := range w.c.queries {
			for s, err := range w.c.table.All(ctx, q) {
				if err == nil {
					t.add(s)
				}
				if !yield(s, err) || err != nil {
					return
				}
			}
		}
	}
}

func (w *watcher) show(l *look) error {
	switch {
	case w.c.json:
		return json.NewEncoder(w.c.std.out).Encode(watchObject{
			l.at.UTC(), l.census.total(), l.census.protocolsObject(), l.appeared, l.changed, l.end})
	case isTerminal(w.c.std.out):
		return w.draw(l)
	}
	var states sockets.Counts
	for _, counts := range l.census.protos {
		for s, n := range counts.All() {
			states[s] += n
		}
	}
	list := stateList(&states)
	if list != "" {
		list = "  " + list
	}
	_, err := fmt.Fprintf(w.c.std.out, "%s  total %d  +%d ~%d -%d%s\n",
		l.at.Format(time.TimeOnly), l.census.total(), l.appeared, l.changed, l.end, list)
	return err
}

// watchObject is one look in JSON.
type watchObject struct {
	Time      time.Time                 `json:"time"`
	Total     int                       `json:"total"`
	Protocols map[string]map[string]int `json:"protocols"`
	Appeared  int                       `json:"appeared"`
	Changed   int                       `json:"changed"`
	Gone      int                       `json:"gone"`
}

// draw writes the view over the one before. It is never higher than the screen,
// or the cursor could not get back to its top.
func (w *watcher) draw(l *look) error {
	width, height := 80, 24
	if columns, rows, err := term.GetSize(w.c.std.out.Fd()); err == nil && columns > 0 && rows > 1 {
		width, height = columns, rows
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  every %s  %d sockets  +%d appeared ~%d changed -%d gone\n\n",
		l.at.Format(time.TimeOnly), w.c.interval, l.census.total(), l.appeared, l.changed, l.end)
	w.drawStates(&b, l)
	l.census.writePeers(&b, shownPeers)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	lines = lines[:min(len(lines), height-1)]

	var out strings.Builder
	if w.drawn > 0 {
		fmt.Fprintf(&out, "\x1b[%dA", w.drawn)
	}
	for _, line := range lines {
		out.WriteString("\r" + fitted(line, width-1) + "\x1b[K\n")
	}
	out.WriteString("\x1b[J")
	w.drawn = len(lines)
	_, err := io.WriteString(w.c.std.out, out.String())
	return err
}

// drawStates writes a row for each state that was seen since the start: now, the
// least and the most, and a picture of the latest looks.
func (w *watcher) drawStates(b *strings.Builder, l *look) {
	var now sockets.Counts
	for _, counts := range l.census.protos {
		for s, n := range counts.All() {
			now[s] += n
			if w.history[s] == nil {
				w.history[s] = make([]int, min(w.n-1, historyLooks), historyLooks+1)
			}
		}
	}
	fmt.Fprintf(b, "%-11s %7s %7s %7s  %s\n", "State", "now", "least", "most", "latest looks")
	for s := range (sockets.EveryState | sockets.StatesOf(sockets.BoundInactive)).All() {
		past := w.history[s]
		if past == nil {
			continue
		}
		past = append(past, now[s])
		if len(past) > historyLooks {
			past = past[:copy(past, past[1:])]
		}
		w.history[s] = past
		least, most := past[0], past[0]
		for _, n := range past {
			least, most = min(least, n), max(most, n)
		}
		fmt.Fprintf(b, "%-11s %7d %7d %7d  %s\n", stateWord(s), now[s], least, most, bars(past, most))
	}
}

// bars draws numbers between 0 and most.
func bars(numbers []int, most int) string {
	const levels = "▁▂▃▄▅▆▇█"
	steps := []rune(levels)
	var b strings.Builder
	for _, n := range numbers {
		if n == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(steps[(n*len(steps)-1)/most])
	}
	return b.String()
}

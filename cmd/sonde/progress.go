package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// progress tells on standard error what is going on: on a terminal in one line
// that is written over, elsewhere in a line for each step.
type progress struct {
	to       *os.File
	terminal bool
	quiet    bool

	mu   sync.Mutex
	last time.Time
}

func newProgress(to *os.File) *progress { return &progress{to: to, terminal: isTerminal(to)} }

// step says what begins.
func (p *progress) step(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.quiet:
	case p.terminal:
		p.overwrite(format, args)
	default:
		fmt.Fprintf(p.to, format+"\n", args...)
	}
}

// update says how far it is, now and then, on a terminal.
func (p *progress) update(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet && p.terminal && time.Since(p.last) > 100*time.Millisecond {
		p.overwrite(format, args)
	}
}

func (p *progress) overwrite(format string, args []any) {
	p.last = time.Now()
	line := []rune(fmt.Sprintf(format, args...))
	if w := widthOf(p.to) - 1; len(line) > w {
		line = line[:w]
	}
	fmt.Fprintf(p.to, "\r\x1b[K%s", string(line))
}

// clear makes room for other output.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal && !p.quiet && !p.last.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

// log writes a whole line.
func (p *progress) log(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.to, format+"\n", args...)
}

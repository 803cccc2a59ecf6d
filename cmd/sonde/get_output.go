package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sonde"
)

// output is where the response goes. A file is made once there is something to
// write, or nothing to come.
type output struct {
	to   *os.File
	path string // "" or "-" is standard output
	errs *os.File
	file *os.File

	adding bool // to what the file has
	bar    bool // for progress
}

func (o *output) toFile() bool { return o.path != "" && o.path != "-" }

func (o *output) toTerminal() bool { return !o.toFile() && isTerminal(o.to) }

func (o *output) open() (*os.File, error) {
	if !o.toFile() {
		return o.to, nil
	}
	if o.file == nil {
		how := os.O_RDWR | os.O_CREATE | os.O_TRUNC
		if o.adding {
			how = os.O_RDWR | os.O_CREATE | os.O_APPEND
		}
		f, err := os.OpenFile(o.path, how, 0o666)
		if err != nil {
			return nil, &outputError{err}
		}
		o.file = f
	}
	return o.file, nil
}

// head writes the head of a response. What a server put into it must not steer a
// terminal.
func (o *output) head(h *sonde.Head) error {
	f, err := o.open()
	if err != nil {
		return err
	}
	clean := func(s string) string { return s }
	if isTerminal(f) {
		clean = printable
	}
	var text strings.Builder
	for _, line := range headLines(h) {
		text.WriteString(clean(line) + "\r\n")
	}
	if _, err := io.WriteString(f, text.String()+"\r\n"); err != nil {
		return &outputError{err}
	}
	return nil
}

func headLines(h *sonde.Head) []string {
	lines := []string{strings.TrimRight(fmt.Sprintf("%v %d %s", h.Proto, int(h.Status), h.Reason()), " ")}
	for name, value := range h.Header.All() {
		lines = append(lines, strings.TrimRight(name+": "+value, " "))
	}
	return lines
}

// copy writes the body as it comes.
func (o *output) copy(body *sonde.BodyReader, show *progress) error {
	if body.Left() == 0 {
		return nil
	}
	f, err := o.open()
	if err != nil {
		return err
	}
	w := &meter{to: f, bar: o.bar, show: show, start: time.Now(), total: body.Left(), guarded: o.path == "" && isTerminal(f)}
	_, err = body.WriteTo(w)
	show.clear()
	var broken *sonde.Error
	switch {
	case err == nil || errors.Is(err, errBinary):
		return err
	case errors.As(err, &broken):
		return &bodyError{err}
	}
	return &outputError{err}
}

// finish makes an empty file of an empty body, and says whether all was written.
func (o *output) finish() error {
	if _, err := o.open(); err != nil {
		return err
	}
	return o.close()
}

func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	f := o.file
	o.file = nil
	o.path = "-"
	if err := f.Close(); err != nil {
		return &outputError{err}
	}
	return nil
}

// meter passes the body on, shows how far it is, and keeps binary bytes from a
// terminal.
type meter struct {
	to      io.Writer
	show    *progress
	start   time.Time
	total   int64 // -1: not known
	written int64
	guarded bool
	bar     bool
}

var errBinary = errors.New("binary output could harm the terminal: write it to a file with -o FILE, or here all the same with -o -")

func (m *meter) Write(p []byte) (int, error) {
	if m.guarded && bytes.IndexByte(p, 0) >= 0 {
		return 0, errBinary
	}
	n, err := m.to.Write(p)
	m.written += int64(n)
	if took := time.Since(m.start); m.bar {
		m.show.update("%s", bar(m.written, m.total, widthOf(m.show.to)-1))
	} else if took > time.Second {
		m.show.update("%s, %s/s", m.progress(), size(int64(float64(m.written)/took.Seconds())))
	}
	return n, err
}

func (m *meter) progress() string {
	if m.total <= 0 {
		return size(m.written)
	}
	return fmt.Sprintf("%s of %s (%d %%)", size(m.written), size(m.total), m.written*100/m.total)
}

func size(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}

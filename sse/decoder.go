package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is an event of a stream.
type Event struct {
	Type string // "message" where the stream names none
	Data string // its lines joined by "\n"
	ID   string // the last ID that the stream has given so far
}

// Limits bound what a server can make a Decoder keep. 0 is the default, a negative
// one is none.
type Limits struct {
	Line  int // bytes of a line. Default: 1 MiB
	Event int // bytes of the data of an event. Default: 8 MiB
}

func (l Limits) filled() Limits {
	fill := func(n *int, by int) {
		switch {
		case *n == 0:
			*n = by
		case *n < 0:
			*n = int(^uint(0) >> 1)
		}
	}
	fill(&l.Line, 1<<20)
	fill(&l.Event, 8<<20)
	return l
}

// ErrTooLarge is in the chain of the error of a stream with a line or an event
// beyond the Limits.
var ErrTooLarge = errors.New("larger than the limit")

// Decoder takes an event stream apart. It is for one goroutine.
type Decoder struct {
	r      *bufio.Reader
	limits Limits
	begun  bool // the first line was read
	cr     bool // the last line ended with CR: a LF that follows belongs to it
	line   []byte

	// The buffers of the standard: of the event that is being read.
	data     []byte
	kind, id string

	lastID string
	retry  time.Duration
}

// NewDecoder returns a Decoder of r, from which it may read ahead.
func NewDecoder(r io.Reader, limits Limits) *Decoder {
	return &Decoder{r: bufio.NewReader(r), limits: limits.filled(), retry: -1}
}

// Read yields the events of r, under the default Limits. The stream's end ends the
// loop; an event that it cuts off is none. Any other error comes last.
func Read(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		d := NewDecoder(r, Limits{})
		for {
			e, err := d.Next()
			if err == io.EOF || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// LastID is the last ID of the events so far, with which a client asks for what
// comes after them.
func (d *Decoder) LastID() string { return d.lastID }

// Retry is the time after which the server wants to be asked again, negative if it
// has not said.
func (d *Decoder) Retry() time.Duration { return d.retry }

// Next returns the next event, as soon as the line that ends it is there. The
// error is io.EOF at the stream's end, r's own, or has ErrTooLarge in its chain.
func (d *Decoder) Next() (Event, error) {
	for {
		line, err := d.readLine()
		if err != nil {
			return Event{}, err
		}
		if len(line) > 0 {
			if err := d.field(line); err != nil {
				return Event{}, err
			}
			continue
		}
		if e, ok := d.dispatch(); ok {
			return e, nil
		}
	}
}

// readLine reads a line that ends with LF, CR or CRLF. What the stream's end cuts
// off is no line. It is valid until the next call.
func (d *Decoder) readLine() ([]byte, error) {
	d.line = d.line[:0]
	for {
		if _, err := d.r.Peek(1); err != nil {
			return nil, err
		}
		chunk, _ := d.r.Peek(d.r.Buffered())
		if d.cr && chunk[0] == '\n' {
			d.r.Discard(1)
			d.cr = false
			continue
		}
		d.cr = false
		end := bytes.IndexAny(chunk, "\r\n")
		n := end
		if end < 0 {
			n = len(chunk)
		}
		if len(d.line)+n > d.limits.Line {
			return nil, fmt.Errorf("a line of the event stream: %w, %d bytes", ErrTooLarge, d.limits.Line)
		}
		d.line = append(d.line, chunk[:n]...)
		if end < 0 {
			d.r.Discard(n)
			continue
		}
		// The LF of a CRLF may come later: do not wait for it.
		d.cr = chunk[end] == '\r'
		d.r.Discard(n + 1)
		return d.decoded(), nil
	}
}

// decoded is the line in UTF-8, without the mark that the first may begin with.
func (d *Decoder) decoded() []byte {
	line := d.line
	if !d.begun {
		d.begun = true
		line = bytes.TrimPrefix(line, []byte("\uFEFF"))
	}
	if utf8.Valid(line) {
		return line
	}
	return replaceInvalid(line)
}

// replaceInvalid puts U+FFFD in the place of what is no UTF-8, one for each
// longest beginning of a character, as the WHATWG's decoder does.
func replaceInvalid(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			n = beginning(b)
			out = append(out, "\uFFFD"...)
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

// beginning is how many bytes at the start of b could begin a character, at least
// one.
func beginning(b []byte) int {
	for n := min(len(b), 3); n > 1; n-- {
		// With other bytes behind these it is a character.
		if _, size := utf8.DecodeRune(append(b[:n:n], "\x80\x80"...)); size > n {
			return n
		}
	}
	return 1
}

// field takes a line that is not empty.
func (d *Decoder) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if len(d.data)+len(value)+1 > d.limits.Event {
			return fmt.Errorf("the data of an event: %w, %d bytes", ErrTooLarge, d.limits.Event)
		}
		d.data = append(append(d.data, value...), '\n')
	case "event":
		d.kind = string(value)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			d.id = string(value)
		}
	case "retry":
		if ms, ok := milliseconds(string(value)); ok {
			d.retry = ms
		}
	}
	return nil // of a comment the name is empty; others are ignored
}

// milliseconds reads a number of digits only; one that no Duration can hold is the
// longest.
func milliseconds(s string) (time.Duration, bool) {
	if s == "" || strings.ContainsFunc(s, func(c rune) bool { return c < '0' || c > '9' }) {
		return 0, false
	}
	const longest = 1<<63 - 1
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > longest/int64(time.Millisecond) {
		return longest, true
	}
	return time.Duration(n) * time.Millisecond, true
}

// dispatch ends an event at an empty line; one without data is none.
func (d *Decoder) dispatch() (Event, bool) {
	d.lastID = d.id
	if len(d.data) == 0 {
		d.kind = ""
		return Event{}, false
	}
	e := Event{Type: d.kind, Data: string(d.data[:len(d.data)-1]), ID: d.id}
	if e.Type == "" {
		e.Type = "message"
	}
	d.data, d.kind = d.data[:0], ""
	return e, true
}

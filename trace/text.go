package trace

import (
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Text is a Sink that writes a transcript for people, one line an event: the
// time since the first event in milliseconds, the numbers of call and attempt,
// the kind, and what the event says. NewText and NewStableText make one. It is
// safe for concurrent use.
type Text struct {
	w      io.Writer
	stable bool

	mu    sync.Mutex
	start time.Time
	buf   []byte
	err   error
	calls map[uint64]uint64 // stable: numbers in order of appearance
	conns map[uint64]uint64
}

// NewText returns a Text that writes each line to w at once.
func NewText(w io.Writer) *Text { return &Text{w: w} }

// NewStableText is NewText without what differs from run to run: no times, no
// local addresses, and calls and connections numbered from 1 as they appear. It
// remembers each of them: it is for tests and short runs.
func NewStableText(w io.Writer) *Text {
	return &Text{w: w, stable: true, calls: make(map[uint64]uint64), conns: make(map[uint64]uint64)}
}

// Err returns the first error of the writer. Nothing is written after one.
func (t *Text) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// Record writes a line.
func (t *Text) Record(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return
	}
	b := t.buf[:0]
	if !t.stable {
		if t.start.IsZero() {
			t.start = e.Time
		}
		b = appendMillis(b, e.Time.Sub(t.start))
		b = append(b, "  "...)
	}
	b = t.appendIDs(b, &e)
	b = pad(b, e.Kind.String(), 16)
	b = t.appendDetails(b, &e)
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	t.buf = append(b, '\n')
	_, t.err = t.w.Write(t.buf)
}

// appendIDs appends call and attempt, "-" for an event of no call.
func (t *Text) appendIDs(b []byte, e *Event) []byte {
	if e.Call == 0 {
		return append(b, "-    "...)
	}
	from := len(b)
	b = strconv.AppendUint(b, t.number(t.calls, e.Call), 10)
	if e.Attempt > 0 {
		b = strconv.AppendInt(append(b, '.'), int64(e.Attempt), 10)
	}
	for len(b)-from < 5 {
		b = append(b, ' ')
	}
	return b
}

// number is what a stable transcript calls the id.
func (t *Text) number(seen map[uint64]uint64, id uint64) uint64 {
	if !t.stable {
		return id
	}
	n, ok := seen[id]
	if !ok {
		n = uint64(len(seen) + 1)
		seen[id] = n
	}
	return n
}

// appendDetails appends what e says. The connection is named where something
// becomes of it.
func (t *Text) appendDetails(b []byte, e *Event) []byte {
	switch e.Kind {
	case ConnOpened, AcquireDone, ConnPut, ConnClosed:
		if e.Conn != 0 {
			b = strconv.AppendUint(append(b, '#'), t.number(t.conns, e.Conn), 10)
			b = append(b, ' ')
		}
	}
	var few [8]fact
	for _, d := range e.facts(few[:0]) {
		switch before, after, how := t.words(e, &d); how {
		case showKey:
			b = append(append(b, before...), ' ')
		case showValue:
			b = append(b, before...)
			from := len(b)
			b = d.appendTo(b)
			b = appendPrintable(b[:from], string(b[from:]))
			b = append(append(b, after...), ' ')
		}
	}
	return b
}

const (
	hide = iota
	showKey
	showValue
)

// words are what stands before and after the value of d.
func (t *Text) words(e *Event, d *fact) (before, after string, how int) {
	switch d.key {
	case "local":
		if t.stable {
			return "", "", hide
		}
		return "from ", "", showValue
	case "network", "host":
		if e.Remote().IsValid() && !e.Custom() {
			return "", "", hide // the address says it
		}
	case "idle":
		if t.stable {
			return "", "", hide
		}
		return "idle ", "", showValue
	case "wait":
		if t.stable {
			return "", "", hide
		}
		return "after ", "", showValue
	case "reused":
		if e.Reused {
			return "reused", "", showKey
		}
		return "new", "", showKey
	case "name":
		if e.Kind == TLSDone {
			return "certificate of ", "", showValue
		}
		return "", ":", showValue
	case "line":
		return "", ",", showValue
	case "target":
		return "to ", "", showValue
	case "peer":
		return "peer ", "", showValue
	case "reason":
		return "because: ", "", showValue
	case "proto":
		return "ALPN ", "", showValue
	case "error":
		return "error: ", "", showValue
	case "bytes":
		return "", " bytes", showValue
	case "custom":
		return "by the dial function", "", showKey
	case "resumed":
		return "resumed", "", showKey
	}
	return "", "", showValue
}

// appendMillis appends d in milliseconds, such as "     1.234 ms".
func appendMillis(b []byte, d time.Duration) []byte {
	s := strconv.FormatFloat(float64(d)/1e6, 'f', 3, 64)
	for n := len(s); n < 9; n++ {
		b = append(b, ' ')
	}
	return append(append(b, s...), " ms"...)
}

func pad(b []byte, s string, width int) []byte {
	b = append(b, s...)
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	return b
}

// appendPrintable appends s with everything escaped that a terminal could take
// for a command, and line ends.
func appendPrintable(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\x`...)
			b = append(b, hexDigits[s[i]>>4], hexDigits[s[i]&15])
		case r == '\\' || !strconv.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			b = append(b, quoted[1:len(quoted)-1]...)
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
	}
	return b
}

const hexDigits = "0123456789abcdef"

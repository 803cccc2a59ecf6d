package httpview

import (
	"bytes"
	"io"
	"strings"

	"sonde/capture/decode"
	"sonde/capture/flow"
)

// transcript writes the bytes of both directions, line by line, so that it sees
// a header field whole before it decides whether it may be shown.
type transcript struct {
	w       io.Writer
	color   bool
	secrets bool
	dirs    [2]partial
	open    bool // the line under way on the output has no line feed yet
	last    flow.Dir
	ends    int
	out     []byte
	err     error
}

// partial is the line under way of a direction.
type partial struct {
	text   []byte
	shown  int  // how much of text is on the output
	hidden bool // the rest of the line is not shown
}

// maxPartial is how long a line is kept to be looked at as a whole.
const maxPartial = 64 << 10

// text takes bytes of a direction.
func (t *transcript) text(d flow.Dir, b []byte) {
	if t.last != d {
		t.flush(t.last)
	}
	p := &t.dirs[d]
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		b = rest
		p.text = append(p.text, line...)
		if whole {
			t.show(d, true)
			*p = partial{text: p.text[:0]}
			continue
		}
		if len(p.text) > maxPartial {
			t.show(d, false)
			p.text, p.shown = p.text[:0], 0
		}
	}
	t.last = d
}

// flush shows what there is of a direction's line, as far as it may be shown.
func (t *transcript) flush(d flow.Dir) {
	if p := &t.dirs[d]; len(p.text) > p.shown {
		t.show(d, false)
	}
	if t.open {
		t.open = false
		t.write("\n")
	}
}

// show writes what is new of a direction's line.
func (t *transcript) show(d flow.Dir, whole bool) {
	p := &t.dirs[d]
	text := string(bytes.TrimRight(p.text, "\r"))
	clean := text
	if !t.secrets {
		clean = redactLine(text)
	}
	switch {
	case p.hidden:
		clean = ""
	case clean != text && p.shown > 0:
		clean, p.hidden = redacted, true
	case clean != text:
		p.hidden = true
	default:
		clean = text[min(p.shown, len(text)):]
	}
	p.shown = len(p.text)
	t.begin(d)
	t.out = decode.AppendEscapedLines(t.out, clean)
	t.finish()
	if whole {
		t.write("\n")
	}
	t.open = !whole
}

// line writes a line that is already safe.
func (t *transcript) line(d flow.Dir, s string) {
	t.begin(d)
	t.out = append(t.out, s...)
	t.finish()
	t.write("\n")
	t.open = false
}

// note writes a remark of our own, whose text may come from the wire.
func (t *transcript) note(s string) {
	for d := range t.dirs {
		t.flush(flow.Dir(d))
	}
	t.write("[" + string(decode.AppendEscaped(nil, s)) + "]\n")
}

// begin starts what a direction says: in its colour, or behind its mark.
func (t *transcript) begin(d flow.Dir) {
	t.out = t.out[:0]
	switch {
	case t.color:
		t.out = append(t.out, [...]string{"\x1b[31m", "\x1b[34m"}[d]...)
	case !t.open:
		t.out = append(t.out, [...]string{"> ", "< "}[d]...)
	}
}

func (t *transcript) finish() {
	if t.color {
		t.out = append(t.out, "\x1b[0m"...)
	}
	t.write(string(t.out))
}

func (t *transcript) write(s string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, s)
	}
}

// redactLine returns what may be shown of a line, which may be one of an HTTP
// head.
func redactLine(line string) string {
	if method, rest, ok := strings.Cut(line, " "); ok && classify([]byte(method+" ")) == request {
		target, tail, _ := strings.Cut(rest, " ")
		if clean := RedactTarget(target); clean != target {
			return method + " " + clean + " " + tail
		}
		return line
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t\"{<") {
		return line
	}
	trimmed := strings.TrimLeft(value, " \t")
	clean := RedactField(name, trimmed)
	if clean == trimmed {
		return line
	}
	return name + ": " + clean
}

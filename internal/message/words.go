package message

import (
	"strings"
	"sync/atomic"

	"sonde/trace"
)

// Words are what events say of a request head. Those of a head that is sent again
// and again are made, and redacted, once.
type Words struct {
	Text   string // the head, as HTTP/1 sends it
	Line   trace.Detail
	fields atomic.Pointer[[]trace.Detail] // nil: nobody has asked for them
}

// NewWords makes the words of a head.
func NewWords(head string) *Words {
	w := &Words{Text: head}
	w.Line.Value, _, _ = strings.Cut(head, "\r\n")
	if _, target, _ := strings.Cut(w.Line.Value, " "); !strings.HasPrefix(target, "/") {
		w.Line.Value = trace.RedactURLs(w.Line.Value) // an absolute-form that the caller wrote
	}
	return w
}

// Lines are those of the fields, and the empty one.
func (w *Words) Lines() string {
	_, lines, _ := strings.Cut(w.Text, "\r\n")
	return lines
}

// Fields are what events say of the fields: redacted.
func (w *Words) Fields() []trace.Detail {
	if known := w.fields.Load(); known != nil {
		return *known
	}
	lines := w.Lines()
	fields := make([]trace.Detail, 0, strings.Count(lines, "\r\n"))
	for line := range strings.SplitSeq(lines, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			fields = append(fields, trace.Detail{Name: name, Value: trace.Redact(name, value)})
		}
	}
	w.fields.Store(&fields)
	return fields
}

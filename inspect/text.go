package inspect

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sonde/capture/decode"
)

// AppendText appends the report as plain text, to be pasted where somebody should
// read it: what was seen, the verdict, each cause with its evidence and its fix.
// Lines have at most 80 columns. What came from the wire is escaped.
func (r *Report) AppendText(dst []byte) []byte {
	t := text{dst}
	t.line("Connection reuse: %s", r.headline())
	t.line("")
	t.par("seen      ", r.seen())
	for _, trouble := range r.Troubles {
		t.par("          ", trouble)
	}
	for n, o := range r.Origins {
		if n == maxOriginsShown {
			t.par("          ", fmt.Sprintf("and %s more", plural(len(r.Origins)-n, "server")))
			break
		}
		label := "          "
		if n == 0 {
			label = "to        "
		}
		t.par(label, o.line())
	}
	for n := range r.Verdict.Causes {
		t.cause(n+1, &r.Verdict.Causes[n])
	}
	if len(r.Notes) > 0 {
		t.line("")
	}
	for _, n := range r.Notes {
		t.par("note      ", n)
	}
	for _, d := range r.disputes() {
		t.par("disputed  ", d)
	}
	return t.b
}

const (
	maxOriginsShown  = 10
	maxDisputesShown = 5
)

// headline is the verdict in a few words.
func (r *Report) headline() string {
	v := &r.Verdict
	figures := fmt.Sprintf("%s on %s, at most %d at once", plural(v.Requests, "request"), plural(v.Connections, "connection"), v.Peak)
	switch {
	case v.Requests == 0:
		return "no request was seen"
	case v.Healthy && r.Witnesses.Packets == 0:
		return "healthy, as far as sockets tell (" + figures + ")"
	case v.Healthy && !v.Certain:
		return "healthy, as far as could be seen (" + figures + ")"
	case v.Healthy:
		return "healthy (" + figures + ")"
	}
	return fmt.Sprintf("%s (%s)", v.Causes[0].Cause, figures)
}

func (r *Report) seen() string {
	w := &r.Witnesses
	var by []string
	if w.Packets > 0 {
		by = append(by, plural(int(w.Packets), "packet"))
	}
	if w.Looks > 0 {
		by = append(by, plural(w.Looks, "look")+" at the kernel's sockets")
	}
	if w.Events > 0 {
		by = append(by, plural(int(w.Events), "event")+" of the client")
	}
	if len(by) == 0 {
		return "nothing"
	}
	return strings.Join(by, ", ") + " in " + short(r.End.Sub(r.Start))
}

// line is an origin in figures.
func (o *Origin) line() string {
	text := o.Server.String()
	if len(o.Names) > 0 {
		text += " (" + string(decode.AppendEscaped(nil, strings.Join(o.Names, ", "))) + ")"
	}
	text += fmt.Sprintf(" from %s: %s on %s, at most %d at once", o.Client, plural(o.Requests, "request"), plural(o.Conns, "connection"), o.Peak)
	if o.Open > 0 {
		text += fmt.Sprintf(", %d open", o.Open)
	}
	if n := o.Sent.Retransmits + o.Received.Retransmits; n > 0 {
		text += ", " + plural(n, "retransmission")
	}
	if o.Median > 0 {
		text += fmt.Sprintf(", first byte after %s (99%%: %s)", short(o.Median), short(o.P99))
	}
	return text
}

// disputes are those of all connections, the first few.
func (r *Report) disputes() (all []string) {
	more := 0
	for n := range r.Conns {
		c := &r.Conns[n]
		for _, d := range c.Disputes {
			if len(all) == maxDisputesShown {
				more++
				continue
			}
			all = append(all, fmt.Sprintf("connection %d, %s: %s", c.Number, c.Client, d))
		}
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return all
}

// text is a page of at most so many columns.
type text struct{ b []byte }

const columns = 80

func (t *text) line(format string, args ...any) {
	t.b = append(fmt.Appendf(t.b, format, args...), '\n')
}

// par writes a paragraph behind a label.
func (t *text) par(label, s string) {
	column := len(label)
	t.b = append(t.b, label...)
	for n, word := range strings.Fields(s) {
		switch {
		case n == 0:
		case column+1+utf8.RuneCountInString(word) > columns:
			t.b = append(t.b, '\n')
			t.b = append(t.b, strings.Repeat(" ", len(label))...)
			column = len(label)
		default:
			t.b = append(t.b, ' ')
			column++
		}
		t.b = append(t.b, word...)
		column += utf8.RuneCountInString(word)
	}
	t.b = append(t.b, '\n')
}

func (t *text) cause(n int, c *Cause) {
	t.line("")
	t.par(fmt.Sprintf("%-10s", fmt.Sprintf("cause %d", n)), fmt.Sprintf("%s (%s)", c.Cause, c.Side))
	t.par("evidence  ", c.Evidence)
	t.par("fix       ", c.Fix)
}

// AppendText appends the connection as one line, without a line feed.
func (c *Conn) AppendText(dst []byte) []byte {
	dst = fmt.Appendf(dst, "%d %s > %s %s: %s", c.Number, c.Client, c.Server, c.Proto, plural(c.Requests, "request"))
	dst = fmt.Appendf(dst, ", %d and %d bytes", c.Sent.Bytes, c.Received.Bytes)
	if n := c.Sent.Retransmits + c.Received.Retransmits; n > 0 {
		dst = append(dst, ", "+plural(n, "retransmission")...)
	}
	if c.Handshake > 0 {
		dst = append(dst, ", handshake "+short(c.Handshake)...)
	}
	return append(append(dst, ", "...), c.End.text(c.Opened)...)
}

// text says how a connection ended.
func (e *End) text(opened time.Time) string {
	if e.How == Open {
		return "still open"
	}
	s := "ended"
	if e.First != NoSide {
		s += " by the " + e.First.String()
	}
	s += " (" + e.How.String() + ")"
	if e.Idle > soon {
		s += " after " + short(e.Idle) + " idle"
	}
	if e.Unread {
		s += " with bytes unread"
	}
	if e.TimeWait != NoSide {
		s += ", TIME_WAIT at the " + e.TimeWait.String()
	}
	return s + ", " + short(e.At.Sub(opened)) + " old"
}

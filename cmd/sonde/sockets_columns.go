package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"
)

// columnsOf is how many columns a terminal has, and 0 for what is none.
func columnsOf(f *os.File) int {
	if isTerminal(f) {
		if w, _, err := term.GetSize(f.Fd()); err == nil && w > 0 {
			return w
		}
	}
	return 0
}

// listing aligns rows as they come. It holds them back until it knows how wide
// their columns are: until the end, or until there are too many to hold. Then
// columns only grow.
type listing struct {
	to     io.Writer
	screen int // columns of the terminal; 0: none, lines have any length
	// Which columns there are, whether they have a heading, and whether
	// everything about a socket stands on its line.
	netid, state, header, oneLine bool

	rows   []listingRow
	text   []byte // of the rows held, what has no fixed form
	widths listingWidths
	out    []byte
	begun  bool
}

// listingRow is one socket. Its text stands in the listing's, from at on.
type listingRow struct {
	netid, state string
	recv, send   uint32
	delimiter    byte // between address and port
	at           int
	ends         [listingParts]int32 // of the parts, from at
}

// The parts of a row's text.
const (
	partLocal = iota
	partLocalPort
	partPeer
	partPeerPort
	partExtra  // behind the columns
	partDetail // on a line of its own
	listingParts
)

// listingWidths are those of columns, in characters.
type listingWidths struct {
	state, recv, send int
	address           [partExtra]int
}

// held bounds the text that waits for its widths. Little of it stays in the
// processor's caches, and below the size at which garbage is collected.
const (
	held     = 256 << 10
	heldRows = 4096
)

// written is what one write has at least, but for the last.
const written = 64 << 10

func newListing(to io.Writer, screen int) *listing {
	l := &listing{to: to, screen: screen, header: true, netid: true, state: true}
	l.text, l.out = make([]byte, 0, held+held/8), make([]byte, 0, written+written/8)
	l.widths = listingWidths{state: len("State"), recv: len("Recv-Q"), send: len("Send-Q")}
	l.widths.address[partLocal], l.widths.address[partLocalPort] = len("Local Address"), len("Port")
	l.widths.address[partPeer], l.widths.address[partPeerPort] = len("Peer Address"), len("Port")
	return l
}

// begin starts a row; the parts' text follows, each ended by l.part.
func (l *listing) begin(netid, state string, recv, send uint32, delimiter byte) {
	l.rows = append(l.rows, listingRow{netid: netid, state: state, recv: recv, send: send, delimiter: delimiter, at: len(l.text)})
	w := &l.widths
	w.state = max(w.state, len(state))
	w.recv, w.send = max(w.recv, digitsOf(recv)), max(w.send, digitsOf(send))
}

// part ends a part of the row begun last.
func (l *listing) part(p int) {
	r := &l.rows[len(l.rows)-1]
	r.ends[p] = int32(len(l.text) - r.at)
	if p < partExtra {
		l.widths.address[p] = max(l.widths.address[p], utf8.RuneCount(l.get(r, p)))
	}
}

// get is the text of a part.
func (l *listing) get(r *listingRow, p int) []byte {
	from := 0
	if p > 0 {
		from = int(r.ends[p-1])
	}
	return l.text[r.at+from : r.at+int(r.ends[p])]
}

func digitsOf(n uint32) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}

// drain writes the rows when too much is held.
func (l *listing) drain() error {
	if len(l.text) < held && len(l.rows) < heldRows {
		return nil
	}
	return l.end()
}

// end writes all rows.
func (l *listing) end() error {
	if !l.begun && l.header {
		l.heading()
	}
	l.begun = true
	for i := range l.rows {
		l.row(&l.rows[i])
		if len(l.out) >= written {
			if err := l.write(); err != nil {
				return err
			}
		}
	}
	l.rows, l.text = l.rows[:0], l.text[:0]
	return l.write()
}

func (l *listing) write() error {
	_, err := l.to.Write(l.out)
	l.out = l.out[:0]
	return err
}

func (l *listing) heading() {
	start := len(l.out)
	w := &l.widths
	if l.netid {
		l.left("Netid", netidWidth)
	}
	if l.state {
		l.left("State", w.state)
	}
	l.left("Recv-Q", w.recv)
	l.left("Send-Q", w.send)
	l.pair([]byte("Local Address"), []byte("Port"), ':', partLocal)
	l.out = append(l.out, ' ')
	l.pair([]byte("Peer Address"), []byte("Port"), ':', partPeer)
	const last = " Process"
	if l.screen == 0 || utf8.RuneCount(l.out[start:])+len(last) <= l.screen {
		l.out = append(l.out, last...)
	}
	l.finish(start)
}

const netidWidth = len("Netid")

func (l *listing) row(r *listingRow) {
	start := len(l.out)
	w := &l.widths
	if l.netid {
		l.left(r.netid, netidWidth)
	}
	if l.state {
		l.left(r.state, w.state)
	}
	l.number(r.recv, w.recv)
	l.number(r.send, w.send)
	l.pair(l.get(r, partLocal), l.get(r, partLocalPort), r.delimiter, partLocal)
	l.out = append(l.out, ' ')
	l.pair(l.get(r, partPeer), l.get(r, partPeerPort), r.delimiter, partPeer)
	extra, detail := l.get(r, partExtra), l.get(r, partDetail)
	if l.screen == 0 {
		l.out = append(l.out, extra...)
		if len(detail) > 0 && !l.oneLine {
			l.out = append(l.out, "\n\t"...)
		}
		l.out = append(l.out, detail...)
		l.out = append(trimSpaces(l.out), '\n')
		return
	}
	if l.oneLine {
		l.out = append(append(l.out, extra...), detail...)
		l.finish(start)
		return
	}
	l.onScreen(start, extra, detail)
}

// onScreen ends a row on a terminal: what has no room behind the columns goes
// below them.
func (l *listing) onScreen(start int, extra, detail []byte) {
	if n := utf8.RuneCount(l.out[start:]); n+utf8.RuneCount(extra) <= l.screen {
		l.out = append(l.out, extra...)
		extra = nil
	}
	l.finish(start)
	if len(extra)+len(detail) == 0 {
		return
	}
	below := string(extra) + string(detail)
	below = wrap(below, max(l.screen-len(listingIndent), 1), "")
	for line := range strings.SplitSeq(below, "\n") {
		l.out = append(append(append(l.out, listingIndent...), line...), '\n')
	}
}

const listingIndent = "        "

// finish ends a line that began at start. On a terminal one that is too long
// gives up its alignment, and is wrapped if that is not enough.
func (l *listing) finish(start int) {
	l.out = trimSpaces(l.out)
	if line := l.out[start:]; l.screen > 0 && !l.oneLine && tooWide(line, l.screen) {
		l.out = append(l.out[:start], wrap(string(line), l.screen, "  ")...)
	}
	l.out = append(l.out, '\n')
}

// tooWide reports whether one of the lines has more characters than fit.
func tooWide(lines []byte, screen int) bool {
	n := 0
	for len(lines) > 0 {
		r, size := utf8.DecodeRune(lines)
		if n++; r == '\n' {
			n = 0
		}
		if n > screen {
			return true
		}
		lines = lines[size:]
	}
	return false
}

func trimSpaces(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// left adds a column that is aligned left, and the space behind it.
func (l *listing) left(s string, width int) {
	l.out = append(l.out, s...)
	l.pad(width - len(s) + 1)
}

func (l *listing) number(n uint32, width int) {
	l.out = strconv.AppendUint(l.out, uint64(n), 10)
	l.pad(width - digitsOf(n) + 1)
}

// pair adds address and port, so that what stands between is aligned.
func (l *listing) pair(address, port []byte, delimiter byte, p int) {
	l.pad(l.widths.address[p] - utf8.RuneCount(address))
	l.out = append(append(l.out, address...), delimiter)
	l.out = append(l.out, port...)
	l.pad(l.widths.address[p+1] - utf8.RuneCount(port))
}

const spaces = "                                                                "

func (l *listing) pad(n int) {
	for ; n > len(spaces); n -= len(spaces) {
		l.out = append(l.out, spaces...)
	}
	if n > 0 {
		l.out = append(l.out, spaces[:n]...)
	}
}

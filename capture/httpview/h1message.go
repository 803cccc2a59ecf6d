package httpview

import (
	"bytes"
	"strconv"
	"strings"
)

// message reads HTTP/1 messages of one direction, one after another, from bytes
// in pieces. What it finds goes to sink, as it comes.
type message struct {
	sink  messageSink
	state state
	buf   []byte // of a head, or of a line of chunked
	start int64  // when the first byte of buf came
	left  int64  // of the body, or of the chunk
	begun bool   // the first line of the head was looked at
	found bool   // the head was found behind bytes that could not be read
}

// messageSink is told about the messages of a direction.
type messageSink interface {
	// line looks at the first line of a head, and reports whether it may be one.
	line(text string) bool
	// head gets a head, without the empty line, and says how the body ends. ok is
	// false if the head is none.
	head(text string, size int, start, at int64) (f framing, length int64, ok bool)
	// body gets bytes of the body, and how many are missing behind them.
	body(at int64, b []byte, missing int64)
	// trailer gets the lines behind a chunked body.
	trailer(text string)
	// done is told when the message is over.
	done(at int64)
	// broken is told that the rest of the message cannot be read.
	broken(why string)
	// raw gets bytes that are of no message, after a tunnel was set up.
	raw(at int64, b []byte)
}

type state uint8

const (
	inHead state = iota
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
	toClose
	inTunnel
	lost // until something looks like a head
)

// data takes bytes.
func (m *message) data(at int64, b []byte) {
	for len(b) > 0 {
		switch m.state {
		case inHead:
			b = m.inHead(at, b)
		case inBody, inChunk:
			b = m.inBody(at, b)
		case inChunkSize, inChunkEnd, inTrailer:
			b = m.inLine(at, b)
		case toClose:
			m.sink.body(at, b, 0)
			return
		case inTunnel:
			m.sink.raw(at, b)
			return
		case lost:
			// Messages begin where segments do, as a rule.
			if k := classify(b); k != request && k != response && k != undecided {
				return
			}
			m.state, m.found = inHead, true
		}
	}
}

// inHead collects a head, and returns what follows it.
func (m *message) inHead(at int64, b []byte) []byte {
	if len(m.buf) == 0 {
		if b = bytes.TrimLeft(b, "\r\n"); len(b) == 0 {
			return nil
		}
		if b[0] < 'A' || b[0] > 'Z' {
			m.lose("not HTTP")
			return nil
		}
		m.start, m.begun = at, false
	}
	head, rest, whole := m.collect(b)
	if i := bytes.IndexByte(head, '\n'); i >= 0 && !m.begun {
		if m.begun = true; !m.sink.line(strings.TrimRight(string(head[:i]), "\r")) {
			m.lose("not HTTP")
			return nil
		}
	}
	if !whole {
		if len(head) > maxHead || !m.begun && len(head) > maxLine {
			m.lose("head too long")
		}
		return nil
	}
	text, end := strings.TrimRight(string(head), "\r\n"), len(head)
	m.buf = nil
	f, n, ok := m.sink.head(text, end, m.start, at)
	if !ok {
		m.state = lost
		return nil
	}
	m.left = n
	switch f {
	case byLength:
		m.state = inBody
	case chunked:
		m.state = inChunkSize
	case byClose:
		m.state = toClose
	case tunnel:
		m.state = inTunnel
	default:
		m.sink.done(at)
	}
	return rest
}

// collect returns what is there of a head, b included, and the bytes behind it,
// if whole says that its end is there. Nothing behind the head is copied: many
// short messages in one piece cost no more than one long one.
func (m *message) collect(b []byte) (head, rest []byte, whole bool) {
	if len(m.buf) == 0 { // as a rule, a head comes in one piece
		if end := headEnd(b); end > 0 {
			return b[:end], b[end:], true
		}
	}
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n') + 1
		if n == 0 {
			n = len(b)
		}
		m.buf = append(m.buf, b[:n]...)
		if b = b[n:]; bytes.HasSuffix(m.buf, []byte("\n\n")) || bytes.HasSuffix(m.buf, []byte("\n\r\n")) {
			return m.buf, b, true
		}
	}
	return m.buf, nil, false
}

// inBody counts bytes of a body of known length, or of a chunk.
func (m *message) inBody(at int64, b []byte) []byte {
	n := min(m.left, int64(len(b)))
	m.sink.body(at, b[:n], 0)
	m.counted(at, n)
	return b[n:]
}

// counted takes n bytes off what is left.
func (m *message) counted(at, n int64) {
	if m.left -= n; m.left > 0 {
		return
	}
	if m.state == inChunk {
		m.state = inChunkEnd
		return
	}
	m.state = inHead
	m.sink.done(at)
}

// maxLine bounds the first line of a head.
const maxLine = 64 << 10

// maxChunkLine bounds a chunk's size with its extensions.
const maxChunkLine = 16 << 10

// inLine collects one line of the chunked coding.
func (m *message) inLine(at int64, b []byte) []byte {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		if m.buf = append(m.buf, b...); len(m.buf) > maxHead || m.state != inTrailer && len(m.buf) > maxChunkLine {
			m.lose("malformed chunk")
		}
		return nil
	}
	m.buf = append(m.buf, b[:i+1]...)
	b = b[i+1:]
	switch m.state {
	case inTrailer:
		m.trailerLine(at)
	case inChunkEnd:
		if len(bytes.TrimRight(m.buf, "\r\n")) > 0 {
			m.lose("malformed chunk")
			return nil
		}
		m.buf, m.state = m.buf[:0], inChunkSize
	case inChunkSize:
		text, _, _ := bytes.Cut(bytes.TrimRight(m.buf, "\r\n"), []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 16, 64)
		if err != nil || n < 0 {
			m.lose("malformed chunk")
			return nil
		}
		m.buf = m.buf[:0]
		m.left, m.state = n, inChunk
		if n == 0 {
			m.state = inTrailer
		}
	}
	return b
}

// trailerLine looks whether the line that came last is the empty one.
func (m *message) trailerLine(at int64) {
	if n := len(m.buf); n > 2 && !bytes.HasSuffix(m.buf, []byte("\n\r\n")) && !bytes.HasSuffix(m.buf, []byte("\n\n")) {
		if n > maxHead {
			m.lose("trailer too long")
		}
		return
	}
	text := strings.TrimRight(string(m.buf), "\r\n")
	m.buf, m.state = nil, inHead
	if text != "" {
		m.sink.trailer(text)
	}
	m.sink.done(at)
}

// lose gives up a message.
func (m *message) lose(why string) {
	m.buf, m.state = nil, lost
	m.sink.broken(why)
}

// gap takes note of n bytes that are missing.
func (m *message) gap(at, n int64) {
	switch {
	case (m.state == inBody || m.state == inChunk) && n <= m.left:
		m.sink.body(at, nil, n)
		m.counted(at, n)
	case m.state == toClose:
		m.sink.body(at, nil, n)
	case m.state == inTunnel || m.state == lost:
	case m.state == inHead && len(m.buf) == 0:
		m.state = lost // messages may be missing, but none that was begun
	default:
		m.lose("bytes are missing in the capture")
	}
}

// end ends the direction: for some messages that is their end.
func (m *message) end(at int64, why string) {
	switch {
	case m.state == toClose:
		if why != "closed" {
			m.sink.broken(why)
		}
		m.sink.done(at)
	case m.state == inTunnel || m.state == lost:
	case m.state == inHead && len(m.buf) == 0:
	default:
		if why == "closed" {
			why = "closed within the message"
		}
		m.sink.broken(why)
	}
	m.buf, m.state = nil, lost
}

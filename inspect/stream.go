package inspect

import (
	"bytes"

	"sonde/capture/flow"
)

// stream reads the bytes of a connection: it finds out what is spoken, tells when
// requests begin, and hands the bytes on to the reader of HTTP or of TLS records.
type stream struct {
	i     *Inspector
	c     *conn
	inner flow.Stream
	tls   *records
	off   bool
}

// Data is of flow.Stream.
func (s *stream) Data(d flow.Dir, now int64, b []byte) {
	c := s.c
	s.i.current = c
	if !c.known && !s.off {
		s.recognize(d, b)
	}
	if s.off {
		return
	}
	side := c.side(d)
	switch {
	case s.tls != nil:
		s.tls.data(side, now, b)
	case side == flow.FromClient:
		s.request(now, b)
	default:
		s.i.answering(c, now)
	}
	if s.inner != nil {
		s.inner.Data(d, now, b)
	}
}

// recognize finds out what is spoken, from the first bytes.
func (s *stream) recognize(d flow.Dir, b []byte) {
	c := s.c
	status := bytes.HasPrefix(b, []byte("HTTP/1."))
	switch {
	case len(b) >= 3 && (b[0] == 0x16 || c.Before && b[0] >= 0x14 && b[0] <= 0x17) && b[1] == 3 && b[2] <= 4:
		c.known, c.tls, c.Proto, c.About = true, true, "TLS", true
		s.tls = &records{i: s.i, c: c}
		if s.i.config.Keys != nil {
			s.inner = s.i.inner(c.flow)
		}
		return
	case status, looksLikeRequest(b):
		if c.Before && status == (c.side(d) == flow.FromClient) {
			s.i.swap(c)
		}
		c.known, c.Proto = true, "HTTP/1.1"
		if bytes.HasPrefix(b, []byte("PRI * ")) {
			c.http2, c.Proto = true, "HTTP/2"
		}
		s.inner = s.i.inner(c.flow)
	case c.Before: // the middle of something
	case c.side(d) == flow.FromServer && len(b) >= 9 && b[3] == 4 && b[0] == 0: // SETTINGS come first
		c.known, c.http2, c.Proto = true, true, "HTTP/2"
		s.inner = s.i.inner(c.flow)
	default:
		s.off = true
		s.i.others++
		s.i.disown(c)
	}
}

// looksLikeRequest reports whether b begins as a request line does.
func looksLikeRequest(b []byte) bool {
	for n, ch := range b[:min(len(b), 24)] {
		switch {
		case ch == ' ' && n > 1:
			return true
		case ch >= 'A' && ch <= 'Z', ch == '-' && n > 0:
		default:
			return false
		}
	}
	return false
}

// request takes bytes of the client that are not encrypted.
func (s *stream) request(now int64, b []byte) {
	c := s.c
	if c.state == finished && !c.http2 && !c.taken && looksLikeRequest(b) {
		s.i.late(c)
	}
	if c.http2 || c.taken || c.state == busy || c.state == stuck || c.state == finished || !looksLikeRequest(b) {
		return
	}
	line := b
	if n := bytes.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	c.line = append(c.line[:0], line[:min(len(line), 160)]...)
	if c.begun == 0 {
		s.i.name(c, string(fieldOf(b, "\nhost:")))
		if agent := fieldOf(b, "\nuser-agent:"); len(agent) > 0 {
			c.place.agent(string(agent[:min(len(agent), 60)]))
		}
	}
	s.i.begin(c, now)
}

// fieldOf is the value of a field in a head, found without parsing it; name is in
// lower case, between a line feed and a colon.
func fieldOf(head []byte, name string) []byte {
	for n := 0; n < len(head); {
		k := bytes.IndexByte(head[n:], '\n')
		if k < 0 {
			return nil
		}
		n += k
		if len(head)-n < len(name) {
			return nil
		}
		if bytes.EqualFold(head[n:n+len(name)], []byte(name)) {
			value := head[n+len(name):]
			if e := bytes.IndexByte(value, '\n'); e >= 0 {
				value = value[:e]
			}
			return bytes.TrimSpace(value)
		}
		n++
	}
	return nil
}

// Gap is of flow.Stream.
func (s *stream) Gap(d flow.Dir, now int64, n int64) {
	s.i.current = s.c
	if !s.i.cut { // by the snap length it is known what was left out
		s.c.AtLeast = true
	}
	if s.tls != nil {
		s.tls.gap(s.c.side(d), n)
	}
	if s.inner != nil {
		s.inner.Gap(d, now, n)
	}
}

// End is of flow.Stream.
func (s *stream) End(d flow.Dir, now int64, why flow.End) {
	c := s.c
	s.i.current, s.i.ending = c, true
	if s.inner != nil {
		s.inner.End(d, now, why)
	}
	s.i.ending = false
	switch why {
	case flow.EndIdle, flow.EndEvicted, flow.EndReused:
		s.i.end(c, NoSide, Gone, now)
	}
}

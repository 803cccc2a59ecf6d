package httpview

import (
	"bytes"

	"sonde/capture/flow"
	"sonde/capture/tlsplain"
)

// conn reads one connection, or what is inside of one: first it finds out what
// is spoken on it, then a protocol of its own reads on.
type conn struct {
	view *View
	flow *flow.Conn
	tls  *tlsplain.Session // around this one, nil if none

	proto   flow.Stream // nil until it is known
	inner   *conn       // inside of TLS
	off     bool        // it is not HTTP, or not any more
	depth   int         // how many are around it; the outermost knows who is who
	swapped bool        // the flow's client is the server
	reverse bool        // the same, of the one around it
	first   [2][]byte   // what came before the protocol was known
	at      [2]int64
	ended   [2]bool
	n       int // requests so far
	held    int // bytes in buffers, as the view counts them; of the outermost only
}

// Data is of flow.Stream.
func (c *conn) Data(d flow.Dir, at int64, b []byte) {
	c.data(d, at, b)
	if c.depth > 0 {
		return
	}
	c.count()
	if c.view.kept > c.view.config.Memory && c.proto != nil {
		c.proto.End(flow.FromClient, at, flow.EndEvicted)
		c.proto.End(flow.FromServer, at, flow.EndEvicted)
		c.stop()
		c.count()
	}
}

// holder is a protocol that keeps bytes.
type holder interface{ buffered() int }

// buffered is how many bytes are kept until others come.
func (c *conn) buffered() int {
	n := len(c.first[0]) + len(c.first[1])
	switch p := c.proto.(type) {
	case holder:
		n += p.buffered()
	case *tlsplain.Session:
		n += p.Held()
		if c.inner != nil {
			n += c.inner.buffered()
		}
	}
	return n
}

// count tells the view what changed.
func (c *conn) count() {
	if n := c.buffered(); n != c.held {
		c.view.kept += n - c.held
		c.held = n
	}
}

func (c *conn) data(d flow.Dir, at int64, b []byte) {
	switch {
	case c.off:
		return
	case c.proto != nil:
		c.proto.Data(c.role(d), at, b)
		return
	}
	if len(c.first[d]) == 0 {
		c.at[d] = at
	}
	c.first[d] = append(c.first[d], b...)
	kind := classify(c.first[d])
	if kind != undecided {
		c.start(d, kind)
	}
}

// role is the direction in terms of the protocol.
func (c *conn) role(d flow.Dir) flow.Dir {
	if c.swapped {
		return d.Other()
	}
	return d
}

// start sets the protocol that the first bytes of d show, and gives it what came
// so far.
func (c *conn) start(d flow.Dir, k kind) {
	// Where no SYN was seen, the flow's guess at who is who may be wrong.
	fromServer := k == response || k == settings
	c.swapped = c.flow.Guessed && c.depth == 0 && (d == flow.FromServer) != fromServer
	switch k {
	case request, response:
		c.proto = newH1(c)
	case http2, settings:
		c.proto = newH2(c)
	case tlsHello:
		if c.tls != nil { // TLS in TLS: nobody has the keys
			c.stop()
			return
		}
		c.inner = c.inside()
		c.inner.tls = tlsplain.New(c.view.config.Keys, c.inner)
		c.proto = c.inner.tls
	default:
		c.giveUp()
		return
	}
	for _, e := range []flow.Dir{d, d.Other()} {
		if b := c.first[e]; len(b) > 0 && c.proto != nil {
			c.first[e] = nil
			c.proto.Data(c.role(e), c.at[e], b)
		}
	}
	for e := range flow.Dir(2) {
		if c.ended[e] && c.proto != nil {
			c.proto.End(c.role(e), c.at[e], flow.EndFIN)
		}
	}
}

// giveUp is for a connection whose first bytes are not HTTP. If its start was not
// captured, they may be the middle of a body, and what follows is looked at too.
func (c *conn) giveUp() {
	if !c.flow.Guessed || c.depth > 0 {
		c.stop()
		return
	}
	c.proto, c.first = nil, [2][]byte{}
}

// stop reads no further.
func (c *conn) stop() {
	c.off, c.proto, c.inner, c.first = true, nil, nil, [2][]byte{}
}

// Gap is of flow.Stream.
func (c *conn) Gap(d flow.Dir, at int64, n int64) {
	if c.proto != nil {
		c.proto.Gap(c.role(d), at, n)
		return
	}
	c.first[d] = nil // what follows may be the start of a message
}

// End is of flow.Stream.
func (c *conn) End(d flow.Dir, at int64, why flow.End) {
	c.ended[d] = true
	if c.proto != nil {
		c.proto.End(c.role(d), at, why)
	}
	if c.ended[0] && c.ended[1] {
		c.unread()
		c.stop()
	}
	if c.depth == 0 {
		c.count()
	}
}

// unread reports a TLS connection in which nothing could be read.
func (c *conn) unread() {
	s, ok := c.proto.(*tlsplain.Session)
	if i := c.view.config.Unread; ok && i != nil && !s.Info().Decrypted {
		i(&Unread{
			Conn: c.flow.N, Client: c.flow.Client, Server: c.flow.Server,
			First: c.flow.First, Last: c.flow.Last, TLS: s.Info(),
		})
	}
}

// exchangeCost is what an exchange costs without its fields.
const exchangeCost = 1024

// exchange makes the next one of the connection.
func (c *conn) exchange() *Exchange {
	c.n++
	x := &Exchange{Conn: c.flow.N, Request: c.n, Client: c.flow.Client, Server: c.flow.Server}
	c.view.keep(x, exchangeCost)
	if c.swapped != c.reverse {
		x.Client, x.Server = x.Server, x.Client
	}
	if c.tls != nil {
		x.TLS = c.tls.Info()
	}
	return x
}

// maxDepth is how deep connections inside of connections are read: HTTP in TLS
// in a proxy's tunnel in TLS is deep already.
const maxDepth = 4

// inside is what is spoken inside of c, a connection with the numbers of this one.
func (c *conn) inside() *conn {
	return &conn{view: c.view, flow: c.flow, tls: c.tls, n: c.n, depth: c.depth + 1, reverse: c.swapped != c.reverse}
}

// kind is what the first bytes of a connection look like.
type kind uint8

const (
	undecided kind = iota
	request
	response
	http2
	settings // HTTP/2 from the server, who need not wait for the client
	tlsHello
	other
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// longestMethod is how long a method may be to be taken for one, and maxEmpty how
// many bytes of empty lines may come before it.
const (
	longestMethod = 24
	maxEmpty      = 64
)

// classify says what bytes are the start of. It makes up its mind within a
// hundred bytes, so that nobody needs to keep more.
func classify(b []byte) kind {
	all := len(b)
	b = bytes.TrimLeft(b, "\r\n") // RFC 9112, section 2.2
	n := len(b)
	switch {
	case all-n > maxEmpty:
		return other
	case n == 0:
		return undecided
	case b[0] == 0:
		// RFC 9113, section 3.4: a server begins with SETTINGS, on stream 0.
		if n < 9 {
			return undecided
		}
		if b[3] == byte(FrameSettings) && b[4]&^flagAck == 0 && b[5]|b[6]|b[7]|b[8] == 0 {
			return settings
		}
		return other
	case b[0] == 0x16:
		if n < 3 {
			return undecided
		}
		if b[1] == 3 && b[2] <= 4 {
			return tlsHello
		}
		return other
	case string(b[:min(n, len("PRI * "))]) == preface[:min(n, len("PRI * "))]:
		if n < len("PRI * ") {
			return undecided
		}
		return http2
	case string(b[:min(n, len("HTTP/1."))]) == "HTTP/1."[:min(n, len("HTTP/1."))]:
		if n < len("HTTP/1.") {
			return undecided
		}
		return response
	}
	for i, c := range b[:min(n, longestMethod)] {
		switch {
		case i == 0 && (c < 'A' || c > 'Z'): // case matters, and nobody has another one
			return other
		case c == ' ':
			return request
		case !isToken(c):
			return other
		}
	}
	if n < longestMethod {
		return undecided
	}
	return other
}

// isToken reports whether c may be in a method (RFC 9110, section 5.6.2); those
// in use have letters, digits and hyphens.
func isToken(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

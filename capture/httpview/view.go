package httpview

import (
	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/tlsplain"
)

// Config says what a View shows, and to whom. All its functions may be nil; they
// are called from within Packet, Advance and Close.
type Config struct {
	// Exchange gets each exchange once it is over, whichever way.
	Exchange func(*Exchange)
	// Unread gets each TLS connection of which nothing could be read, at its end.
	Unread func(*Unread)
	// Body gets the bytes of bodies as they come, without the framing around them;
	// they are valid until the function returns. The Exchange is not complete then,
	// and its credentials are not redacted yet.
	Body func(x *Exchange, d flow.Dir, at int64, b []byte)
	// Frame gets each HTTP/2 frame. It is valid until the function returns.
	Frame func(*Frame)
	// Keys finds the secrets of TLS sessions, nil for none.
	Keys tlsplain.Keys
	// Secrets leaves credentials as they are. They are redacted otherwise.
	Secrets bool
	// Limits bounds what is kept of connections.
	Limits flow.Limits
	// Memory bounds what is kept of messages, over all connections: heads, exchanges
	// that are not over, records without a key. Zero is 128 MiB. A connection that
	// needs more is not read any further.
	Memory int
}

const defaultMemory = 128 << 20

// View shows the HTTP in a capture. It is not safe for concurrent use.
type View struct {
	config Config
	table  *flow.Table
	kept   int // bytes of exchanges that are not over, and in buffers
}

// New makes a View.
func New(c Config) *View {
	if c.Memory <= 0 {
		c.Memory = defaultMemory
	}
	v := &View{config: c, table: flow.NewTable(c.Limits)}
	v.table.Open = v.Stream
	return v
}

// Table is the table of connections that the view reads. Its Open function may
// be replaced, to read only some connections or to read along: Stream makes what
// it was.
func (v *View) Table() *flow.Table { return v.table }

// Packet takes a decoded packet.
func (v *View) Packet(p *decode.Packet, at int64) flow.Segment { return v.table.Packet(p, at) }

// Advance says what time it is, when no packet does.
func (v *View) Advance(now int64) { v.table.Advance(now) }

// Close ends the capture: what is not complete is shown as it is.
func (v *View) Close() { v.table.Close() }

// Stream makes the reader of one connection.
func (v *View) Stream(c *flow.Conn) flow.Stream {
	return &conn{view: v, flow: c}
}

// emit hands an exchange out, once.
func (v *View) emit(x *Exchange) {
	if x.emitted {
		return
	}
	x.emitted = true
	v.kept -= x.cost
	if !v.config.Secrets {
		redact(x)
	}
	if v.config.Exchange != nil {
		v.config.Exchange(x)
	}
}

// keep counts n bytes that an exchange keeps. One that is over costs nothing.
func (v *View) keep(x *Exchange, n int) {
	if !x.emitted {
		x.cost += n
		v.kept += n
	}
}

// body hands bytes of a body on.
func (v *View) body(x *Exchange, d flow.Dir, at int64, b []byte) {
	if v.config.Body != nil && len(b) > 0 {
		v.config.Body(x, d, at, b)
	}
}

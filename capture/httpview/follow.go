package httpview

import (
	"io"
	"strconv"

	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/tlsplain"
)

// FollowConfig says which connection is followed, and how.
type FollowConfig struct {
	// Conn is the connection's number in the capture: flow.Conn.N.
	Conn int
	// Color sets the directions apart by colour: the client's red, the server's
	// blue. Without it, their lines begin with "> " and "< ".
	Color bool
	// Keys finds the secrets of TLS sessions, nil for none.
	Keys tlsplain.Keys
	// Secrets leaves credentials in HTTP heads as they are.
	Secrets bool
	// Limits bounds what is kept of connections.
	Limits flow.Limits
}

// Follow prints what is said on one connection, escaped: of HTTP/2 its frames and
// the bytes of DATA, of everything else the bytes as they are, decrypted where
// there are keys. It is not safe for concurrent use.
type Follow struct {
	config FollowConfig
	table  *flow.Table
	out    transcript
	found  bool
}

// NewFollow makes a Follow that prints to w.
func NewFollow(w io.Writer, c FollowConfig) *Follow {
	f := &Follow{config: c, table: flow.NewTable(c.Limits)}
	f.out = transcript{w: w, color: c.Color, secrets: c.Secrets}
	f.table.Open = f.Stream
	return f
}

// Packet takes a decoded packet.
func (f *Follow) Packet(p *decode.Packet, at int64) flow.Segment { return f.table.Packet(p, at) }

// Advance says what time it is, when no packet does.
func (f *Follow) Advance(now int64) { f.table.Advance(now) }

// Close ends the capture.
func (f *Follow) Close() { f.table.Close() }

// Found reports whether the connection was in the capture, so far.
func (f *Follow) Found() bool { return f.found }

// Done reports whether the connection is over: nothing more will be printed.
func (f *Follow) Done() bool { return f.out.ends == 2 }

// Err returns the first error of writing. Nothing is written after it.
func (f *Follow) Err() error { return f.out.err }

// Stream makes the reader of a connection, nil if it is not the one.
func (f *Follow) Stream(c *flow.Conn) flow.Stream {
	if c.N != f.config.Conn {
		return nil
	}
	f.found = true
	f.out.note(c.Client.String() + " > " + c.Server.String())
	return &followed{follow: f, conn: c}
}

// followed finds out what is spoken on a connection.
type followed struct {
	follow *Follow
	conn   *flow.Conn
	tls    *tlsplain.Session // what was made of it, if it is TLS
	inside bool              // it is inside of TLS
	proto  flow.Stream
	first  [2][]byte
	at     [2]int64
}

// Data is of flow.Stream.
func (f *followed) Data(d flow.Dir, at int64, b []byte) {
	if f.proto != nil {
		f.proto.Data(d, at, b)
		return
	}
	f.first[d], f.at[d] = append(f.first[d], b...), at
	if k := classify(f.first[d]); k != undecided {
		f.start(d, k)
	}
}

func (f *followed) start(d flow.Dir, k kind) {
	out := &f.follow.out
	switch {
	case k == tlsHello && !f.inside:
		f.tls = tlsplain.New(f.follow.config.Keys, &followed{follow: f.follow, conn: f.conn, inside: true})
		f.proto = f.tls
	case k == http2 || k == settings:
		v := &View{config: Config{
			Secrets: f.follow.config.Secrets,
			Frame:   out.frame,
			Body:    func(_ *Exchange, d flow.Dir, _ int64, b []byte) { out.text(d, b) },
		}}
		f.proto = ending{newH2(&conn{view: v, flow: f.conn}), out}
	default:
		f.proto = out
	}
	for _, e := range []flow.Dir{d, d.Other()} {
		if b := f.first[e]; len(b) > 0 {
			f.first[e] = nil
			f.proto.Data(e, f.at[e], b)
		}
	}
}

// Gap is of flow.Stream.
func (f *followed) Gap(d flow.Dir, at int64, n int64) {
	if f.proto == nil {
		f.start(d, other)
	}
	f.proto.Gap(d, at, n)
}

// End is of flow.Stream.
func (f *followed) End(d flow.Dir, at int64, why flow.End) {
	if f.proto == nil {
		f.start(d, other)
	}
	f.proto.End(d, at, why)
	if f.tls != nil && f.follow.Done() {
		if i := f.tls.Info(); i.Problem != "" {
			f.follow.out.note("TLS to " + i.ServerName + ", not decrypted: " + i.Problem)
		}
	}
}

// ending tells the transcript too where a direction of HTTP/2 ends.
type ending struct {
	*h2
	out *transcript
}

func (e ending) Gap(d flow.Dir, at int64, n int64) {
	e.h2.Gap(d, at, n)
	e.out.Gap(d, at, n)
}

func (e ending) End(d flow.Dir, at int64, why flow.End) {
	e.h2.End(d, at, why)
	e.out.End(d, at, why)
}

// frame prints a frame as a line of its own; the bytes of DATA come before it.
func (t *transcript) frame(f *Frame) {
	t.flush(f.Dir)
	t.line(f.Dir, string(append([]byte("["), append(f.AppendText(nil), ']')...)))
}

// Gap is of flow.Stream.
func (t *transcript) Gap(d flow.Dir, _ int64, n int64) {
	t.flush(d)
	t.note(strconv.FormatInt(n, 10) + " bytes of the " + d.String() + " not captured")
}

// End is of flow.Stream.
func (t *transcript) End(d flow.Dir, _ int64, why flow.End) {
	t.flush(d)
	t.ends++
	t.note(d.String() + ": " + why.String())
}

// Data is of flow.Stream.
func (t *transcript) Data(d flow.Dir, _ int64, b []byte) { t.text(d, b) }

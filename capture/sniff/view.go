package sniff

import (
	"fmt"
	"strconv"
	"time"

	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/httpview"
)

// view prints HTTP exchanges, or the bytes of one connection, instead of packets.
type view struct {
	cfg   *Config
	http  *httpview.View
	stamp stamp
	out   []byte // where the callbacks append
}

// openView makes the view that the configuration asks for, if any.
func (s *session) openView() {
	if !s.cfg.HTTP && !s.cfg.Following {
		return
	}
	v := &view{cfg: &s.cfg, stamp: stamp{style: s.cfg.Style.Time, nano: s.cfg.Style.Nano}}
	v.http = httpview.New(httpview.Config{
		Exchange: v.exchange,
		Unread:   v.unread,
		Keys:     s.keys,
		Secrets:  s.cfg.Style.Secrets,
	})
	if s.cfg.Following {
		v.http.Table().Open = v.followed
	}
	s.view = v
}

// packet takes a packet and appends the lines that it completes.
func (v *view) packet(dst []byte, d *decode.Packet, at int64) []byte {
	v.out = dst
	v.http.Packet(d, at)
	return v.out
}

// advance tells the view the time, since no packet does.
func (v *view) advance(dst []byte) []byte {
	v.out = dst
	v.http.Advance(time.Now().UnixNano())
	return v.out
}

// close appends what was not complete.
func (v *view) close(dst []byte) []byte {
	v.out = dst
	v.http.Close()
	return v.out
}

func (v *view) exchange(x *httpview.Exchange) {
	if v.cfg.JSON {
		v.out = append(x.AppendJSON(v.out), '\n')
		return
	}
	v.out = v.stamp.append(v.out, x.Start)
	v.out = append(x.AppendText(v.out), '\n')
}

func (v *view) unread(u *httpview.Unread) {
	if v.cfg.JSON {
		v.out = append(u.AppendJSON(v.out), '\n')
		return
	}
	v.out = append(u.AppendText(v.out), '\n')
}

// followed chooses the connection to be printed.
func (v *view) followed(c *flow.Conn) flow.Stream {
	if c.N != v.cfg.Follow {
		return nil
	}
	v.line("connection %d: %v > %v, from %s", c.N, c.Client, c.Server, time.Unix(0, c.First).Format(time.StampMicro))
	return &follower{v: v}
}

// follower prints the bytes of a connection, escaped.
type follower struct {
	v    *view
	dirs [2]redactor
}

const (
	fromClient = "\x1b[31m"
	fromServer = "\x1b[34m"
	noColour   = "\x1b[0m"
)

// Data prints bytes in the colour of who sent them; without colours each piece
// starts with a mark.
func (f *follower) Data(d flow.Dir, _ int64, b []byte) {
	v := f.v
	if v.cfg.Colour {
		colour := fromClient
		if d == flow.FromServer {
			colour = fromServer
		}
		v.out = append(f.text(append(v.out, colour...), d, b), noColour...)
		return
	}
	mark := "\n> "
	if d == flow.FromServer {
		mark = "\n< "
	}
	v.out = f.text(append(v.out, mark...), d, b)
}

// text adds bytes, escaped, and without credentials unless they are asked for.
func (f *follower) text(dst []byte, d flow.Dir, b []byte) []byte {
	if f.v.cfg.Style.Secrets {
		return decode.AppendEscapedLines(dst, b)
	}
	return f.dirs[d].append(dst, b)
}

// Gap says what is missing.
func (f *follower) Gap(d flow.Dir, _ int64, n int64) {
	f.v.line("\n[%s bytes of the %s are missing]", strconv.FormatInt(n, 10), d)
}

// End says how a direction ended.
func (f *follower) End(d flow.Dir, _ int64, why flow.End) {
	f.v.out = f.dirs[d].flush(f.v.out)
	f.v.line("\n[%s: %s]", d, why)
}

func (v *view) line(format string, args ...any) {
	v.out = append(fmt.Appendf(v.out, format, args...), '\n')
}

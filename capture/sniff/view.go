package sniff

import (
	"time"

	"sonde/capture/decode"
	"sonde/capture/flow"
	"sonde/capture/httpview"
)

// view prints HTTP exchanges, or the bytes of one connection, instead of packets.
type view struct {
	cfg   *Config
	feed  feed
	stamp stamp
	out   []byte // where the callbacks append
}

// feed is what takes packets: an httpview.View or an httpview.Follow.
type feed interface {
	Packet(*decode.Packet, int64) flow.Segment
	Advance(int64)
	Close()
}

// Write is where a Follow prints to: what it prints goes out with the rest.
func (v *view) Write(b []byte) (int, error) {
	v.out = append(v.out, b...)
	return len(b), nil
}

// openView makes the view that the configuration asks for, if any.
func (s *session) openView() {
	if !s.cfg.HTTP && !s.cfg.Following {
		return
	}
	v := &view{cfg: &s.cfg, stamp: stamp{style: s.cfg.Style.Time, nano: s.cfg.Style.Nano}}
	if s.cfg.Following {
		v.feed = httpview.NewFollow(v, httpview.FollowConfig{
			Conn: s.cfg.Follow, Color: s.cfg.Colour, Keys: s.keys, Secrets: s.cfg.Style.Secrets,
		})
	} else {
		v.feed = httpview.New(httpview.Config{
			Exchange: v.exchange, Unread: v.unread, Keys: s.keys, Secrets: s.cfg.Style.Secrets,
		})
	}
	s.view = v
}

// packet takes a packet and appends the lines that it completes.
func (v *view) packet(dst []byte, d *decode.Packet, at int64) []byte {
	v.out = dst
	v.feed.Packet(d, at)
	return v.out
}

// advance tells the view the time, since no packet does.
func (v *view) advance(dst []byte) []byte {
	v.out = dst
	v.feed.Advance(time.Now().UnixNano())
	return v.out
}

// close appends what was not complete.
func (v *view) close(dst []byte) []byte {
	v.out = dst
	v.feed.Close()
	return v.out
}

func (v *view) exchange(x *httpview.Exchange) {
	if v.cfg.JSON {
		v.out = append(x.AppendJSON(v.out), '\n')
		return
	}
	v.out = v.stamp.append(v.out, x.At())
	v.out = append(x.AppendText(v.out), '\n')
}

func (v *view) unread(u *httpview.Unread) {
	if v.cfg.JSON {
		v.out = append(u.AppendJSON(v.out), '\n')
		return
	}
	v.out = append(u.AppendText(v.stamp.append(v.out, u.First)), '\n')
}

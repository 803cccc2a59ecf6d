package inspect

import (
	"slices"
	"time"

	"sonde/capture/decode"
	"sonde/capture/flow"
)

// Segment is one packet of a connection. It is a plain value.
type Segment struct {
	Number  int // of all packets, from 1, in the order in which Inspector.Packet got them
	At      time.Time
	From    Side
	Flags   decode.TCPFlags
	Bytes   int // of payload
	Verdict flow.Verdict
	// Request is the connection's request that it belongs to, from 1 on, by what the
	// packets tell: the latest that had begun by then, or the first. Zero: there is none.
	Request int
	// Call is the client's number of the call that it belongs to, by what the client
	// says: the latest that had the connection by then, or the first. Zero: it said
	// nothing.
	Call uint64
}

// use is a call that got a connection.
type use struct {
	call uint64
	at   int64
}

// segmented keeps a packet, if there is room.
func (i *Inspector) segmented(c *conn, seg *flow.Segment, d flow.Dir, now int64) {
	if len(c.Segments) >= i.config.Segments {
		return
	}
	from := Client
	if d == flow.FromServer {
		from = Server
	}
	c.Segments = append(c.Segments, Segment{
		Number: int(i.seen.Packets), At: at(now), From: from, Flags: i.decoded.TCP.Flags, Bytes: i.decoded.Length,
		Verdict: seg.Verdict, Request: max(c.begun, c.exchanges),
	})
}

// assign says which request, and which call, each packet belongs to. What the
// client said may come before the packets or behind them: the clock joins the two.
func (c *conn) assign() {
	requests := max(c.begun, c.exchanges)
	for n := range c.Segments {
		s := &c.Segments[n]
		s.Request = max(s.Request, min(requests, 1))
		if len(c.uses) == 0 {
			continue
		}
		k, found := slices.BinarySearchFunc(c.uses, s.At.UnixNano(), func(u use, at int64) int { return int(min(max(u.at-at, -1), 1)) })
		if !found {
			k--
		}
		s.Call = c.uses[max(k, 0)].call
	}
}

package inspect

import (
	"time"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/flow"
)

// The packets' witness: what segments say about a connection, beside the bytes
// that they bring.

const (
	// linger is for how long packets of a connection that is over are awaited.
	linger = time.Second
	// flowIdle is after how long without a packet a connection is forgotten.
	flowIdle = 2 * time.Hour
	// dialTime is for how long a connection without a request counts as one that
	// somebody waits for.
	dialTime = time.Second
)

// open is asked by the flow table who reads a new connection.
func (i *Inspector) open(f *flow.Conn) flow.Stream {
	if i.config.Server != nil && !i.config.Server(f.Server) && !(f.Guessed && i.config.Server(f.Client)) {
		return nil
	}
	c := i.pairs[pair{f.Client, f.Server}]
	if c == nil {
		c = i.otherWay(f)
	}
	switch {
	case c == nil:
	case c.flow != nil: // the addresses are used again
		i.end(c, NoSide, Gone, f.First)
		c = nil
	case !f.Guessed: // the kernel was faster to tell of it
		c.Before, c.opened, c.Opened = false, f.First, at(f.First)
		if !c.foreign {
			c.state = dialing
			i.dial(c)
		}
	}
	if c == nil {
		c = i.add(pair{f.Client, f.Server}, f.First)
		c.Before = f.Guessed
		i.dial(c)
	}
	c.flow = f
	i.flows[f] = c
	return &stream{i: i, c: c}
}

// otherWay is the connection of a flow that the kernel told of with the ends the
// other way round; nil if there is none. A SYN is the better witness of who is the
// client: the look may have met a server's socket and not its listener. Without one
// it is the kernel, as the flow then goes by the first packet.
func (i *Inspector) otherWay(f *flow.Conn) *conn {
	c := i.pairs[pair{f.Server, f.Client}]
	switch {
	case c == nil || c.flow != nil:
		return nil
	case f.Guessed:
		c.reversed = true
	default:
		i.swap(c)
		c.reversed = false
	}
	return c
}

// add makes a connection.
func (i *Inspector) add(k pair, now int64) *conn {
	i.numbered++
	c := &conn{opened: now}
	c.Number, c.Client, c.Server, c.Opened = i.numbered, k.client, k.server, at(now)
	c.place = i.place(k.client.Addr(), k.server)
	c.origin = c.place.named("")
	c.place.conns++
	c.place.open++
	i.pairs[k] = c
	if claim := i.client.alone[k]; claim != nil {
		i.hear(claim, c)
	}
	return c
}

// dial notes that a connection is being made, and whether there were ever as many
// at once.
func (i *Inspector) dial(c *conn) {
	p := c.place
	for len(p.dials) > 0 && (p.dials[0].state != dialing || c.opened-p.dials[0].opened > int64(dialTime)) {
		i.dialed(p.dials[0])
		p.dials = p.dials[1:]
	}
	if c.Before {
		c.state = idle
		return
	}
	p.dialing++
	p.dials = append(p.dials, c)
	c.needed = p.busy+p.dialing > p.demand
	p.demand = max(p.demand, p.busy+p.dialing)
}

// dialed ends the wait for a connection.
func (i *Inspector) dialed(c *conn) {
	if c.state == dialing {
		c.state = idle
		c.place.dialing--
	}
}

// side is who sends in a direction of the flow.
func (c *conn) side(d flow.Dir) flow.Dir {
	if c.reversed {
		return d.Other()
	}
	return d
}

// swap corrects a guess at who is the client.
func (i *Inspector) swap(c *conn) {
	delete(i.pairs, pair{c.Client, c.Server})
	if p := c.place; !c.foreign {
		p.conns--
		p.open--
		if p.conns == 0 {
			delete(i.places, placeKey{p.client, p.server})
		}
	}
	c.reversed = !c.reversed
	c.Client, c.Server = c.Server, c.Client
	c.Sent, c.Received = c.Received, c.Sent
	c.ifIndex[0], c.ifIndex[1] = c.ifIndex[1], c.ifIndex[0]
	c.place = i.place(c.Client.Addr(), c.Server)
	c.origin = c.place.named("")
	if !c.foreign {
		c.place.conns++
		c.place.open++
	}
	i.pairs[pair{c.Client, c.Server}] = c
}

// segment takes what a packet's header says. Its bytes were read before.
func (i *Inspector) segment(c *conn, seg *flow.Segment, p *capture.Packet) {
	d := c.side(seg.Dir)
	// On "any" a packet may pass several interfaces: the first one tells of it.
	if c.ifIndex[d] == 0 {
		c.ifIndex[d] = p.IfIndex
	} else if c.ifIndex[d] != p.IfIndex {
		return
	}
	t, sum := &c.Sent, &c.place.sent
	if d == flow.FromServer {
		t, sum = &c.Received, &c.place.received
	}
	i.segmented(c, seg, d, p.Time)
	flags := i.decoded.TCP.Flags
	t.Packets++
	sum.Packets++
	switch n := i.decoded.Length; {
	case seg.Verdict.Any(flow.KeepAlive | flow.OutOfWindow):
	case seg.Verdict.Any(flow.Retransmission):
		if n > 0 || flags&(decode.SYN|decode.FIN) != 0 {
			t.Retransmits++
			sum.Retransmits++
		}
	default:
		t.Bytes += int64(n)
		sum.Bytes += int64(n)
	}
	if flags&decode.SYN != 0 && d == flow.FromServer && c.synAck == 0 {
		c.synAck = p.Time
		c.Handshake = time.Duration(p.Time - c.opened)
	}
	if d == flow.FromClient && flags&(decode.SYN|decode.RST) == 0 {
		i.window(c, seg.Window == 0, p.Time)
	}
	if flags&(decode.FIN|decode.RST) != 0 && !seg.Verdict.Any(flow.OutOfWindow) {
		i.ends(c, seg, flags, p.Time)
	}
}

// ends takes a FIN or a RST.
func (i *Inspector) ends(c *conn, seg *flow.Segment, flags decode.TCPFlags, now int64) {
	by, d := Client, c.side(seg.Dir)
	if d == flow.FromServer {
		by = Server
	}
	switch {
	case flags&decode.RST != 0:
		if c.ended != 0 {
			c.End.TimeWait = NoSide // a reset leaves none
			c.reset = true
			return
		}
		how := RST
		if by == Server && c.synAck == 0 && !c.Before && c.Received.Packets <= 1 {
			how = Refused
		}
		c.reset = true
		i.end(c, by, how, now)
	default:
		c.fins[d] = true
		if c.finner == NoSide {
			c.finner = by
			// Linux resets a connection that is closed with bytes unread: behind a FIN
			// that acknowledges a request, somebody has read it.
			c.heard = by == Server && !c.Before && !c.AtLeast && int64(seg.Ack) > 1+c.mark[0].Bytes
		}
		// Whose TLS alert came first decided to close.
		if mine, other := c.notify[d], c.notify[d.Other()]; other != 0 && (mine == 0 || other < mine) {
			by = opposite(by)
		}
		i.end(c, by, FIN, now)
		if c.fins[0] && c.fins[1] && !c.reset {
			c.End.TimeWait = c.finner
		}
	}
}

// window follows the client's receive window: while it is closed, nobody reads.
func (i *Inspector) window(c *conn, zero bool, now int64) {
	switch {
	case zero && c.zeroSince == 0:
		c.zeroSince = now
		if c.state == busy && c.firstByte != 0 && c.active <= 1 && !c.foreign {
			c.state = stuck
			i.leave(c.place)
			c.origin.stuck = append(c.origin.stuck, c)
		}
	case !zero && c.zeroSince != 0:
		c.zeroSince = 0
		if c.state == stuck {
			c.origin.unstick(c)
			c.state = busy
			i.enter(c.place)
			i.excuse(c)
		}
	}
}

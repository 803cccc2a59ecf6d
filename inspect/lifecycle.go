package inspect

import (
	"time"

	"sonde/capture/flow"
	"sonde/capture/httpview"
)

// What happens to a connection, whoever tells it: a request begins, its response
// comes and ends, the connection ends.

func (i *Inspector) enter(p *place) {
	p.enter()
	i.busy++
	i.peak = max(i.peak, i.busy)
}

func (i *Inspector) leave(p *place) {
	p.busy--
	i.busy--
}

// begin takes note of a request.
func (i *Inspector) begin(c *conn, now int64) {
	if c.foreign || c.state == finished {
		return
	}
	p := c.place
	switch c.state {
	case dialing:
		p.dialing--
	case idle:
		c.lastIdle = 0
		if c.idleSince != 0 {
			c.lastIdle = now - c.idleSince
			c.LongestIdle = max(c.LongestIdle, time.Duration(c.lastIdle))
		}
		c.origin.unrest(c)
		i.excuse(c)
	}
	i.recordOpaque(c)
	c.state, c.begunAt, c.firstByte = busy, now, 0
	c.mark = [2]Traffic{c.Sent, c.Received}
	c.begun++
	p.requests++
	p.lastBegun = now
	if c.begun == 2 {
		p.reused++
	}
	i.enter(p)
	if c.begun == 1 && p.sentAgain(c.line, now) {
		p.retries++
	}
	if !c.explained {
		c.ordinal = p.requests
		i.explain(c)
	}
}

// retryTime is within how long the same request on another connection counts as
// its retry.
const retryTime = 5 * time.Second

// answering takes note of bytes from the server.
func (i *Inspector) answering(c *conn, now int64) {
	if c.state == busy && c.firstByte == 0 {
		c.firstByte = now
		if !c.foreign && c.flow != nil { // looks cannot tell
			c.place.firstByte(time.Duration(now - c.begunAt))
		}
	}
}

// answered takes note that the response is complete, or, where its end cannot be
// seen, that bytes of it came.
func (i *Inspector) answered(c *conn, now int64) {
	if c.foreign || c.state == finished {
		return
	}
	switch c.state {
	case busy:
		i.leave(c.place)
	case stuck:
		c.origin.unstick(c)
	case dialing:
		c.place.dialing--
	}
	c.state, c.idleSince = idle, now
	if !c.taken {
		c.origin.rest(c)
	}
}

// excuse forgives those that were opened while c was idle: it was needed after
// all.
func (i *Inspector) excuse(c *conn) {
	for _, o := range c.passers {
		o.passed = nil
		o.Why = "while one was idle that was used later"
	}
	c.passers = nil
}

// end takes note that a connection is over.
func (i *Inspector) end(c *conn, by Side, how How, now int64) {
	if c.ended != 0 {
		return
	}
	c.ended = now
	c.End.At, c.End.First, c.End.How = at(now), by, how
	if c.state == idle && c.idleSince != 0 && c.begun > 0 {
		c.End.Idle = max(time.Duration(now-c.idleSince), 1)
		c.LongestIdle = max(c.LongestIdle, c.End.Idle)
	}
	if by == Client && c.begun > 0 && !c.taken {
		// Linux resets a connection that is closed with bytes unread; of TLS and
		// HTTP/2 those may be tickets or window updates.
		c.End.Unread = c.state == stuck || c.state == busy && c.firstByte != 0 ||
			how == RST && c.state == idle && !c.tls && !c.http2
	}
	if how == Refused && !c.foreign { // it was never a connection
		c.place.refused++
		c.place.conns--
	}
	i.part(c, now)
	delete(i.pairs, pair{c.Client, c.Server})
	i.leaving = append(i.leaving, c)
}

// part takes a connection that is over out of its place's books.
func (i *Inspector) part(c *conn, now int64) {
	p := c.place
	was := c.state
	c.origin.unrest(c)
	switch {
	case c.foreign:
	case was == dialing:
		p.dialing--
	case was == stuck:
		c.origin.unstick(c)
	case was == busy:
		for range max(c.active, 1) {
			i.leave(p)
		}
		if c.firstByte == 0 && len(c.line) > 0 && c.End.First != NoSide {
			p.fail(failure{string(c.line), now})
		}
	}
	if !c.foreign {
		p.open--
		p.closedBy[c.End.First]++
		if c.begun > 0 && !c.taken && c.End.How != Gone {
			l := lossOf(c)
			c.loss = &l
			if l.raced {
				p.raced++
			}
			c.origin.lose(slot{&l, now}, p.demand)
		}
	}
	c.stuck, c.state = was == stuck, finished
}

// late takes note of a request on a connection that the server had closed before: its
// client had not looked.
func (i *Inspector) late(c *conn) {
	if c.foreign || c.loss == nil || c.loss.kind != serverIdle || c.loss.raced {
		return
	}
	c.loss.raced = true
	c.place.raced++
}

// blame counts the connections that were opened although c was idle. It waits until
// c is over: it could still have been used.
func (i *Inspector) blame(c *conn) {
	l := leftOf(c)
	for _, o := range c.passers {
		o.passed = nil
		switch {
		case o.foreign:
		case o.away:
			away := l
			away.kind = leftElsewhere
			p := i.firstPlace(o)
			p.tally(leftElsewhere).add(&away, p.requests, true)
		default:
			o.place.tally(l.kind).add(&l, o.ordinal, o.opened-c.idleSince >= int64(later))
		}
	}
	c.passers = nil
}

// release forgets a connection that is over, but for what is kept of it.
func (i *Inspector) release(c *conn) {
	delete(i.flows, c.flow)
	if c.foreign {
		if c.Said.Conn != 0 { // what cannot be read is the client's all the same
			i.keep(c)
		}
		return
	}
	i.blame(c)
	i.recordOpaque(c)
	p := c.place
	if c.begun == 0 && c.exchanges == 0 && c.ended != 0 && c.End.How != Refused {
		p.unused++
	}
	i.doubt(c)
	if c.tls && c.Proto != "TLS" {
		p.handshakes++
		if c.Resumed {
			p.resumed++
		}
	}
	i.keep(c)
}

// doubt counts what is not certain about a connection.
func (i *Inspector) doubt(c *conn) {
	if c.AtLeast && !c.Before {
		i.gaps++
	}
	if c.About && max(c.begun, c.exchanges) > 0 {
		i.opaque++
		if c.http2 || c.crowded {
			i.hidden++
		}
	}
}

// keep keeps what is told of a connection, in the place of an older one if there
// are many.
func (i *Inspector) keep(c *conn) {
	most := i.config.Conns
	if most <= 0 {
		i.dropped++
		return
	}
	if len(i.kept) < most {
		i.kept = append(i.kept, c.told())
		return
	}
	i.kept[i.dropped%most] = c.told()
	i.dropped++
}

// told is what is known of c in public.
func (c *conn) told() Conn {
	c.assign()
	t := c.Conn
	t.Requests = max(c.begun, c.exchanges)
	return t
}

// disown takes a connection out of the books: it is another process's, or not
// HTTP.
func (i *Inspector) disown(c *conn) {
	if c.foreign {
		return
	}
	p := c.place
	c.origin.unrest(c)
	switch c.state {
	case dialing:
		p.dialing--
	case busy:
		for range max(c.active, 1) {
			i.leave(p)
		}
	case stuck:
		c.origin.unstick(c)
	}
	if c.state != finished {
		c.state = idle
		p.open--
	}
	i.excuse(c)
	if c.passed != nil {
		c.passed.forget(c)
	}
	p.conns--
	p.requests -= c.begun
	if c.begun > 1 {
		p.reused--
	}
	c.foreign = true
}

// forget takes o off those that were opened while c was idle.
func (c *conn) forget(o *conn) {
	for n, x := range c.passers {
		if x == o {
			c.passers = append(c.passers[:n], c.passers[n+1:]...)
			return
		}
	}
}

// exchange is told by the reader of HTTP: a request is over, whichever way.
func (i *Inspector) exchange(x *httpview.Exchange) {
	c := i.current
	if c == nil {
		return
	}
	i.plain(c)
	c.exchanges++
	if c.exchanges > c.begun { // pipelined, or its beginning was not captured
		if !c.foreign {
			c.place.requests++
			if c.exchanges == 2 {
				c.place.reused++
			}
		}
		c.begun = c.exchanges
	}
	if x.Method == "" {
		c.AtLeast = true
	}
	complete := x.Status != 0 && !(i.ending && x.Problem != "")
	c.read(x, complete)
	i.record(c, x, complete)
	switch {
	case c.http2:
		if c.active > 0 {
			c.active--
			if c.active > 0 {
				i.leave(c.place)
				return
			}
		}
		i.answered(c, x.End)
	case complete:
		i.answered(c, max(x.End, c.begunAt))
	}
}

// plain notes that a TLS connection can be read after all: what its records told
// does not count.
func (i *Inspector) plain(c *conn) {
	if !c.tls || c.decrypted {
		return
	}
	c.decrypted, c.About = true, false
	if !c.foreign && !c.http2 {
		return
	}
	if c.state == busy && !c.foreign {
		i.leave(c.place)
		c.state = idle
	}
	c.place.requests -= c.begun
	c.begun = 0
}

// frame is told by the reader of HTTP/2.
func (i *Inspector) frame(f *httpview.Frame) {
	c := i.current
	if c == nil {
		return
	}
	if !c.http2 {
		c.http2, c.Proto = true, "HTTP/2"
	}
	i.plain(c)
	switch {
	case f.Type == httpview.FrameGoAway && f.Dir == flow.FromServer:
		c.signs.goAway = f.Detail
	case f.Type == httpview.FrameHeaders && f.Dir == flow.FromClient && f.Stream > c.stream2:
		c.stream2 = f.Stream
		if c.active == 0 {
			for _, h := range f.Fields {
				if h.Name == ":authority" {
					i.name(c, h.Value)
				}
			}
			i.begin(c, f.At)
			c.active = 1
			return
		}
		c.active++
		c.begun++
		if !c.foreign {
			c.place.requests++
			if c.begun == 2 {
				c.place.reused++
			}
			i.enter(c.place)
		}
	case f.Dir == flow.FromServer && (f.Type == httpview.FrameHeaders || f.Type == httpview.FrameData):
		i.answering(c, f.At)
	}
}

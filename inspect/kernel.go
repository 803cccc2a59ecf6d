package inspect

import (
	"iter"
	"net/netip"

	"sonde/sockets"
)

// The kernel's witness: what its socket table says. Where there are packets it
// adds figures, owners and states to the connections that they told of; alone it
// tells of connections too, coarsely: what came and went between two looks and
// left no TIME_WAIT was never there.

// kernelWitness is what was seen in the table.
type kernelWitness struct {
	turn      int64
	last      int64 // when the walk before this one was
	known     map[pair]*conn
	states    sockets.Counts
	ends      []ending
	strangers []*conn // that seem to be of other processes
	listens   map[netip.AddrPort]bool
	passed    int            // that came and went between two looks
	waiting   map[pair]int64 // in TIME-WAIT when the watch began, or told of already
}

// kernelEnd is what was seen of a connection's socket at the client's end.
type kernelEnd struct {
	turn    int64
	out, in uint32 // segments with data
}

// Sockets takes a walk through the kernel's TCP sockets, with DetailInfo and,
// for owners, DetailOwner, at a time in nanoseconds since the epoch. All walks
// ask the same query. It returns the walk's error.
func (i *Inspector) Sockets(now int64, walk iter.Seq2[*sockets.Socket, error]) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	w := &i.kernel
	first := w.known == nil
	if first {
		w.known, w.listens, w.waiting = map[pair]*conn{}, map[netip.AddrPort]bool{}, map[pair]int64{}
	}
	i.tick(now)
	w.turn++
	var states sockets.Counts
	for s, err := range walk {
		if err != nil {
			return err
		}
		switch {
		case s.State == sockets.Listen:
			w.listens[s.Local] = true
		case s.Remote.Port() != 0:
			states.Add(s.State)
			i.socket(s, now, first)
		}
	}
	i.endings(now)
	w.states, w.last = states, now
	i.seen.Looks++
	i.sortOut()
	i.missed(now)
	return nil
}

// listening reports whether somebody listens at a.
func (w *kernelWitness) listening(a netip.AddrPort) bool {
	return w.listens[a] || w.listens[netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())] ||
		w.listens[netip.AddrPortFrom(netip.IPv6Unspecified(), a.Port())]
}

// socket takes one socket of a walk.
func (i *Inspector) socket(s *sockets.Socket, now int64, first bool) {
	w := &i.kernel
	k, atClient := pair{s.Local, s.Remote}, true
	c := i.pairs[k]
	if c == nil {
		if c = i.pairs[pair{s.Remote, s.Local}]; c != nil || w.listening(s.Local) ||
			i.config.Server != nil && i.config.Server(s.Local) && !i.config.Server(s.Remote) {
			k, atClient = pair{s.Remote, s.Local}, false
		}
	}
	if i.config.Server != nil && !i.config.Server(k.server) {
		return
	}
	if c == nil && !i.config.Packets && s.State != sockets.Established {
		c = w.known[k]
	}
	if c == nil {
		c = i.fromKernel(k, s, atClient, now, first)
		if c == nil {
			return
		}
	}
	if c.flow == nil && !i.config.Packets {
		i.watchEnd(c, s, atClient, now)
	}
	i.figures(c, s, atClient)
}

// fromKernel makes a connection that only the kernel tells of; nil if it is of no
// interest.
func (i *Inspector) fromKernel(k pair, s *sockets.Socket, atClient bool, now int64, first bool) *conn {
	w := &i.kernel
	if s.State == sockets.TimeWait {
		_, told := w.waiting[k]
		w.waiting[k] = w.turn
		if told || first {
			return nil
		}
		if !i.config.Packets {
			w.passed++
		}
	}
	if i.config.Packets && (s.State != sockets.Established || !first) {
		return nil // its packets come, or came
	}
	// It was opened some time since the look before, as others may have been.
	opened := now
	if !first {
		opened = w.last
	}
	c := i.add(k, opened)
	c.Before, c.About = first, !i.config.Packets
	i.dial(c)
	return c
}

// figures copies what the kernel knows.
func (i *Inspector) figures(c *conn, s *sockets.Socket, atClient bool) {
	c.kernel.turn = i.kernel.turn
	i.owned(c, s, atClient)
	if !atClient {
		if c.RTT == 0 && s.Has&sockets.DetailInfo != 0 {
			c.RTT = s.Info.RTT
		}
		return
	}
	c.State = s.State
	if s.Has&sockets.DetailInfo != 0 {
		c.RTT = s.Info.RTT
		c.Unread = int(s.RecvQueue)
		if s.State == sockets.CloseWait && c.Unread > 0 {
			c.Unread-- // its FIN
		}
	}
}

// owned takes note of whose socket it is. A connection within this host has two
// owners, of which one is enough.
func (i *Inspector) owned(c *conn, s *sockets.Socket, atClient bool) {
	if s.Owner.PID == 0 {
		return
	}
	if atClient && c.Owner.PID == 0 {
		c.Owner = s.Owner
		if len(c.place.owners) < 1000 {
			c.place.owners[s.Owner.PID] = true
		}
	}
	if i.config.Mine == nil || c.mine {
		return
	}
	if c.mine = i.config.Mine(s.Owner.PID); !c.mine && !c.foreign {
		i.kernel.strangers = append(i.kernel.strangers, c)
	}
}

// sortOut takes the connections of other processes out of the books, after a walk
// that met both ends.
func (i *Inspector) sortOut() {
	for _, c := range i.kernel.strangers {
		if !c.mine && !c.foreign {
			i.foreign++
			i.disown(c)
		}
	}
	i.kernel.strangers = i.kernel.strangers[:0]
}

// watchEnd follows a connection of which no packets are seen.
func (i *Inspector) watchEnd(c *conn, s *sockets.Socket, atClient bool, now int64) {
	i.kernel.known[pair{c.Client, c.Server}] = c
	if c.state != finished && s.Has&sockets.DetailInfo != 0 && s.State == sockets.Established {
		i.progress(c, s, atClient, now)
	}
	if c.state != finished && s.State != sockets.Established && s.State != sockets.SynSent && s.State != sockets.SynReceived {
		i.kernel.ends = append(i.kernel.ends, ending{c, s.State, atClient})
	}
}

// ending is a connection that was seen to end.
type ending struct {
	c        *conn
	state    sockets.State
	atClient bool
}

// endings ends connections, after the walk that saw it: what others did meanwhile
// is known then.
func (i *Inspector) endings(now int64) {
	for _, e := range i.kernel.ends {
		c, closer := e.c, Server
		if e.atClient {
			closer = Client
		}
		if c.state == finished {
			continue
		}
		at := i.presume(c, now)
		switch e.state {
		case sockets.TimeWait:
			i.end(c, closer, FIN, at)
			c.End.TimeWait = closer
			i.kernel.waiting[pair{c.Client, c.Server}] = i.kernel.turn
		case sockets.FinWait1, sockets.FinWait2, sockets.Closing:
			i.end(c, closer, FIN, at)
		case sockets.CloseWait, sockets.LastAck:
			i.end(c, opposite(closer), FIN, at)
		}
	}
	i.kernel.ends = i.kernel.ends[:0]
}

// presume completes what a connection that has ended was seen to do: it had one
// request at least, and an answer. It returns when it ended at the earliest.
func (i *Inspector) presume(c *conn, now int64) int64 {
	if c.begun == 0 && !c.Before {
		i.begin(c, now)
	}
	switch {
	case c.state == busy:
		i.answering(c, now)
		i.answered(c, now)
	case c.state == idle && c.place.lastBegun > c.idleSince && c.place.conns > 1:
		c.idleSince = now // it may have carried one of these, or made room for it
	case c.state == idle && c.idleSince != 0 && c.idleSince < i.kernel.last:
		return i.kernel.last
	}
	return now
}

func opposite(s Side) Side {
	if s == Client {
		return Server
	}
	return Client
}

// progress tells requests from the counters of segments: small requests and
// responses are one each.
func (i *Inspector) progress(c *conn, s *sockets.Socket, atClient bool, now int64) {
	out, in := s.Info.DataSegmentsOut, s.Info.DataSegmentsIn
	received, sent := s.Info.SinceDataReceived, s.Info.SinceDataSent
	if !atClient {
		out, in, received, sent = in, out, sent, received
	}
	moved := out != c.kernel.out
	want := int(min(out, max(in, 1)))
	if out == 0 {
		want = 0
	}
	for n := c.begun; n < want; n++ {
		if c.state == busy { // it had its response before the next one could begin
			i.answering(c, now-int64(sent))
			i.answered(c, now-int64(sent))
		}
		i.begin(c, now-int64(sent))
		if n+1 < want || in >= out {
			i.answering(c, now-int64(received))
			i.answered(c, now-int64(received))
		}
	}
	if c.state == busy && !moved && in > c.kernel.in {
		i.answering(c, now-int64(received))
	}
	// A response that no longer grows is over, as far as can be told.
	if c.state == busy && in > 0 && received < sent && int64(received) > int64(grace) {
		i.answering(c, now-int64(received))
		i.answered(c, now-int64(received))
	}
	c.kernel.out, c.kernel.in = out, in
	c.AtLeast = true
}

// missed ends the connections that only the kernel told of and that have gone.
func (i *Inspector) missed(now int64) {
	w := &i.kernel
	for k, c := range w.known {
		switch {
		case c.flow != nil:
			delete(w.known, k)
		case c.kernel.turn != w.turn:
			i.end(c, NoSide, Gone, now)
			delete(w.known, k)
		}
	}
	for k, turn := range w.waiting {
		if w.turn-turn > 1 {
			delete(w.waiting, k)
		}
	}
}

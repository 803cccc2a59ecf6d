package inspect

import (
	"fmt"
	"net/netip"
	"time"

	"sonde/trace"
)

// The client's witness: what it says itself, by events.

// clientWitness remembers what the client calls its connections.
type clientWitness struct {
	conns map[uint64]*claim
	order []uint64
	alone map[pair]*claim // of connections that nobody else has told of yet
}

// claim is what the client said of one connection.
type claim struct {
	Said
	local, remote netip.AddrPort
	since         int64 // its first event, which comes behind the connection's SYN
	conn          *conn
	uses          []use
}

// maxClaims bounds the connections of the client that are remembered.
const maxClaims = 1 << 14

// Record takes an event; it makes the Inspector a trace.Sink.
func (i *Inspector) Record(e trace.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen.Events++
	i.tick(e.Time.UnixNano())
	if e.Conn == 0 {
		return
	}
	w := &i.client
	k := w.conns[e.Conn]
	if k == nil {
		if w.conns == nil {
			w.conns, w.alone = map[uint64]*claim{}, map[pair]*claim{}
		}
		if len(w.order) >= maxClaims {
			if old := w.conns[w.order[0]]; w.alone[old.pair()] == old {
				delete(w.alone, old.pair())
			}
			delete(w.conns, w.order[0])
			w.order = w.order[1:]
		}
		k = &claim{since: e.Time.UnixNano()}
		k.Conn = e.Conn
		w.conns[e.Conn] = k
		w.order = append(w.order, e.Conn)
	}
	if e.Local().IsValid() && e.Remote().IsValid() {
		k.local, k.remote = plainAddr(e.Local()), plainAddr(e.Remote())
	}
	switch e.Kind {
	case trace.ConnOpened:
		k.Opened = e.Reason
	case trace.ConnClosed:
		k.Closed = e.Reason
	case trace.HeadWritten:
		k.Requests++
	case trace.AcquireDone:
		if e.Err == nil && len(k.uses) < i.config.Segments {
			k.uses = append(k.uses, use{e.Call, e.Time.UnixNano()})
		}
	}
	i.hear(k, i.pairs[k.pair()])
}

func (k *claim) pair() pair { return pair{k.local, k.remote} }

// hear joins what the client said with the connection on the wire, once that is
// known. Whoever tells of it first waits for the other.
func (i *Inspector) hear(k *claim, c *conn) {
	if k.conn == nil {
		switch {
		case !k.local.IsValid():
			return
		case c == nil, c.Said.Conn != 0 && c.Said.Conn != k.Conn, c.opened > k.since:
			i.client.alone[k.pair()] = k
			return
		}
		k.conn = c
		delete(i.client.alone, k.pair())
	}
	k.conn.Said, k.conn.uses = k.Said, k.uses
}

func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// disputes compares what the witnesses say about a connection.
func (i *Inspector) disputes(c *Conn) (all []string) {
	if c.Said.Conn != 0 && i.seen.Packets > 0 && c.Proto != "" && !c.Before && c.Said.Requests != c.Requests {
		text := fmt.Sprintf("the client says %s, the packets %s", plural(c.Said.Requests, "request"), plural(c.Requests, "request"))
		if c.AtLeast {
			text += ", some of which are missing in the capture"
		}
		all = append(all, text)
	}
	if c.Said.Conn != 0 && c.End.First == Server && c.Said.Closed == trace.IdleTimeout {
		all = append(all, "the client says it closed the idle connection, the packets that the server did so first")
	}
	if c.RTT > 0 && c.Handshake > 0 && c.RTT > 20*c.Handshake && c.RTT-c.Handshake > 50*time.Millisecond {
		all = append(all, fmt.Sprintf("the kernel's round-trip time is %v, the handshake took %v", c.RTT, c.Handshake))
	}
	return all
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

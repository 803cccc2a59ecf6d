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
}

// claim is what the client said of one connection.
type claim struct {
	Said
	local, remote netip.AddrPort
	conn          *conn
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
			w.conns = map[uint64]*claim{}
		}
		if len(w.order) >= maxClaims {
			delete(w.conns, w.order[0])
			w.order = w.order[1:]
		}
		k = &claim{}
		k.Conn = e.Conn
		w.conns[e.Conn] = k
		w.order = append(w.order, e.Conn)
	}
	if e.Local.IsValid() && e.Remote.IsValid() {
		k.local, k.remote = plainAddr(e.Local), plainAddr(e.Remote)
	}
	switch e.Kind {
	case trace.ConnOpened:
		k.Opened = e.Reason
	case trace.ConnClosed:
		k.Closed = e.Reason
	case trace.HeadWritten:
		k.Requests++
	}
	i.hear(k)
}

// hear joins what the client said with the connection on the wire.
func (i *Inspector) hear(k *claim) {
	if k.conn == nil {
		c := i.pairs[pair{k.local, k.remote}]
		if c == nil || c.Said.Conn != 0 && c.Said.Conn != k.Conn {
			return
		}
		k.conn = c
	}
	k.conn.Said = k.Said
}

func plainAddr(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// disputes compares what the witnesses say about a connection.
func (i *Inspector) disputes(c *Conn) (all []string) {
	if c.Said.Conn != 0 && i.seen.Packets > 0 && !c.Before && c.Said.Requests != c.Requests {
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

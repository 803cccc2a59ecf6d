// Package flow knows the TCP connections and IP fragments of a capture: it
// numbers the connections, names what is odd about a segment, and puts streams
// and datagrams together.
//
//	t := flow.NewTable(flow.Limits{})
//	t.Open = func(c *flow.Conn) flow.Stream { return &printer{c} }
//	for ... {
//		p.Decode(link, data)
//		seg := t.Packet(&p, at)
//		...
//	}
//	t.Close()
//
// A [Stream] gets the bytes of both directions in an order that could have
// happened: a segment that acknowledges bytes of the other direction comes after
// those bytes, even if the capture has them the other way around. Bytes that are
// missing come as a gap, once it is clear that they will not turn up.
//
// Time is the packets' own. Memory is bounded by [Limits], whatever is sent.
package flow

// Contract of this package: packets in, verdicts and bytes out. No I/O, no
// goroutine, no clock; what the bytes mean is not known here.

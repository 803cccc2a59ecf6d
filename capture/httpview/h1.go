package httpview

import (
	"strings"

	"sonde/capture/flow"
)

// maxPending is how many requests of a connection may wait for responses.
const maxPending = 1000

// h1 pairs the messages of an HTTP/1 connection. It is a flow.Stream.
type h1 struct {
	conn     *conn
	requests requests
	replies  replies
	waiting  []*Exchange // whose response is not over, in order
	ended    [2]bool
	seen     bool // a message was read: it is HTTP indeed
}

// requests and replies are the two directions: each takes what a message brings.
type (
	requests struct {
		message
		*h1
		x *Exchange // the one under way
	}
	replies struct {
		message
		*h1
		x *Exchange
	}
)

func newH1(c *conn) *h1 {
	h := &h1{conn: c}
	h.requests.h1, h.replies.h1 = h, h
	h.requests.sink, h.replies.sink = &h.requests, &h.replies
	return h
}

func (h *h1) buffered() int { return cap(h.requests.buf) + cap(h.replies.buf) }

// Data is of flow.Stream.
func (h *h1) Data(d flow.Dir, at int64, b []byte) {
	if d == flow.FromClient {
		h.requests.data(at, b)
	} else {
		h.replies.data(at, b)
	}
	h.give()
}

// Gap is of flow.Stream.
func (h *h1) Gap(d flow.Dir, at int64, n int64) {
	if d == flow.FromClient {
		h.requests.gap(at, n)
	} else {
		h.replies.gap(at, n)
	}
	h.give()
}

// End is of flow.Stream.
func (h *h1) End(d flow.Dir, at int64, why flow.End) {
	h.ended[d] = true
	if d == flow.FromClient {
		h.requests.end(at, why.String())
	} else {
		h.replies.end(at, why.String())
	}
	h.give()
	// A request may still come after the server closed: it is the one that finds
	// out that the connection is dead.
	if h.ended[flow.FromServer] {
		for _, x := range h.waiting {
			if x.Status == 0 {
				x.problem("no response, " + why.String())
			}
			h.conn.view.emit(x)
		}
		h.waiting = nil
	}
}

// give hands out the exchanges at the front that are over.
func (h *h1) give() {
	for len(h.waiting) > 0 {
		x := h.waiting[0]
		if !x.received || !x.sent && len(h.waiting) < maxPending {
			if len(h.waiting) < maxPending {
				return
			}
			x.problem("too many requests without a response")
		}
		h.waiting[0] = nil
		h.waiting = h.waiting[1:]
		h.conn.view.emit(x)
	}
	h.waiting = nil
}

func (r *requests) line(text string) bool {
	_, _, _, ok := requestLine(text)
	if !ok {
		r.notHTTP()
	}
	return ok
}

// head takes the head of a request.
func (r *requests) head(text string, size int, start, at int64) (framing, int64, bool) {
	line, rest, _ := strings.Cut(text, "\n")
	method, target, proto, ok := requestLine(strings.TrimRight(line, "\r"))
	if !ok {
		return 0, 0, false
	}
	r.seen = true
	x := r.conn.exchange()
	x.Method, x.Target, x.Proto = method, target, proto
	x.RequestHeader, x.RequestHead = fields(rest), int64(size)
	r.conn.view.keep(x, size)
	x.Host = Get(x.RequestHeader, "Host")
	x.Start, x.Sent = start, at
	r.x = x
	r.waiting = append(r.waiting, x)
	f, n, problem := requestFraming(x.RequestHeader)
	x.problem(problem)
	return f, n, true
}

// notHTTP gives a connection up whose first message is no message.
func (h *h1) notHTTP() {
	if !h.seen {
		h.conn.giveUp()
	}
}

func (r *requests) body(at int64, b []byte, missing int64) {
	r.x.RequestBody += int64(len(b)) + missing
	r.x.Missing += missing
	r.conn.view.body(r.x, flow.FromClient, at, b)
}

func (r *requests) trailer(text string) {
	r.x.RequestTrailer = fields(text)
	r.conn.view.keep(r.x, len(text))
}

func (r *requests) done(at int64) {
	r.x.Sent, r.x.sent = at, true
	// What follows these is not HTTP any more, if the server agrees; until it says
	// so, nothing should follow.
	if r.x.Method == "CONNECT" || Get(r.x.RequestHeader, "Upgrade") != "" {
		r.state = inTunnel
	}
}

func (r *requests) broken(why string) {
	if r.x != nil && !r.x.sent {
		r.x.sent = true
		r.x.problem("request: " + why)
	}
}

// raw gets what the client says before the server agreed to a tunnel, or after
// it refused one: then it is the next request.
func (r *requests) raw(at int64, b []byte) {
	if r.x.received {
		r.state = inHead
		r.data(at, b)
	}
}

func (r *replies) line(text string) bool {
	_, _, _, ok := statusLine(text)
	if !ok {
		r.notHTTP()
	}
	return ok
}

// head takes the head of a response.
func (r *replies) head(text string, size int, start, at int64) (framing, int64, bool) {
	line, rest, _ := strings.Cut(text, "\n")
	proto, status, reason, ok := statusLine(strings.TrimRight(line, "\r"))
	if !ok {
		return 0, 0, false
	}
	r.seen = true
	r.resync()
	if len(r.waiting) == 0 || r.waiting[0].received {
		x := r.conn.exchange()
		x.Proto, x.sent = proto, true
		x.problem("request not captured")
		r.waiting = append(r.waiting, x)
	}
	x := r.waiting[0]
	r.x = x
	x.ResponseHead += int64(size)
	r.conn.view.keep(x, size)
	if status/100 == 1 && status != 101 {
		if len(x.Informational) < 32 {
			x.Informational = append(x.Informational, status)
		}
		return noBody, 0, true
	}
	x.Status, x.Reason, x.ResponseProto, x.hasFinal = status, reason, proto, true
	x.ResponseHeader = fields(rest)
	x.FirstByte, x.End = start, at
	f, n, problem := responseFraming(x.Method, status, x.ResponseHeader)
	x.problem(problem)
	if f == tunnel {
		r.tunnel(x, at)
	}
	return f, n, true
}

// resync gives up the requests whose responses are among what is missing: a
// response that was found behind a gap is most likely for the latest request.
func (r *replies) resync() {
	if !r.found {
		return
	}
	for r.found = false; len(r.waiting) > 1; r.waiting = r.waiting[1:] {
		r.waiting[0].problem("response not captured")
		r.conn.view.emit(r.waiting[0])
	}
}

func (r *replies) body(at int64, b []byte, missing int64) {
	r.x.ResponseBody += int64(len(b)) + missing
	r.x.Missing += missing
	r.conn.view.body(r.x, flow.FromServer, at, b)
}

func (r *replies) trailer(text string) {
	r.x.ResponseTrailer = fields(text)
	r.conn.view.keep(r.x, len(text))
}

// done ends a response: an informational one is only a step on the way.
func (r *replies) done(at int64) {
	if r.x.hasFinal {
		r.x.End, r.x.received = at, true
		// RFC 9112, section 9.3: the answer may come before the request is whole, and
		// then the rest may never come.
		if !r.x.sent && r.ended[flow.FromClient] {
			r.x.sent = true
		}
	}
}

func (r *replies) broken(why string) {
	if len(r.waiting) == 0 || r.x == nil || r.x != r.waiting[0] || r.x.received {
		return
	}
	r.x.received = true
	r.x.problem("response: " + why)
}

// tunnel ends HTTP on the connection: CONNECT was granted, or an upgrade.
func (r *replies) tunnel(x *Exchange, at int64) {
	x.received, x.sent = true, true
	r.requests.state = inTunnel
	if x.Status == 101 && strings.EqualFold(Get(x.ResponseHeader, "Upgrade"), "h2c") {
		r.conn.proto = newH2Upgraded(r.conn, x)
		r.waiting = nil
		return
	}
	r.give()
	if x.Method == "CONNECT" && r.conn.depth < maxDepth {
		r.conn.proto = r.conn.inside()
		return
	}
	r.conn.proto = discard{}
}

// raw gets what stood behind the head in the same bytes: it is for whoever has
// the connection now.
func (r *replies) raw(at int64, b []byte) { r.conn.Data(r.conn.role(flow.FromServer), at, b) }

// discard reads nothing.
type discard struct{}

func (discard) Data(flow.Dir, int64, []byte)  {}
func (discard) Gap(flow.Dir, int64, int64)    {}
func (discard) End(flow.Dir, int64, flow.End) {}

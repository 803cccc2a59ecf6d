package httpview

import (
	"maps"
	"slices"
	"strconv"

	"sonde/capture/flow"
)

// maxStreams is how many streams of a connection may be open, as seen from here.
const maxStreams = 1024

// h2 pairs the messages of an HTTP/2 connection. It is a flow.Stream.
type h2 struct {
	conn    *conn
	dir     [2]*frames
	streams map[uint32]*Exchange
	order   []uint32 // streams as they were opened, those that are over among them
	ended   [2]bool
	away    uint32 // the last stream of the latest GOAWAY
	awayAt  int    // how many requests there were then, -1 before the first one
}

func newH2(c *conn) *h2 {
	h := &h2{conn: c, streams: map[uint32]*Exchange{}, awayAt: -1}
	for d := range h.dir {
		h.dir[d] = newFrames(h, flow.Dir(d))
	}
	h.dir[flow.FromClient].preface = len(preface)
	return h
}

// newH2Upgraded is HTTP/2 after an upgrade, which x asked for: its response comes
// on stream 1 (RFC 7540, section 3.2).
func newH2Upgraded(c *conn, x *Exchange) *h2 {
	h := newH2(c)
	x.Informational = append(x.Informational, x.Status)
	x.Stream, x.Status, x.Reason, x.ResponseHeader = 1, 0, "", nil
	x.FirstByte, x.End, x.hasFinal, x.received = 0, 0, false, false
	h.streams[1], h.order = x, []uint32{1}
	return h
}

func (h *h2) buffered() int {
	n := 0
	for _, f := range h.dir {
		n += cap(f.buf) + cap(f.block) + maxTableSize/8 // the usual table, of 4 KiB, doubled
	}
	return n
}

// Data is of flow.Stream.
func (h *h2) Data(d flow.Dir, at int64, b []byte) { h.dir[d].data(at, b) }

// Gap is of flow.Stream.
func (h *h2) Gap(d flow.Dir, at int64, n int64) {
	if h.dir[d].gap(at, n); h.dir[d].lost {
		for _, x := range h.streams {
			x.problem("bytes are missing in the capture")
		}
	}
}

// End is of flow.Stream.
func (h *h2) End(d flow.Dir, at int64, why flow.End) {
	h.ended[d] = true
	if !h.ended[flow.FromServer] {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(h.streams)) {
		x := h.streams[id]
		if x.Status == 0 {
			x.problem("no response, " + why.String())
		} else {
			x.problem("response: " + why.String())
		}
		h.finish(id, x)
	}
}

// open makes the exchange of a stream.
func (h *h2) open(id uint32, start int64) *Exchange {
	if len(h.streams) >= maxStreams {
		h.giveUpOldest()
	}
	if len(h.order) >= 2*maxStreams {
		h.order = slices.DeleteFunc(h.order, func(id uint32) bool { return h.streams[id] == nil })
	}
	x := h.conn.exchange()
	x.Stream, x.Proto, x.Start = id, "HTTP/2", start
	h.streams[id] = x
	h.order = append(h.order, id)
	return x
}

// giveUpOldest ends the stream that is open for longest.
func (h *h2) giveUpOldest() {
	for len(h.order) > 0 {
		id := h.order[0]
		h.order = h.order[1:]
		if x := h.streams[id]; x != nil {
			x.problem("too many streams without a response")
			h.finish(id, x)
			return
		}
	}
}

func (h *h2) finish(id uint32, x *Exchange) {
	delete(h.streams, id)
	h.conn.view.emit(x)
}

// section takes a whole field section: of a request, a response or a trailer.
func (h *h2) section(d flow.Dir, f *Frame, pushed uint32, fields []Field, start, at int64) {
	x := h.streams[f.Stream]
	switch {
	case f.Type == FramePushPromise:
		if d == flow.FromServer && pushed != 0 && h.streams[pushed] == nil {
			x = h.open(pushed, start)
			x.Pushed = true
			h.conn.view.keep(x, h.dir[d].size)
			h.request(x, f, fields, at)
			x.sent = true
		}
		return
	case x == nil && d == flow.FromClient && f.Stream%2 == 1:
		x = h.open(f.Stream, start)
		h.request(x, f, fields, at)
	case x == nil:
		return // of a stream that is over, or whose request was not seen
	case d == flow.FromClient:
		x.RequestTrailer = fields
		x.RequestHead += int64(f.Length)
	case x.hasFinal:
		x.ResponseTrailer = fields
		x.ResponseHead += int64(f.Length)
	default:
		h.response(x, f, fields, start)
	}
	h.conn.view.keep(x, h.dir[d].size)
	if h.dir[d].broken {
		x.problem("header compression cannot be followed")
	}
	h.endStream(d, f, x, at)
}

// request fills in what a request's fields say.
func (h *h2) request(x *Exchange, f *Frame, fields []Field, at int64) {
	x.RequestHead, x.Sent = int64(f.Length), at
	for _, p := range fields {
		switch p.Name {
		case ":method":
			x.Method = p.Value
		case ":path":
			x.Target = p.Value
		case ":authority":
			x.Host = p.Value
		}
	}
	x.RequestHeader = regular(fields)
	if x.Host == "" {
		x.Host = Get(x.RequestHeader, "host")
	}
	if x.Target == "" && x.Method == "CONNECT" {
		x.Target = x.Host
	}
}

// response fills in what a response's fields say.
func (h *h2) response(x *Exchange, f *Frame, fields []Field, start int64) {
	x.ResponseHead += int64(f.Length)
	status := 0
	for _, p := range fields {
		if p.Name == ":status" {
			status, _ = strconv.Atoi(p.Value)
		}
	}
	if status/100 == 1 {
		if len(x.Informational) < 32 {
			x.Informational = append(x.Informational, status)
		}
		return
	}
	x.Status, x.FirstByte, x.hasFinal = status, start, true
	x.ResponseHeader = regular(fields)
}

// regular leaves out the pseudo-header fields.
func regular(fields []Field) []Field {
	for i, f := range fields {
		if f.Name == "" || f.Name[0] != ':' {
			return fields[i:]
		}
	}
	return nil
}

// body counts the bytes of a DATA frame.
func (h *h2) body(d flow.Dir, f *Frame, n, missing int64, at int64) {
	x := h.streams[f.Stream]
	if x == nil {
		return
	}
	if d == flow.FromClient {
		x.RequestBody += n
		x.Sent = at
	} else {
		x.ResponseBody += n
	}
	x.Missing += missing
	h.endStream(d, f, x, at)
}

// endStream notes the end of a message, and of the stream with the second one.
func (h *h2) endStream(d flow.Dir, f *Frame, x *Exchange, at int64) {
	if d == flow.FromServer && x.hasFinal {
		x.End = at
	}
	if !f.EndStream() {
		return
	}
	if d == flow.FromClient {
		x.sent, x.Sent = true, at
	} else {
		x.received, x.End = true, at
	}
	if x.sent && x.received {
		h.finish(f.Stream, x)
	}
}

// reset ends a stream. A server that answered may tell the client that it need
// not send the rest (RFC 9113, section 8.1).
func (h *h2) reset(d flow.Dir, id, code uint32, at int64) {
	x := h.streams[id]
	if x == nil {
		return
	}
	if !(d == flow.FromServer && x.received && code == 0) {
		x.problem("reset by the " + d.String() + ": " + errorCode(code))
	}
	h.finish(id, x)
}

// goAway gives up the streams that the server will not look at.
func (h *h2) goAway(last uint32, code string) {
	if h.awayAt == h.conn.n && last >= h.away {
		return // nothing new
	}
	h.awayAt, h.away = h.conn.n, last
	var gone []uint32
	for id, x := range h.streams {
		if id > last && id%2 == 1 && x.Status == 0 {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		x := h.streams[id]
		x.problem("not processed, the server goes away: " + code)
		h.finish(id, x)
	}
}

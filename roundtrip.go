package sonde

import (
	"context"
	"io"
	"sync"

	"sonde/internal/core"
	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/trace"
)

// Package nethttp sends its requests through here: they are rendered already, and
// what comes back is mapped to http.Response before its memory is used again.
// Only what New made has a way in, see extras.
func openDoor() {
	core.RoundTrip = func(client any, ctx context.Context, c *core.Call) error {
		return client.(*Client).roundTrip(ctx, c)
	}
	anyUpgrade.Add("Connection", "Upgrade")
	anyUpgrade.Add("Upgrade", "*")
}

var door sync.Once

func init() {
	core.Host = func(request any) string { return request.(*Request).set.host }
	core.SetDialing = func(config any, d core.Dialing) { config.(*Config).dialing = d }
}

// anyUpgrade makes the codec take a 101 that was not asked for, as net/http does.
var anyUpgrade message.Fields

// kept is what a round trip leaves for the next one with the same core.Call: its
// request and the plan of that, which are the same for all that go the same way, but
// for what write writes. It saves a small call some 400 ns.
type kept struct {
	way  way
	req  Request
	plan plan

	over interface{ CallOver() } // the Call's
	live bool                    // the body goes on, and h with it
}

// way is what a plan depends on.
type way struct {
	client        *Client // nil: of a plan that serves once
	method        string
	origin        message.Origin
	data          bool // a body in memory
	replay, again bool
}

var kepts = sync.Pool{New: func() any { return new(kept) }}

func (c *Client) roundTrip(ctx context.Context, out *core.Call) error {
	h, _ := out.Kept.(*kept)
	if out.Kept = nil; h == nil { // nor after a panic or an error
		h = kepts.Get().(*kept)
	}
	h.write(ctx, c, out)
	k := newCall(c, ctx, &h.req)
	k.notify = h
	var fields message.Fields
	fields.SetIndex(out.Index[:0])
	over := false
	defer k.unwind(&over)
	err := k.run(fields, &out.Buf)
	over = true
	if err != nil {
		return err
	}
	out.HeadRead = k.head
	out.TLS = k.got.Conn.Link().(*link).state()
	body, whole := k.stream.Whole()
	if k.whole = whole; !whole && !k.stream.Done() {
		h.live = out.Trailer == nil
		ex := new(Exchange)
		ex.take(k)
		// The head's memory is out's, and may be the next call's before the body ends.
		ex.Head, k.stays = Head{}, isEventStream(&k.head.Fields)
		ex.req = nil
		k.head.Fields, k.head.Reason = message.Fields{}, ""
		out.Exchange = ex
		return nil
	}
	out.Body = body
	k.finish(trace.NoReason, nil)
	k.recycle()
	if out.Trailer == nil { // otherwise an upload may still ask for it
		h.reset()
		out.Kept = h
	}
	return nil
}

// CallOver is told by the call.
func (h *kept) CallOver() {
	over := h.over
	if h.live {
		h.reset()
		kepts.Put(h)
	}
	over.CallOver()
}

// reset lets go of what is the caller's.
func (h *kept) reset() {
	h.over, h.live = nil, false
	h.req.body, h.req.set.inform = Body{}, nil
	h.plan.head = nil
}

// write makes h the request of out, and its plan.
func (h *kept) write(ctx context.Context, c *Client, out *core.Call) {
	q, r, p := &out.Request, &h.req, &h.plan
	h.over = out.Over
	w := way{client: c, method: q.Method, origin: q.URL.Origin, data: q.Data != nil, replay: q.Replay, again: q.Again}
	if q.Proxy != nil || q.Open != nil || q.Trailer != nil || q.Inform != nil || q.Expect || q.OneShot {
		w.client = nil
	}
	if w.client != nil && h.way == w {
		r.url = q.URL
		p.request.Authority, p.request.Target = r.authority(), r.target()
		if w.data {
			r.body = inMemory(q)
			p.request.Length = q.Length
		}
	} else {
		h.way = w
		before, route := p.client, p.route
		r.fill(q)
		if p.fill(ctx, c, r); before == nil || before.pool != c.pool || p.route != route {
			p.place.Store(nil)
		}
		p.request.Fields, p.request.Insist, p.request.Unalerted = anyUpgrade, true, true
		r.plan.Store(p)
	}
	p.head, p.request.Close = q.Head, q.Close
}

// fill makes r, which nobody uses, of a request of package nethttp's.
func (r *Request) fill(q *core.Request) {
	r.method, r.url, r.fields, r.err = Method(q.Method), q.URL, message.Fields{}, nil
	r.sent.Store(false)
	r.plan.Store(nil)
	r.body = Body{}
	r.set = settings{length: -1, exact: true, expect: q.Expect, oneShot: q.OneShot, chunked: q.Kind == message.UnknownLength}
	r.set.replay, r.set.proxied, r.set.uploads, r.set.open = never, true, h1.Uploads(), (*call).openBody
	if q.Replay {
		r.set.replay = always
	}
	r.set.proxy, _ = q.Proxy.(*Proxy)
	switch {
	case q.Data != nil:
		r.body = inMemory(q)
	case q.Open != nil:
		size := q.Length
		if r.set.chunked {
			size = -1
		}
		r.body = Body{size: size, again: q.Again, discard: q.Discard, open: func() (io.ReadCloser, int64, error) {
			rc, err := q.Open()
			return rc, size, err
		}, apart: q.Apart}
	}
	if f := q.Trailer; f != nil {
		r.set.trailer = func() (Header, error) {
			fields, err := f()
			return Header{fields}, err
		}
	}
	if f := q.Inform; f != nil {
		r.set.inform = func(h *Head) error { return f(int(h.Status), h.Header.f) }
	}
}

func inMemory(q *core.Request) Body {
	return Body{data: q.Data, inMemory: true, size: q.Length, again: q.Again}
}

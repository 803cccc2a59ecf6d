package sonde

import (
	"context"
	"io"
	"sync"

	"sonde/internal/core"
	"sonde/internal/message"
	"sonde/trace"
)

// Package nethttp sends its requests through here: they are rendered already, and
// what comes back is mapped to http.Response before its memory is used again.
func init() {
	core.RoundTrip = func(client any, ctx context.Context, c *core.Call) error {
		return client.(*Client).roundTrip(ctx, c)
	}
	core.Host = func(request any) string { return request.(*Request).set.host }
	core.SetDialing = func(config any, d core.Dialing) { config.(*Config).dialing = d }
}

// anyUpgrade makes the codec take a 101 that was not asked for, as net/http does.
var anyUpgrade = func() (f message.Fields) {
	f.Add("Connection", "Upgrade")
	f.Add("Upgrade", "*")
	return f
}()

var requests = sync.Pool{New: func() any { return new(Request) }}

func (c *Client) roundTrip(ctx context.Context, out *core.Call) error {
	r := requests.Get().(*Request)
	r.fill(&out.Request)
	k := newCall(c, ctx, r)
	k.notify = out.Over
	p := &k.own
	p.head = out.Request.Head
	p.request.Fields, p.request.Close, p.request.Insist = anyUpgrade, out.Close, true
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
	out.TLS = k.got.Conn.Link().(*link).state
	body, whole := k.stream.Whole()
	if k.whole = whole; !whole && !k.stream.Done() {
		ex := new(Exchange)
		ex.take(k)
		// The head's memory is out's, and may be the next call's before the body ends.
		ex.Head, k.stays = Head{}, isEventStream(&k.head.Fields)
		k.head.Fields, k.head.Reason = message.Fields{}, ""
		out.Exchange = ex
		return nil
	}
	out.Body = body
	k.finish(trace.NoReason, nil)
	k.recycle()
	if out.Trailer == nil { // otherwise an upload may still ask for it
		r.body = Body{}
		r.set.inform = nil
		requests.Put(r)
	}
	return nil
}

// fill makes r, which nobody uses, of a request of package nethttp's.
func (r *Request) fill(q *core.Request) {
	r.method, r.url, r.fields, r.err = Method(q.Method), q.URL, message.Fields{}, nil
	r.sent.Store(false)
	r.plan.Store(nil)
	r.body = Body{}
	r.set = settings{length: -1, exact: true, expect: q.Expect, oneShot: q.OneShot, chunked: q.Kind == message.UnknownLength}
	r.set.replay, r.set.proxied = never, true
	if q.Replay {
		r.set.replay = always
	}
	r.set.proxy, _ = q.Proxy.(*Proxy)
	switch {
	case q.Data != nil:
		r.body = Body{data: q.Data, inMemory: true, size: q.Length, again: q.Again}
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

package sonde

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"sonde/internal/clock"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/trace"
)

// Response is a complete response. There is nothing to close.
type Response struct {
	Head
	Body []byte // the whole body

	// What most responses do not have is behind pointers: those of Do are garbage soon.
	memory  *memory         // of DoInto's; nil: of Do's
	trailer *message.Fields // nil: none
	hops    *[]Hop          // the redirects that were followed; nil: none
	req     *Request        // the last one
	times   times
	got     pool.Got

	received int64
}

// memory is what DoInto uses again.
type memory struct {
	buf  []byte // where the head's text lies, and a Body that came with it
	own  []byte // for a Body, while that is lent
	lent bool   // Body is part of buf
}

// Trailer is the trailer section, empty if there was none.
func (r *Response) Trailer() Header {
	if r.trailer == nil {
		return Header{}
	}
	return Header{*r.trailer}
}

func (r *Response) keepTrailer(f message.Fields) {
	if f.Len() > 0 {
		kept := f // so that only a trailer section that is there costs an allocation
		r.trailer = &kept
	}
}

func (r *Response) keepHops(hops []Hop) {
	if len(hops) > 0 {
		r.hops = &hops
	}
}

// Received is how many bytes of the body came, before decoding and without framing;
// 0 if a Handler made it.
func (r *Response) Received() int64 { return r.received }

// Timing says where the time of the call went.
func (r *Response) Timing() Timing { return r.times.timing() }

// ConnInfo describes the connection that carried it.
func (r *Response) ConnInfo() ConnInfo { return connInfo(&r.got) }

// URL is where the response came from, after redirects, without credentials.
func (r *Response) URL() string {
	if r.req == nil {
		return ""
	}
	return r.req.URL()
}

// History is the redirects that were followed to it, the first one first.
func (r *Response) History() []Hop {
	if r.hops == nil {
		return nil
	}
	return slices.Clone(*r.hops)
}

// renew prepares r for another DoInto: its memory stays.
func (r *Response) renew() {
	if r.memory == nil {
		r.memory = new(memory)
	}
	r.reclaim()
	r.trailer, r.hops = nil, nil
	r.times, r.got, r.req, r.received = times{}, pool.Got{}, nil, 0
}

// reclaim makes Body empty memory of r's own, or of the caller's, again.
func (r *Response) reclaim() {
	if m := r.memory; m != nil && m.lent {
		r.Body, m.own, m.lent = m.own, nil, false
	}
	r.Body = r.Body[:0]
}

// do fills resp, which is empty but for memory to use.
func (c *Client) do(ctx context.Context, req *Request, resp *Response) error {
	if err := c.usable(ctx, req); err != nil {
		return err
	}
	resp.req = req
	if c.handler != nil || c.scheme(req) != nil {
		return c.extras.through(c, ctx, req, resp)
	}
	k := newCall(c, ctx, req)
	over := false
	defer k.unwind(&over)
	fields, buf := resp.Header.f, (*[]byte)(nil)
	if fields.Reset(); resp.memory != nil {
		buf = &resp.memory.buf
	} else {
		fields.SetIndex(k.index[:0]) // what Do returns is detached from it
		k.msg.Keep = true
	}
	if err := k.run(fields, buf); err != nil {
		over, resp.Head = true, Head{}
		return err
	}
	resp.Head, resp.got, resp.req = newHead(&k.head), k.got, k.req
	if k.trip != nil {
		resp.keepHops(k.trip.hops)
	}
	err := k.collect(resp)
	resp.times = k.times
	k.recycle()
	over = true
	return err
}

// clear empties r: a call gives an error or a response, never both.
func (r *Response) clear() {
	r.reclaim()
	r.Head, r.trailer = Head{}, nil
	r.times, r.got, r.hops, r.received = times{}, pool.Got{}, nil, 0
}

// collect reads the body into resp and ends the exchange.
func (k *call) collect(resp *Response) error {
	if !k.client.accepts(k.req, resp.Status, k.trip != nil && k.trip.kept) {
		return k.refuse(&resp.Head)
	}
	if err := k.readBody(resp); err != nil {
		f := asFault(fault.Read, err)
		if _, ok := err.(*fault.Fault); !ok {
			f.End = trace.BodyTooLarge
		}
		k.finish(f.End, f.Err)
		return k.error(f)
	}
	resp.keepTrailer(k.stream.Trailer())
	resp.received = k.stream.Received()
	k.finish(trace.NoReason, nil)
	return nil
}

// readBody reads the body into resp, without a copy where DoInto lends it.
func (k *call) readBody(resp *Response) (err error) {
	body, whole := k.stream.Whole()
	k.whole = whole
	switch limit := k.plan.body; {
	case !whole && k.stream.Done():
	case !whole:
		resp.Body, err = readAll(k.stream, resp.Body, limit)
	case limit > 0 && int64(len(body)) > limit:
		err = tooLarge(limit)
	case resp.memory != nil:
		m := resp.memory
		resp.Body, m.own, m.lent = body, resp.Body, true
	default:
		resp.Body = body
	}
	return err
}

// refuse ends an exchange whose status is no success, with the first bytes of its
// body in the error.
func (k *call) refuse(head *Head) error {
	s := &StatusError{Head: head.clone()} // DoInto's response may be used again
	var err error
	s.Body, s.Truncated, err = readSome(k.stream, k.plan.errorBody)
	end := trace.NoReason
	if err != nil {
		end = asFault(fault.Read, err).End // the status is worth more than this
	}
	f := &fault.Fault{Op: fault.Status, Err: s, Sent: true, Answer: true}
	e := k.error(f)
	k.finish(end, s)
	return e
}

// content is a body to be read: a Stream or a BodyReader.
type content interface {
	io.Reader
	Left() int64
	Done() bool
}

// readSome reads at most most bytes, 0 for all, and says whether there were more.
func readSome(r content, most int) ([]byte, bool, error) {
	if s, ok := r.(message.Stream); ok {
		if body, ok := s.Whole(); ok {
			n := len(body)
			if most > 0 {
				n = min(n, most)
			}
			return append([]byte(nil), body[:n]...), n < len(body), nil
		}
	}
	if r.Done() {
		return nil, false, nil
	}
	if most == 0 {
		b, err := readAll(r, nil, 0)
		return b, false, err
	}
	b := make([]byte, 0, min(most, 1<<10))
	for len(b) < most {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), most)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, false, nil
		}
		if err != nil {
			return b, true, err
		}
	}
	return b, !r.Done(), nil
}

// trusted is how much memory a declared length gets before its bytes come.
const trusted = 1 << 20

// readAll appends the whole body to b, at most limit bytes (0: no bound).
func readAll(r content, b []byte, limit int64) ([]byte, error) {
	if left := r.Left(); left >= 0 {
		if limit > 0 && left > limit {
			return b, tooLarge(limit)
		}
		if need := int(min(left, trusted)); cap(b)-len(b) < need {
			b = append(make([]byte, 0, len(b)+need), b...)
		}
	} else if cap(b) == 0 {
		b = make([]byte, 0, 2<<10)
	}
	for {
		if len(b) == cap(b) {
			b = grow(b, r.Left())
		}
		room := b[len(b):cap(b)]
		if limit > 0 && int64(len(b)+len(room)) > limit {
			// One byte more than allowed tells too large from just fitting.
			room = room[:max(limit-int64(len(b))+1, 1)]
		}
		n, err := r.Read(room)
		b = b[:len(b)+n]
		if limit > 0 && int64(len(b)) > limit {
			return b, tooLarge(limit)
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// grow doubles b, or makes room for just what is left.
func grow(b []byte, left int64) []byte {
	more := max(len(b), 512)
	if left >= 0 && left < int64(more) {
		more = int(left)
	}
	return append(b, make([]byte, max(more, 1))...)[:len(b)]
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w of %d bytes for a body in memory: raise Limits.Body, or use Stream", ErrTooLarge, limit)
}

// doThrough is do by way of middleware or a scheme of the caller's.
func (c *Client) doThrough(ctx context.Context, req *Request, resp *Response) error {
	ex, err := c.dispatch(ctx, req)
	if err != nil {
		return err
	}
	defer ex.Close()
	if err := ex.check(req, c); err != nil {
		return err
	}
	limit := overridden(c.cfg.Limits.Body, req.set.limits.Body)
	if resp.Body, err = readAll(ex.Body, resp.Body, limit); err != nil {
		return req.outermost(fault.Read, err)
	}
	resp.Head = ex.Head
	resp.keepTrailer(ex.Body.trailer)
	resp.times, resp.got = ex.Body.timesSoFar(), ex.Body.got
	resp.received = ex.Body.Received()
	if ex.req != nil {
		resp.req = ex.req
		resp.keepHops(ex.hops)
	}
	return nil
}

// timing makes durations of readings.
func (t *times) timing() Timing {
	if t.start == 0 {
		return Timing{}
	}
	d := Timing{Start: clock.At(t.start)}
	begun := t.start
	if t.acquired != 0 {
		begun = t.acquired
		d.Acquire = time.Duration(t.acquired - t.start)
	}
	if l := t.dialed; l != nil {
		d.DNS, d.Connect, d.Proxy, d.TLS = l.DNS, l.Connect, l.Proxy, l.TLS
	}
	d.Send, d.FirstByte, d.Total = gap(begun, t.sent), gap(begun, t.first), gap(t.start, t.end)
	return d
}

func gap(from, to int64) time.Duration {
	if to == 0 {
		return 0
	}
	return time.Duration(to - from)
}

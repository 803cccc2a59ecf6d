package nethttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"

	"sonde/internal/core"
	"sonde/internal/message"
)

// trip is what one RoundTrip needs while it lasts, and the next one after it.
type trip struct {
	call   core.Call
	send   sending
	site   site
	buf    *buffer                // call.Buf is its memory
	flight atomic.Pointer[flight] // that it carries; nil: none, or its body is in a list
}

// buffer is the memory of a response.
type buffer struct{ b []byte }

// keptBuffer is the largest buffer that a trip keeps for the next one.
const keptBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func (b *buffer) recycle() {
	if cap(b.b) > keptBuffer {
		b.b = nil
	}
	buffers.Put(b)
}

// newTrip is one with a buffer.
func (t *Transport) newTrip() *trip {
	c := t.flights.trip()
	if c.buf == nil {
		c.buf = buffers.Get().(*buffer)
		c.call.Buf = c.buf.b
	}
	return c
}

func (t *Transport) recycle(c *trip) {
	c.flight.Store(nil)
	c.call.Reset()
	if cap(c.call.Buf) > keptBuffer {
		c.call.Buf = nil
	}
	c.send = sending{}
	t.flights.trips.Put(c)
}

// RoundTrip sends req and returns once the response's head is there, as the
// documentation of http.RoundTripper asks: it follows no redirect, it takes no
// status for an error, req is left as it is, and its Body is closed on every path,
// if need be after RoundTrip has returned. The caller closes the response's Body.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req); err != nil {
		closeBody(req)
		return nil, err
	}
	orig := req
	if rt := t.registered(req); rt != nil {
		tracked, body := track(req)
		resp, err := rt.RoundTrip(tracked)
		if err != http.ErrSkipAltProtocol {
			return resp, err
		}
		if req, err = body.rewind(req); err != nil {
			return nil, err
		}
	}
	switch {
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		if t.given != nil {
			return t.given.RoundTrip(req)
		}
		closeBody(req)
		return nil, fmt.Errorf("unsupported protocol scheme %q", req.URL.Scheme)
	case t.err != nil:
		closeBody(req)
		return nil, t.err
	}
	if err := checkTarget(req); err != nil {
		closeBody(req)
		return nil, err
	}
	return t.send(req, orig)
}

// check is what net/http looks at before anything else.
func (t *Transport) check(req *http.Request) error {
	switch {
	case req.URL == nil:
		return errors.New("http: nil Request.URL")
	case req.Header == nil:
		return errors.New("http: nil Request.Header")
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return nil
	}
	if what := checkFields(req.Header); what != "" {
		return errors.New("net/http: invalid header " + what)
	}
	if what := checkFields(req.Trailer); what != "" {
		return errors.New("net/http: invalid trailer " + what)
	}
	return nil
}

func checkTarget(req *http.Request) error {
	switch {
	case req.Method != "" && !httpguts.ValidHeaderFieldName(req.Method): // both are tokens
		return fmt.Errorf("net/http: invalid method %q", req.Method)
	case req.URL.Host == "":
		return errors.New("http: no Host in request URL")
	}
	return nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// send sends req, which is checked; orig is what the caller gave.
func (t *Transport) send(req, orig *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		closeBody(req)
		return nil, context.Cause(ctx)
	}
	var body *tracked
	given := req
	if t.handsOver {
		req, body = track(req)
	}
	c := t.newTrip()
	gzip, err := t.compose(c, req)
	if err != nil {
		if !c.send.closed {
			closeBody(req)
		}
		t.recycle(c)
		return nil, err
	}
	f := c.begin(req, orig)
	c.call.Over = f
	client := t.plain
	if req.URL.Scheme == "https" && c.call.Proxy == nil {
		client = t.secure
	}
	err = core.RoundTrip(client, f, &c.call)
	if err != nil {
		err = t.failure(f, err)
		f.CallOver()
		t.recycle(c)
		if to := (*handedOver)(nil); t.handsOver && errors.As(err, &to) {
			if req, err = body.rewind(given); err == nil {
				return to.rt.RoundTrip(req)
			}
		}
		return nil, err
	}
	resp, err := t.respond(c, f, req, gzip)
	t.recycle(c)
	if resp != nil {
		resp.Request = orig
	}
	return resp, err
}

// compose makes c of req.
func (t *Transport) compose(c *trip, req *http.Request) (gzip bool, err error) {
	proxy, at, err := t.proxies.of(req)
	if err != nil {
		return false, err
	}
	forwarded := proxy != nil && req.URL.Scheme == "http" && !isSOCKS(at)
	if err := c.site.find(req, forwarded); err != nil {
		return false, err
	}
	h := c.site.field
	uri, err := target(req, h, forwarded)
	if err != nil {
		return false, err
	}
	if c.send, err = prepare(req); err != nil {
		return false, err
	}
	var x extra
	// A part of what is compressed could not be decompressed, and some servers
	// answer HEAD wrongly.
	if t.settings.compression && req.Method != http.MethodHead && first(req.Header, "Accept-Encoding") == "" && first(req.Header, "Range") == "" {
		x.gzip = true
	}
	if forwarded {
		x.proxyAuth = basic(at)
	}
	connection := req.Header["Connection"]
	asksClose := req.Close || hasToken(connection, "close")
	if t.settings.disableKeepAlives && !asksClose && !(req.Header["Upgrade"] != nil && hasToken(connection, "upgrade")) {
		x.close = true
	}
	q := &c.call.Request
	q.Proxy = nil
	if proxy != nil {
		q.Proxy = proxy
	}
	q.Method = req.Method
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	q.URL = message.URL{Origin: c.site.origin, Authority: h, Target: uri}
	q.OneShot, q.Close = t.settings.oneShot, asksClose || x.close
	q.Expect = t.settings.expectContinue && c.send.body != nil && req.ProtoAtLeast(1, 1) &&
		hasToken(req.Header["Expect"], "100-continue")
	render(req, &c.call, &c.send, h, uri, x)
	return x.gzip, c.send.into(&c.call, req)
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// registered is the RoundTripper of the request's scheme. As with net/http, one for
// https does not get what only HTTP/1 can do.
func (t *Transport) registered(req *http.Request) http.RoundTripper {
	all := t.alt.Load()
	if all == nil {
		return nil
	}
	if req.URL.Scheme == "https" && hasToken(req.Header["Connection"], "upgrade") &&
		strings.EqualFold(first(req.Header, "Upgrade"), "websocket") {
		return nil
	}
	return (*all)[req.URL.Scheme]
}

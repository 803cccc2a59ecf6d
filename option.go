package sonde

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/trace"
)

// Option changes one request. Options are applied in order. The functions that
// return one are named With….
type Option struct{ apply func(*Request) }

// Join makes one Option of several.
func Join(opts ...Option) Option {
	return Option{func(r *Request) {
		for _, o := range opts {
			if o.apply != nil {
				o.apply(r)
			}
		}
	}}
}

// WithHeader sets a field, instead of those with that name. An empty User-Agent
// sends none. docs/fields.md says which fields the codec owns and what becomes of
// them when set by hand.
func WithHeader(name, value string) Option {
	return Option{func(r *Request) {
		if err := r.edit().Set(name, value); err != nil {
			r.fail(err)
		}
	}}
}

// WithAddedHeader adds a field to those with that name.
func WithAddedHeader(name, value string) Option {
	return Option{func(r *Request) {
		if err := r.edit().Add(name, value); err != nil {
			r.fail(err)
		}
	}}
}

// WithHeaders adds all fields of h, after those that are there.
func WithHeaders(h Header) Option {
	return Option{func(r *Request) {
		if err := r.edit().AddAll(h.f.All()); err != nil {
			r.fail(err)
		}
	}}
}

// WithExactHeader makes h the request's fields, in its order and case. Nothing is
// added but what the message needs: Host and the framing of the body, where h
// lacks them.
func WithExactHeader(h Header) Option {
	return Option{func(r *Request) {
		r.fields, r.set.exact = message.Fields{}, true
		if err := r.edit().AddAll(h.f.All()); err != nil {
			r.fail(err)
		}
	}}
}

// WithQuery adds a parameter at the end of the URL's query; it is escaped here.
func WithQuery(name, value string) Option {
	return Option{func(r *Request) {
		if r.set.query != "" {
			r.set.query += "&"
		}
		r.set.query += url.QueryEscape(name) + "=" + url.QueryEscape(value)
	}}
}

// WithBody gives the request a body.
func WithBody(b Body) Option {
	return Option{func(r *Request) {
		if b.err != nil {
			r.fail(b.err)
		}
		r.body, r.set.uploads, r.set.open = b, h1.Uploads(), (*call).openBody
		r.edit() // the body says its length and coding
		if b.mediaType != "" && !r.set.exact && !r.fields.Has("Content-Type") {
			WithHeader("Content-Type", b.mediaType).apply(r)
		}
	}}
}

// WithTrailer sends trailer fields after the body, which goes chunked for it.
// names are announced in the Trailer field (RFC 9110 §6.6.2); f is called once
// the body has ended.
func WithTrailer(f func() (Header, error), names ...string) Option {
	return Option{func(r *Request) {
		for _, n := range names {
			if err := message.CheckField(n, ""); err != nil {
				r.fail(err)
			}
			if codecField(n) {
				r.fail(fmt.Errorf("trailer field %s: RFC 9110 §6.5.1 has no place for it in trailers", n))
			}
		}
		r.edit() // the body has to be chunked
		r.set.trailer, r.set.announce, r.set.chunked = checkedTrailer(f), strings.Join(names, ", "), true
	}}
}

// WithAccept adds to the statuses that are a success.
func WithAccept(statuses ...Status) Option {
	return Option{func(r *Request) { r.set.accept = append(r.set.accept, statuses...) }}
}

// WithRedirects sets how redirects are followed, as Config.Redirects.
func WithRedirects(p Redirects) Option {
	return Option{func(r *Request) {
		fill(&p.Max, defaultRedirects)
		r.set.redirects = &p
	}}
}

// WithoutRedirects follows no redirects: a 3xx is a success then.
func WithoutRedirects() Option { return WithRedirects(Redirects{Max: -1}) }

// WithRetry sets when the request is sent again, as Config.Retry; the zero Retry:
// never.
func WithRetry(p Retry) Option {
	return Option{func(r *Request) {
		if err := p.check(); err != nil {
			r.fail(fmt.Errorf("WithRetry: %w", err))
		}
		filled := p.filled()
		r.set.retry, r.set.extras = &filled, &allExtras
		r.set.repeats = r.set.repeats || p.Max > 0
	}}
}

// WithHedge sets when the request is sent once more beside an attempt that takes
// long, as Config.Hedge; the zero Hedge: never.
func WithHedge(h Hedge) Option {
	return Option{func(r *Request) {
		filled := h.filled()
		r.set.hedge, r.set.extras = &filled, &allExtras
		r.set.repeats = r.set.repeats || h.Delay > 0
	}}
}

// WithTimeout bounds the whole call, from Do to the body's last byte.
func WithTimeout(d time.Duration) Option { return WithTimeouts(Timeouts{Call: d}) }

// WithTimeouts sets those timeouts of t that are not 0. Those of connections are
// refused: client.With changes them.
func WithTimeouts(t Timeouts) Option {
	return Option{func(r *Request) {
		if t.Connect != 0 || t.TLS != 0 || t.Proxy != 0 {
			r.fail(errors.New("WithTimeouts: Connect, TLS and Proxy belong to connections: set them with client.With"))
		}
		o := &r.set.timeouts
		override(&o.Call, t.Call)
		override(&o.Queue, t.Queue)
		override(&o.FirstByte, t.FirstByte)
		override(&o.BodyIdle, t.BodyIdle)
		override(&o.Continue, t.Continue)
	}}
}

// WithLimits sets those limits of l that are not 0.
func WithLimits(l Limits) Option {
	return Option{func(r *Request) {
		o := &r.set.limits
		override(&o.Head, l.Head)
		override(&o.Fields, l.Fields)
		override(&o.Informational, l.Informational)
		override(&o.Body, l.Body)
		override(&o.Decoded, l.Decoded)
		override(&o.Ratio, l.Ratio)
		override(&o.ErrorBody, l.ErrorBody)
		override(&o.Drain, l.Drain)
		override(&o.DrainTime, l.DrainTime)
	}}
}

func override[T int | int64 | time.Duration](x *T, by T) {
	if by != 0 {
		*x = by
	}
}

// overridden is x, by where that is not 0; negative, it is none.
func overridden[T int | int64 | time.Duration](x, by T) T {
	if by != 0 {
		x = max(by, 0)
	}
	return x
}

// WithHost sends another Host than the URL's; connections, TLS and the pool go by
// the URL all the same.
func WithHost(host string) Option {
	return Option{func(r *Request) {
		// RFC 6874 §4: no zone, however it is written, leaves the machine.
		if end := strings.IndexByte(host, ']'); end > 0 && strings.IndexByte(host[:end], '%') > 0 {
			host = host[:strings.IndexByte(host, '%')] + host[end:]
		}
		u, err := message.ParseURL(r.url.Scheme + "://" + host)
		if err != nil || u.HasUser || u.Target != "/" || u.Fragment != "" {
			r.fail(fmt.Errorf("host %q is not a host with or without a port", host))
			return
		}
		r.set.host = host
		if strings.ContainsFunc(host, func(c rune) bool { return c == '%' || c >= 0x80 }) {
			r.set.host = u.Authority // an international name in ASCII
		}
		if i := r.fields.Index("Host", 0); i >= 0 { // of an exact head: it stays as it is written
			if name, value := r.fields.Peek(i); value != r.set.host {
				r.fields.Set(name, r.set.host)
			}
		}
	}}
}

// WithTarget sends a request-target as it is, instead of path and query of the
// URL: "*" for OPTIONS (RFC 9112 §3.2.4), or an absolute-form.
func WithTarget(target string) Option {
	return Option{func(r *Request) {
		if err := message.CheckTarget(target); err != nil {
			r.fail(err)
		}
		r.set.target = target
	}}
}

// WithOneShot uses a connection of its own, which is closed afterwards.
func WithOneShot() Option { return Option{func(r *Request) { r.set.oneShot = true }} }

// WithExpectContinue sends the head alone and the body once the server has said
// 100 Continue, or after Timeouts.Continue. A final response keeps the body
// unsent, and ends the connection.
func WithExpectContinue() Option { return Option{func(r *Request) { r.set.expect = true }} }

// WithProtocols sets the versions of HTTP that may be used.
func WithProtocols(p Protocols) Option {
	return Option{func(r *Request) {
		if p&^HTTP1 != 0 || p == 0 {
			r.fail(errors.New("WithProtocols: only HTTP1 exists so far"))
		}
		r.set.protocols = p
	}}
}

// WithUnixSocket connects to a unix socket, whatever the URL's host is.
func WithUnixSocket(path string) Option { return Option{func(r *Request) { r.set.unix = path }} }

// WithInformational calls f for every informational response but 101; an error
// ends the call with that error. The Head is f's to keep.
func WithInformational(f func(*Head) error) Option {
	return Option{func(r *Request) { r.set.inform = f }}
}

// WithSink sends the events of this request to s, instead of to the client's sink.
func WithSink(s trace.Sink) Option { return Option{func(r *Request) { r.set.sink = s }} }

package sonde

import (
	"context"
	"strings"

	"sonde/internal/message"
	"sonde/internal/proxy"
)

// throughProxy makes p go through the proxy that r takes, if it takes one. A unix
// socket is reached directly.
func (p *plan) throughProxy(ctx context.Context, c *Client, r *Request) {
	if p.route.Unix != "" {
		return
	}
	chosen, err := c.choose(ctx, r)
	if p.err = err; err != nil || chosen == nil || chosen.p == nil {
		return
	}
	way := chosen.p
	p.route.Proxy = way
	// RFC 9110 §7.8: Upgrade is between neighbours, and it is with the origin that
	// the caller wants to change protocols.
	if p.forwarded = r.url.Scheme == "http" && way.Forwards() && !r.set.upgrade; p.forwarded {
		p.forward(way, r)
		return
	}
	// RFC 9110 §11.7.2: Proxy-Authorization is for the proxy, which sees nothing of
	// what goes through its tunnel.
	p.request.Fields.Del("Proxy-Authorization")
}

// forward makes p a request that the proxy itself takes and forwards. Connections
// for that lead to no origin in particular.
func (p *plan) forward(way *message.Proxy, r *Request) {
	p.route.Origin, p.route.Protocols = message.Origin{}, message.HTTP1
	p.request.Target = absoluteForm(r)
	more := way.Fields
	if p.request.Fields.Has("Proxy-Authorization") { // the program's, for this request
		more.Del("Proxy-Authorization")
	}
	if p.err = proxy.Merge(&p.request.Fields, more); p.err != nil {
		return
	}
	if basic := proxy.Basic(way); basic != "" && !p.request.Fields.Has("Proxy-Authorization") {
		p.err = p.request.Fields.Set("Proxy-Authorization", basic)
	}
	if p.request.Defaults != "" && way.Fields.Len() > 0 {
		p.request.Defaults = p.client.someDefaults(&p.request.Fields, r)
	}
}

// absoluteForm is the request-target for a proxy (RFC 9112 §3.2.2).
func absoluteForm(r *Request) string {
	target := r.target()
	origin := r.url.Scheme + "://" + r.url.Authority
	switch {
	case r.method == CONNECT:
		return target // RFC 9112 §3.2.3: it leads to the origin by itself
	case target == "*":
		return origin // RFC 9112 §3.2.4
	case strings.HasPrefix(target, "/"):
		return origin + target
	case strings.HasPrefix(target, "?"):
		return origin + "/" + target
	}
	return target // an absolute-form of the caller's
}

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
	if c.authorizesProxy(r) && !r.fields.Has(proxyAuthorization) {
		// Config.Header's is a field like the others, so that what follows finds it.
		p.err = p.request.Fields.Set(proxyAuthorization, c.cfg.Header.Get(proxyAuthorization))
		p.request.Defaults = c.someDefaults(&p.request.Fields, r)
	}
	// RFC 9110 §7.8: Upgrade is between neighbours, and it is with the origin that
	// the caller wants to change protocols.
	if p.forwarded = r.url.Scheme == "http" && way.Forwards() && !r.set.upgrade; p.forwarded {
		p.forward(way, r)
		return
	}
	// RFC 9110 §11.7.2: Proxy-Authorization is for the proxy, which sees nothing of
	// what goes through its tunnel.
	p.request.Fields.Del(proxyAuthorization)
}

const proxyAuthorization = "Proxy-Authorization"

// authorizesProxy reports whether the program itself says who it is to a proxy that
// forwards r, by a field of the request's or by Config.Header.
func (c *Client) authorizesProxy(r *Request) bool {
	return r.fields.Has(proxyAuthorization) ||
		c.cfg.Header.Has(proxyAuthorization) && !c.cfg.Bare && !r.set.exact && !r.set.left
}

// forward makes p a request that the proxy itself takes and forwards. Connections
// for that lead to no origin in particular.
func (p *plan) forward(way *message.Proxy, r *Request) {
	p.route.Origin, p.route.Protocols = message.Origin{}, message.HTTP1
	p.request.Target = absoluteForm(r)
	more := way.Fields
	if p.request.Fields.Has(proxyAuthorization) { // the program's, for this request
		more.Del(proxyAuthorization)
	}
	if p.err = proxy.Merge(&p.request.Fields, more); p.err != nil {
		return
	}
	if basic := proxy.Basic(way); basic != "" && !p.request.Fields.Has(proxyAuthorization) {
		p.err = p.request.Fields.Set(proxyAuthorization, basic)
	}
	if p.request.Defaults != "" && way.Fields.Len() > 0 {
		p.request.Defaults = p.client.someDefaults(&p.request.Fields, r)
	}
}

// unproxied is the plan's request without the fields that are for its proxy: an
// inner call adds those of the proxy that it takes.
func (k *call) unproxied() *message.Request {
	m := &k.plan.request
	if k.plan.route.Proxy != nil {
		own := *m
		own.Fields = k.req.fields
		m = &own
	}
	return m
}

// pins reports whether inner calls are to take the proxy that k has: asked again, a
// ProxyFunc may name another one.
func (k *call) pins() bool {
	return k.client.proxies != nil && k.client.proxies.f != nil && !k.req.set.proxied && k.plan.err == nil
}

// pin makes r take p, nil for none.
func (r *Request) pin(p *message.Proxy) {
	if r.set.proxy, r.set.proxied = nil, true; p != nil {
		r.set.proxy = &Proxy{p}
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

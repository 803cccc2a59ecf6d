package message

import (
	"context"
	"crypto/tls"
)

// Proxy is a proxy that connections go through, and the way to it. It never
// changes. Proxies that say the same are the same pointer, which is what routes
// compare: connections through different ones, or with different credentials, are
// never mixed.
type Proxy struct {
	Origin        // Scheme is "http", "https", "socks5" or "socks5h"
	Via    *Proxy // through which it is reached; nil: directly

	User, Password string // unescaped
	HasUser        bool

	TLS    *tls.Config // with an https proxy
	Tunnel bool        // of CONNECT, also for http origins
	Fields Fields      // for this proxy alone: of CONNECT, and of requests that it forwards

	// Connect gives further fields of CONNECT; target is host:port. It may be nil.
	Connect func(ctx context.Context, target string) (Fields, error)
	// Auth gives the fields that a request to the proxy needs, none for none; with
	// an Answer it is only told how that went. It may be nil: then user and password
	// go as Basic.
	Auth func(ctx context.Context, a *ProxyAuth) (Fields, error)
	// Answered sees the final answer to CONNECT; an error refuses it. It may be nil.
	Answered func(ctx context.Context, target string, h *Head) error
}

// ProxyAuth is a request that a proxy is to be shown credentials with.
type ProxyAuth struct {
	Method, Target string
	Fields         Fields  // so far
	Sent           Fields  // what Auth gave before
	Refusal        *Fields // of the 407 response; nil: there was none yet
	Refused        int     // how often this request was refused
	Answer         *Head   // of the response to Sent that is no 407; nil: there is none yet
}

// HTTP reports whether the proxy speaks HTTP, as against SOCKS.
func (p *Proxy) HTTP() bool { return p.Scheme == "http" || p.Scheme == "https" }

// Forwards reports whether the proxy takes requests for http origins itself, in
// absolute-form (RFC 9112 §3.2.2), and not through a tunnel.
func (p *Proxy) Forwards() bool { return p != nil && p.HTTP() && !p.Tunnel }

// Name is the proxy without its credentials: scheme://host:port, and which other
// it is reached through.
func (p *Proxy) Name() string {
	if p == nil {
		return ""
	}
	name := p.Origin.String()
	if p.Via != nil {
		name += " via " + p.Via.Name()
	}
	return name
}

// Hops are the proxies on the way, the first one first.
func (p *Proxy) Hops() []*Proxy {
	var hops []*Proxy
	for ; p != nil; p = p.Via {
		hops = append(hops, p)
	}
	for i, j := 0, len(hops)-1; i < j; i, j = i+1, j-1 {
		hops[i], hops[j] = hops[j], hops[i]
	}
	return hops
}

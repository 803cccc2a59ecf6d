package sonde

import (
	"strings"

	"sonde/internal/message"
)

// HSTS knows the hosts that are to be asked by https only (RFC 6797); sonde/hsts
// has one. Its methods are called by many goroutines at once. Hosts are in lower
// case and ASCII, without a port.
type HSTS interface {
	// Secure reports whether a host is to be asked by https only.
	Secure(host string) bool
	// Learn takes the value of a response's first Strict-Transport-Security field.
	// It is called for what came by https only, and only where the certificate was
	// verified.
	Learn(host, value string)
}

// secured is r, or the same by https where Config.HSTS wants that. Errors and
// events show the URL that is used then.
func (c *Client) secured(r *Request) *Request {
	if c.cfg.HSTS == nil || c.cfg.Bare || r.url.Scheme != "http" {
		return r
	}
	to := c.securedURL(r.url)
	if to == r.url {
		return r
	}
	next := &Request{method: r.method, url: to, fields: r.fields, body: r.body, set: r.set}
	next.settle()
	return next
}

// securedURL is u, or the same by https. RFC 6797 §8.3: port 80 becomes 443, any
// other stays.
func (c *Client) securedURL(u message.URL) message.URL {
	if c.cfg.HSTS == nil || c.cfg.Bare || u.Scheme != "http" || !c.cfg.HSTS.Secure(u.Host) {
		return u
	}
	u.Scheme = "https"
	if u.Port == "80" {
		u.Port = "443" // Authority has no default port
	} else if u.Port == "443" {
		u.Authority = strings.TrimSuffix(u.Authority, ":443")
	}
	return u
}

// learnSecurity tells Config.HSTS what the response says. RFC 6797 §8.1: only what
// came by https without an error counts, and only the first field.
func (k *call) learnSecurity() {
	h := k.client.cfg.HSTS
	if h == nil || k.req.url.Scheme != "https" || k.got.Conn == nil {
		return
	}
	state := k.got.Conn.Link().(*link).state()
	if state == nil || len(state.VerifiedChains) == 0 || !k.head.Fields.Has("Strict-Transport-Security") {
		return
	}
	h.Learn(k.req.url.Host, k.head.Fields.Get("Strict-Transport-Security"))
}

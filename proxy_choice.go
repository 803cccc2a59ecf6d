package sonde

import (
	"context"
	"errors"
	"net/url"
	"os"
	"runtime"
	"strings"
)

// ProxyChoice says which proxy a request takes. The zero value takes it from the
// environment; see ProxyFromEnvironment.
type ProxyChoice struct {
	set    bool   // one or f counts, else the environment
	one    *Proxy // nil: none
	f      func(context.Context, *url.URL) (*Proxy, error)
	env    func(rawURL string) (*Proxy, error) // makes what the environment names; nil: plainProxy
	except *string                             // hosts that are reached directly, as NO_PROXY has them; nil: it was not said
}

// NoProxy takes none.
func NoProxy() ProxyChoice { return ProxyChoice{set: true} }

// FixedProxy takes p, nil for none.
func FixedProxy(p *Proxy) ProxyChoice { return ProxyChoice{set: true, one: p} }

// Except takes no proxy for some hosts, separated by commas as NO_PROXY has them,
// which it replaces; see ProxyFromEnvironment.
func (c ProxyChoice) Except(hosts string) ProxyChoice {
	c.except = &hosts
	return c
}

// ProxyFunc asks f for the proxy of each call, and of each request that follows it;
// nil is none, and an error ends the call. The URL has no userinfo and is f's to
// keep. f is called by many goroutines at once.
func ProxyFunc(f func(ctx context.Context, u *url.URL) (*Proxy, error)) ProxyChoice {
	return ProxyChoice{set: true, f: f}
}

// ProxyFromEnvironment takes HTTP_PROXY for http, HTTPS_PROXY for https, ALL_PROXY
// where the one of the scheme is not set, but for the hosts of NO_PROXY; each may be
// written in lower case, which comes first. The environment is read when the Client
// is made. NO_PROXY lists IP addresses, CIDR prefixes, names with all that is below
// them (only that, with a dot before), each with a port or for all of them, or "*".
// localhost and loopback addresses never take a proxy. Under CGI, where a client
// can set it, HTTP_PROXY is not looked at. A value without a scheme is http://.
//
// Cfg is for these proxies; of a SOCKS proxy it changes no more than User and Via.
func ProxyFromEnvironment(cfg ProxyConfig) ProxyChoice {
	return ProxyChoice{env: func(rawURL string) (*Proxy, error) {
		cfg := cfg
		if strings.HasPrefix(strings.ToLower(rawURL), "socks") {
			cfg = ProxyConfig{User: cfg.User, Via: cfg.Via}
		}
		return NewProxy(rawURL, cfg)
	}}
}

// proxyRule says which proxy a request takes, as a Client keeps it; nil is none for
// all.
type proxyRule struct {
	f           func(context.Context, *url.URL) (*Proxy, error) // asked for each call
	http, https envProxy
	applies     func(host, port string) bool // what NO_PROXY and its like leave; nil: all
}

// envProxy is what a variable of the environment says.
type envProxy struct {
	p   *Proxy
	err error
}

// rule is what the choice comes down to; nil is no proxy for any request.
func (c ProxyChoice) rule() *proxyRule {
	r := &proxyRule{f: c.f, http: envProxy{p: c.one}, https: envProxy{p: c.one}}
	switch {
	case !c.set:
		return c.environment()
	case c.f == nil && c.one == nil:
		return nil
	case c.except != nil:
		r.applies = except(*c.except, true)
	}
	return r
}

// environment is the rule of the environment.
func (c ProxyChoice) environment() *proxyRule {
	all := environment("all_proxy", "ALL_PROXY")
	plain := []string{"http_proxy", "HTTP_PROXY"}
	if os.Getenv("REQUEST_METHOD") != "" {
		// CGI makes HTTP_PROXY of a field "Proxy" that a client sent. The one in
		// lower case is another variable, but on Windows.
		if plain = plain[:1]; runtime.GOOS == "windows" {
			plain = nil
		}
	}
	r := &proxyRule{}
	r.http = c.proxyIn("HTTP_PROXY", environment(plain...), all)
	r.https = c.proxyIn("HTTPS_PROXY", environment("https_proxy", "HTTPS_PROXY"), all)
	if r.http == (envProxy{}) && r.https == (envProxy{}) {
		return nil
	}
	list := environment("no_proxy", "NO_PROXY")
	if c.except != nil {
		list = *c.except
	}
	r.applies = except(list, false)
	return r
}

// environment is the first of these variables that is set and not empty.
func environment(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// proxyIn is the proxy that a variable, or ALL_PROXY in its place, names.
func (c ProxyChoice) proxyIn(name, value, all string) envProxy {
	if value == "" {
		if name, value = "ALL_PROXY", all; value == "" {
			return envProxy{}
		}
	}
	make := c.env
	if make == nil {
		make = plainProxy
	}
	p, err := make(value)
	if err != nil {
		// Without a scheme "host:3128" reads like one, and "user:pw@host" like much.
		if q, again := make("http://" + value); again == nil {
			p, err = q, nil
		}
	}
	if err != nil {
		return envProxy{err: errors.New(name + " in the environment: " + err.Error())}
	}
	return envProxy{p: p}
}

// choose is the proxy of r; nil is none.
func (c *Client) choose(ctx context.Context, r *Request) (*Proxy, error) {
	if r.set.proxied {
		return r.set.proxy, nil
	}
	rule := c.proxies
	if rule == nil {
		return nil, nil
	}
	if rule.applies != nil && !rule.applies(r.url.Host, r.url.Port) {
		return nil, nil
	}
	if rule.f != nil {
		u := r.address()
		if u == nil {
			return nil, errors.New("the URL cannot be read")
		}
		return rule.f(ctx, u)
	}
	e := rule.https
	if r.url.Scheme == "http" {
		e = rule.http
	}
	return e.p, e.err
}

// WithProxy sends the request through p, whatever Config.Proxy says; nil is
// directly.
func WithProxy(p *Proxy) Option {
	return Option{func(r *Request) { r.set.proxy, r.set.proxied, r.set.extras = p, true, &allExtras }}
}

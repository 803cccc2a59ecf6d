package nethttp

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"sonde"
)

// proxies makes a sonde.Proxy of each URL that Transport.Proxy returns, once.
type proxies struct {
	choose     func(*http.Request) (*url.URL, error) // nil: none
	header     http.Header
	headerFunc func(ctx context.Context, proxy *url.URL, target string) (http.Header, error)
	onResponse func(ctx context.Context, proxy *url.URL, req *http.Request, resp *http.Response) error
	tls        *tls.Config

	mu  sync.RWMutex
	all map[proxyURL]*sonde.Proxy
}

// proxyURL is a URL that compares by what it says: a url.URL has a pointer in it.
type proxyURL struct {
	rest           url.URL
	user, password string
	hasUser, has   bool
}

func newProxyURL(u *url.URL) proxyURL {
	k := proxyURL{rest: *u}
	if k.hasUser = u.User != nil; k.hasUser {
		k.user = u.User.Username()
		k.password, k.has = u.User.Password()
	}
	k.rest.User = nil
	return k
}

// mostProxies bounds what is kept for functions that return ever new ones.
const mostProxies = 256

// proxiesOf are those of t, which may be nil.
func proxiesOf(t *http.Transport) *proxies {
	if t == nil {
		return &proxies{choose: http.ProxyFromEnvironment}
	}
	return &proxies{
		choose: t.Proxy, header: t.ProxyConnectHeader.Clone(), headerFunc: t.GetProxyConnectHeader,
		onResponse: t.OnProxyConnectResponse, tls: t.TLSClientConfig.Clone(),
	}
}

// of is the proxy of req; nil, nil is none.
func (x *proxies) of(req *http.Request) (*sonde.Proxy, *url.URL, error) {
	if x.choose == nil {
		return nil, nil, nil
	}
	u, err := x.choose(req)
	if u == nil || err != nil {
		return nil, nil, err
	}
	key := newProxyURL(u)
	x.mu.RLock()
	p := x.all[key]
	x.mu.RUnlock()
	if p != nil {
		return p, u, nil
	}
	p, err = x.make(u, key)
	return p, u, err
}

func isSOCKS(u *url.URL) bool { return u.Scheme == "socks5" || u.Scheme == "socks5h" }

func (x *proxies) make(u *url.URL, key proxyURL) (*sonde.Proxy, error) {
	at := *u
	to := url.URL{Scheme: u.Scheme, Host: u.Host}
	switch {
	case isSOCKS(u):
		to.Scheme = "socks5h" // with net/http the proxy looks names up
	case to.Scheme != "https":
		to.Scheme = "http" // none, and any other, mean that with net/http
	}
	cfg := sonde.ProxyConfig{User: u.User}
	if to.Scheme != "socks5h" {
		cfg.HeaderFunc = func(ctx context.Context, target string) (sonde.Header, error) {
			h, err := x.connectHeader(ctx, &at, target)
			if err != nil {
				return sonde.Header{}, &callbackError{err}
			}
			return fields(h)
		}
		if x.onResponse != nil {
			cfg.OnConnect = func(ctx context.Context, target string, head *sonde.Head) error {
				return x.answered(ctx, &at, target, head)
			}
		}
		cfg.TLS = x.tls
	}
	p, err := sonde.NewProxy(to.String(), cfg)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if again := x.all[key]; again != nil {
		return again, nil
	}
	if x.all == nil || len(x.all) >= mostProxies {
		x.all = map[proxyURL]*sonde.Proxy{}
	}
	x.all[key] = p
	return p, nil
}

// connectHeader is the fields of CONNECT.
func (x *proxies) connectHeader(ctx context.Context, proxy *url.URL, target string) (http.Header, error) {
	if x.headerFunc != nil {
		return x.headerFunc(ctx, proxy, target)
	}
	return x.header, nil
}

// answered tells OnProxyConnectResponse.
func (x *proxies) answered(ctx context.Context, proxy *url.URL, target string, head *sonde.Head) error {
	h, err := x.connectHeader(ctx, proxy, target)
	if err != nil {
		return &callbackError{err}
	}
	if h = h.Clone(); h == nil {
		h = make(http.Header)
	}
	if auth := basic(proxy); auth != "" && h.Get("Proxy-Authorization") == "" {
		h.Set("Proxy-Authorization", auth)
	}
	req := (&http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: h}).WithContext(ctx)
	resp := &http.Response{
		Status: status(int(head.Status), head.Reason()), StatusCode: int(head.Status),
		Proto: head.Proto.String(), ProtoMajor: int(head.Proto.Major), ProtoMinor: int(head.Proto.Minor),
		Header: make(http.Header), Body: http.NoBody, ContentLength: -1, Request: req,
	}
	for name, value := range head.Header.All() {
		resp.Header.Add(name, value)
	}
	if err := x.onResponse(ctx, proxy, req, resp); err != nil {
		return &callbackError{err}
	}
	return nil
}

// callbackError is an error that a function of the caller's returned: it comes back
// as it is.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return e.err.Error() }

// Unwrap returns it.
func (e *callbackError) Unwrap() error { return e.err }

// fields are those of a CONNECT, in net/http's order.
func fields(h http.Header) (out sonde.Header, err error) {
	agent := userAgent
	if own, ok := h["User-Agent"]; ok {
		if agent = ""; len(own) > 0 {
			agent = own[0]
		}
	}
	if agent != "" {
		err = out.Add("User-Agent", agent)
	}
	names := make([]string, 0, len(h))
	for name := range h {
		if !written(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			if err == nil {
				err = out.Add(name, v)
			}
		}
	}
	return out, err
}

// basic is the credentials in a proxy's URL.
func basic(u *url.URL) string {
	if u == nil || u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
}

// choice is the same for calls of one's own over the Client.
func (x *proxies) choice() sonde.ProxyChoice {
	if x.choose == nil {
		return sonde.NoProxy()
	}
	return sonde.ProxyFunc(func(ctx context.Context, u *url.URL) (*sonde.Proxy, error) {
		req := &http.Request{Method: http.MethodGet, URL: u, Header: make(http.Header), Host: u.Host}
		p, _, err := x.of(req.WithContext(ctx))
		return p, err
	})
}

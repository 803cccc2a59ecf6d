package sonde

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"unsafe"
	"weak"

	"sonde/internal/message"
)

// Proxy is a proxy that requests can go through; NewProxy makes one. It never
// changes, and may be used by any number of goroutines. Connections through
// different proxies, or with different credentials, are never mixed; proxies that
// were made of the same URL and the same ProxyConfig count as one.
type Proxy struct{ p *message.Proxy }

// ProxyConfig says what there is to say about a proxy beside its URL. The zero
// value works. Header, HeaderFunc, Auth, OnConnect and Tunnel are for proxies
// that speak HTTP.
type ProxyConfig struct {
	// User and password, instead of those in the URL. Nil: those.
	User *url.Userinfo

	// Header is sent to the proxy: with CONNECT, and with the requests for http
	// origins that it forwards itself. It never reaches an origin through a tunnel.
	Header Header

	// HeaderFunc gives further fields of each CONNECT, which replace those of the
	// same name in Header. Target is the host:port that the tunnel is to lead to.
	// An error ends the call.
	HeaderFunc func(ctx context.Context, target string) (Header, error)

	// TLS is for an https proxy, and must not be changed afterwards: what
	// Config.TLS says is for origins. Its NextProtos are not looked at. Nil: the
	// defaults of crypto/tls.
	TLS *tls.Config

	// Auth gives the credentials, also in answer to a 407, instead of user and
	// password, which are sent as Basic, unasked.
	Auth Authenticator

	// Via is the proxy through which this one is reached. Nil: directly.
	Via *Proxy

	// Tunnel makes tunnels (CONNECT) also to http origins, whose requests the proxy
	// would otherwise get in absolute-form (RFC 9112 §3.2.2) and forward.
	Tunnel bool

	// OnConnect sees every final response to CONNECT, also those that refuse. An
	// error ends the call. The Head is its to keep.
	OnConnect func(ctx context.Context, target string, h *Head) error
}

// NewProxy makes a Proxy of a URL: http://, https:// (TLS with the proxy),
// socks5:// (names are looked up here) or socks5h:// (by the proxy), with
// user:password@ where the proxy wants that. Without a port it is 80, 443 or 1080.
// No error shows the credentials.
func NewProxy(rawURL string, cfg ProxyConfig) (*Proxy, error) {
	u, err := message.ParseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("sonde: proxy: %w", err)
	}
	if cfg.User != nil {
		u.User, u.HasUser = cfg.User.Username(), true
		u.Password, u.HasPassword = cfg.User.Password()
	}
	err = checkProxy(&u)
	if err == nil {
		err = cfg.check(u.Scheme)
	}
	if err != nil {
		return nil, wrongProxy(&u, err)
	}
	key := keyOf(&u)
	cfg.key(&key)
	return &Proxy{intern(key, func() *message.Proxy { return cfg.proxy(&u) })}, nil
}

// plainProxy is NewProxy with the zero ProxyConfig, which is all that the default
// client needs: a program that uses no other links nothing else.
func plainProxy(rawURL string) (*Proxy, error) {
	u, err := message.ParseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("sonde: proxy: %w", err)
	}
	if err := checkProxy(&u); err != nil {
		return nil, wrongProxy(&u, err)
	}
	return &Proxy{intern(keyOf(&u), func() *message.Proxy { return proxyAt(&u, nil) })}, nil
}

func wrongProxy(u *message.URL, err error) error {
	return fmt.Errorf("sonde: proxy %s://%s: %w", u.Scheme, u.Authority, err)
}

// String is the proxy without its credentials, such as "http://127.0.0.1:3128",
// and the one that it is reached through: "… via …". It is "" of a nil Proxy.
func (p *Proxy) String() string {
	if p == nil {
		return ""
	}
	return p.p.Name()
}

// checkProxy completes u, and says what is wrong.
func checkProxy(u *message.URL) error {
	socks := false
	switch u.Scheme {
	case "http", "https":
	case "socks5", "socks5h":
		if socks = true; u.Port == "" {
			u.Port = "1080"
		}
	default:
		return fmt.Errorf("scheme %q is none of a proxy: http, https, socks5 and socks5h are", u.Scheme)
	}
	switch {
	case u.Host == "":
		return errors.New("no host")
	case strings.Trim(u.Target, "/") != "" || u.Fragment != "":
		return errors.New("a proxy's URL has no path")
	case socks && u.HasUser && (len(u.User) == 0 || len(u.User) > 255 || len(u.Password) > 255):
		return errors.New("user and password have 1 to 255 bytes for SOCKS (RFC 1929)")
	case strings.Contains(u.User, ":") && !socks:
		return errors.New("no colon can be in a user (RFC 7617 §2)")
	}
	return nil
}

// check says what is wrong with cfg for a proxy of that scheme.
func (cfg *ProxyConfig) check(scheme string) error {
	if socks := strings.HasPrefix(scheme, "socks"); socks && (cfg.Auth != nil || cfg.HeaderFunc != nil || cfg.OnConnect != nil || cfg.Header.Len() > 0) {
		return errors.New("it speaks SOCKS: no Auth, Header, HeaderFunc or OnConnect has a meaning for it")
	}
	for name := range cfg.Header.All() {
		if codecField(name) {
			return fmt.Errorf("field %s is the codec's", name)
		}
	}
	return nil
}

// proxyKey is all that makes two proxies the same. It keeps no closure and no
// tls.Config alive: a HeaderFunc may well lead to the Client that has the Proxy, and
// none of the three would ever be freed.
type proxyKey struct {
	origin          message.Origin
	user, password  string
	hasUser, tunnel bool
	via             *message.Proxy
	tls             weak.Pointer[tls.Config]
	header          string
	fields, connect uintptr // of the closures, which stay where they are while the proxy has them
	auth            any
}

// proxies are those that exist, so that there is one of each.
var proxies = struct {
	mu  sync.Mutex
	all map[proxyKey]weak.Pointer[message.Proxy]
}{all: map[proxyKey]weak.Pointer[message.Proxy]{}}

// keyOf is the key of the proxy at u of which nothing else is said.
func keyOf(u *message.URL) proxyKey {
	return proxyKey{origin: u.Origin, user: u.User, password: u.Password, hasUser: u.HasUser}
}

// key adds to k what cfg says.
func (cfg *ProxyConfig) key(k *proxyKey) {
	k.tunnel, k.tls, k.header = cfg.Tunnel, weak.Make(cfg.TLS), cfg.Header.f.Lines()
	k.fields = *(*uintptr)(unsafe.Pointer(&cfg.HeaderFunc))
	k.connect = *(*uintptr)(unsafe.Pointer(&cfg.OnConnect))
	if cfg.Via != nil {
		k.via = cfg.Via.p
	}
	if k.auth = cfg.Auth; cfg.Auth != nil && !reflect.ValueOf(cfg.Auth).Comparable() {
		k.auth = new(int) // equal to no other
	}
}

// intern is the proxy of that key, which make makes if there is none.
func intern(key proxyKey, make func() *message.Proxy) *message.Proxy {
	proxies.mu.Lock()
	defer proxies.mu.Unlock()
	if p := proxies.all[key].Value(); p != nil {
		return p
	}
	p := make()
	proxies.all[key] = weak.Make(p)
	runtime.AddCleanup(p, forgetProxy, &key)
	return p
}

// forgetProxy removes a proxy that nobody has any more, unless there is another
// in its place.
func forgetProxy(key *proxyKey) {
	proxies.mu.Lock()
	defer proxies.mu.Unlock()
	if w, ok := proxies.all[*key]; ok && w.Value() == nil {
		delete(proxies.all, *key)
	}
}

// proxy is the proxy that cfg describes.
func (cfg *ProxyConfig) proxy(u *message.URL) *message.Proxy {
	p := proxyAt(u, cfg.TLS.Clone())
	p.Tunnel, p.Fields = cfg.Tunnel, cfg.Header.f
	if cfg.Via != nil {
		p.Via = cfg.Via.p
	}
	if f := cfg.HeaderFunc; f != nil {
		p.Connect = func(ctx context.Context, target string) (message.Fields, error) {
			h, err := f(ctx, target)
			return h.f, err
		}
	}
	if f := cfg.OnConnect; f != nil {
		p.Answered = func(ctx context.Context, target string, h *message.Head) error {
			head := newHead(h)
			return f(ctx, target, &head)
		}
	}
	if cfg.Auth != nil {
		p.Auth = proxyAuth(cfg.Auth, &url.URL{Scheme: u.Scheme, Host: u.Authority, Path: "/"})
	}
	return p
}

// proxyAt is the proxy at u; secure is for https, nil the defaults.
func proxyAt(u *message.URL, secure *tls.Config) *message.Proxy {
	p := &message.Proxy{Origin: u.Origin, User: u.User, Password: u.Password, HasUser: u.HasUser}
	if p.Scheme != "https" {
		return p
	}
	if p.TLS = secure; secure == nil {
		p.TLS = &tls.Config{}
	}
	if p.TLS.MinVersion == 0 {
		p.TLS.MinVersion = tls.VersionTLS12
	}
	if p.TLS.ClientSessionCache == nil && !p.TLS.SessionTicketsDisabled {
		p.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return p
}

// proxyAuth asks an Authenticator on behalf of the proxy at u.
func proxyAuth(auth Authenticator, u *url.URL) func(context.Context, *message.ProxyAuth) (message.Fields, error) {
	return func(ctx context.Context, a *message.ProxyAuth) (message.Fields, error) {
		at := *u
		req := AuthRequest{
			Method: Method(a.Method), URL: &at, Target: a.Target, Header: Header{a.Fields},
			Refused: a.Refused, Sent: Header{a.Sent}, Proxy: true,
		}
		if a.Answer != nil {
			if w, ok := auth.(interface{ Answered(*AuthRequest, *Head) }); ok {
				head := newHead(a.Answer)
				w.Answered(&req, &head)
			}
			return message.Fields{}, nil
		}
		if a.Refusal != nil {
			req.Challenges = a.Refusal.Challenges("Proxy-Authenticate")
		}
		if err := auth.Authenticate(ctx, &req); err != nil {
			return message.Fields{}, err
		}
		return req.fields, req.err
	}
}

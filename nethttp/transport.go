package nethttp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sonde"
	"sonde/internal/core"
)

// Transport is an http.RoundTripper over a sonde Client. Any number of goroutines
// may use it. Make one with New.
type Transport struct {
	client *sonde.Client // as Client gives it
	plain  *sonde.Client // carries requests; dials by Dial or DialContext
	secure *sonde.Client // for https where there is a DialTLS or DialTLSContext; else plain
	err    error         // why no request can be sent

	given     *http.Transport // for schemes that nobody has registered here; nil: none
	settings  settings
	handsOver bool // TLSNextProto has protocols of somebody else's
	proxies   *proxies

	alt     atomic.Pointer[map[string]http.RoundTripper]
	altMu   sync.Mutex // held while alt is replaced
	flights flights
}

// settings are what each request needs of the http.Transport.
type settings struct {
	disableKeepAlives bool // and say so in requests
	oneShot           bool // keep no connections, for whatever reason
	compression       bool
	expectContinue    bool
	maxHead           int64
	headTimeout       time.Duration
}

// maxHead is net/http's own bound of a response head where MaxResponseHeaderBytes
// gives none.
const maxHead = 10 << 20

var errOnlyHTTP2 = errors.New("nethttp: the transport's Protocols allow HTTP/2 alone, and HTTP/1.1 is all that there is so far: call SetHTTP1(true) on them")

// New makes a Transport with the settings of t, whose fields it reads now, once:
// later changes have no effect. Nil stands for those of http.DefaultTransport,
// with sonde's own dialing, and its larger pool of idle connections.
//
// Settings that cannot be had are the error of every request.
func New(t *http.Transport) *Transport {
	cfg := sonde.Config{UserAgent: "-"}
	own := Transport{proxies: proxiesOf(t)}
	cfg.Proxy = own.proxies.choice()
	if t == nil {
		own.settings = settings{compression: true, expectContinue: true, maxHead: maxHead}
		cfg.Limits.Head, cfg.Limits.Fields, cfg.Limits.Informational = maxHead, -1, -1
		cfg.Timeouts.BodyIdle = -1
	} else {
		own.given = t
		own.settings, own.handsOver = settingsOf(t), takesOver(t)
		configure(&cfg, t)
		if t.Protocols != nil && !t.Protocols.HTTP1() && (t.Protocols.HTTP2() || t.Protocols.UnencryptedHTTP2()) {
			own.err = errOnlyHTTP2
		}
	}
	own.build(cfg, t)
	return &own
}

// build makes the clients, which share one pool.
func (t *Transport) build(cfg sonde.Config, given *http.Transport) {
	client, err := sonde.New(cfg)
	if err != nil {
		t.err = fmt.Errorf("nethttp: %w", err)
		return
	}
	t.client = client
	if err := t.derive(); err != nil {
		t.err = err
		return
	}
	if dial := tlsDial(given); dial != nil {
		if t.secure, err = t.plain.With(func(c *sonde.Config) { c.Dial = dial }); err != nil {
			t.err = err
		}
	}
}

// derive makes what carries requests of t.client.
func (t *Transport) derive() (err error) {
	t.plain, err = t.client.With(func(c *sonde.Config) {
		c.Bare, c.Middleware, c.AttemptMiddleware = true, nil, nil
	})
	t.secure = t.plain
	return err
}

// settingsOf are those of t.
func settingsOf(t *http.Transport) settings {
	s := settings{
		disableKeepAlives: t.DisableKeepAlives,
		oneShot:           t.DisableKeepAlives || t.MaxIdleConnsPerHost < 0,
		compression:       !t.DisableCompression,
		expectContinue:    t.ExpectContinueTimeout > 0,
		maxHead:           t.MaxResponseHeaderBytes,
		headTimeout:       t.ResponseHeaderTimeout,
	}
	if s.maxHead <= 0 {
		s.maxHead = maxHead
	}
	return s
}

// configure maps t's fields to those of a Config, in which 0 is a default of
// sonde's, and a negative number no bound, as 0 is in t.
func configure(cfg *sonde.Config, t *http.Transport) {
	head := t.MaxResponseHeaderBytes
	if head <= 0 {
		head = maxHead
	}
	cfg.Limits.Head, cfg.Limits.Fields, cfg.Limits.Informational = int(min(head, 1<<31-1)), -1, -1
	cfg.Timeouts = sonde.Timeouts{
		FirstByte: t.ResponseHeaderTimeout,
		BodyIdle:  -1,
		Continue:  t.ExpectContinueTimeout,
		Connect:   -1,
		TLS:       none(t.TLSHandshakeTimeout),
		Proxy:     0, // net/http's own, a minute, is sonde's
	}
	cfg.Pool = sonde.PoolConfig{
		MaxIdle:           none(t.MaxIdleConns),
		MaxIdlePerOrigin:  t.MaxIdleConnsPerHost,
		MaxConnsPerOrigin: t.MaxConnsPerHost,
		IdleTime:          none(t.IdleConnTimeout),
	}
	if t.MaxIdleConnsPerHost == 0 {
		cfg.Pool.MaxIdlePerOrigin = http.DefaultMaxIdleConnsPerHost
	}
	cfg.Retries = 100 // net/http has no bound; one by one the dead connections of a pool are used up
	cfg.KeepAlive = net.KeepAliveConfig{Enable: true}
	cfg.TLS = t.TLSClientConfig.Clone()
	if cfg.TLS == nil {
		cfg.TLS = new(tls.Config)
	}
	if cfg.TLS.ClientSessionCache == nil {
		cfg.TLS.SessionTicketsDisabled = true // no cache of sonde's: sessions are resumed if t resumes them
	}
	core.SetDialing(cfg, core.Dialing{
		Quiet:   t.DialContext == nil || !plainDialer(t.DialContext),
		OwnALPN: true, ALPN: protocols(cfg.TLS),
		Linger: true, KeepOld: true,
	})
	cfg.Dial = dialOf(t)
}

// protocols are what ALPN offers: without HTTP/2, which there is not yet.
func protocols(c *tls.Config) []string {
	return slices.DeleteFunc(slices.Clone(c.NextProtos), func(p string) bool { return p == "h2" })
}

// plainDialer reports whether dial is the method of a net.Dialer, which sets no
// deadlines: any other's may be meant to stay. All values of one method have the
// same code, and where that should cease to be so, nothing changes but the cost.
func plainDialer(dial dialFunc) bool {
	return reflect.ValueOf(dial).Pointer() == dialerCode
}

var dialerCode = reflect.ValueOf(new(net.Dialer).DialContext).Pointer()

// none is d, or -1 for 0.
func none[T int | time.Duration](d T) T {
	if d <= 0 {
		return -1
	}
	return d
}

// Client returns the sonde Client whose pool carries the requests: for its
// statistics, its connections and the reasons why each was opened, and for calls
// of one's own over the same connections. It is nil if the settings were
// impossible.
func (t *Transport) Client() *sonde.Client { return t.client }

// With returns a Transport with the same settings and the same pool, whose Client
// is changed as by Client.With: to give it a Sink, say. Policies of the Client,
// such as redirects, cookies or middleware, never concern a RoundTrip. What was
// registered with t is not registered with the other.
func (t *Transport) With(change func(*sonde.Config)) (*Transport, error) {
	if t.err != nil {
		return nil, t.err
	}
	c, err := t.client.With(change)
	if err != nil {
		return nil, err
	}
	u := &Transport{client: c, given: t.given, settings: t.settings, handsOver: t.handsOver, proxies: t.proxies}
	if err := u.derive(); err != nil {
		return nil, err
	}
	if t.secure != t.plain {
		dial := tlsDial(t.given)
		if u.secure, err = u.plain.With(func(c *sonde.Config) { c.Dial = dial }); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// CloseIdleConnections closes the connections that carry nothing.
func (t *Transport) CloseIdleConnections() {
	if t.client != nil {
		t.client.Pool().CloseIdle()
	}
}

// RegisterProtocol gives the requests with that scheme to rt. Where rt returns
// http.ErrSkipAltProtocol, the Transport serves the request itself. It panics if
// the scheme has been registered before.
func (t *Transport) RegisterProtocol(scheme string, rt http.RoundTripper) {
	t.altMu.Lock()
	defer t.altMu.Unlock()
	all := map[string]http.RoundTripper{scheme: rt}
	if old := t.alt.Load(); old != nil {
		for s, r := range *old {
			if s == scheme {
				panic("protocol " + scheme + " already registered")
			}
			all[s] = r
		}
	}
	t.alt.Store(&all)
}

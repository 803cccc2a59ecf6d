package sonde

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"sonde/internal/core"
	"sonde/internal/dial"
	"sonde/trace"
)

// Version is sonde's own, as its User-Agent says it.
const Version = "0.1.0"

// Config says how a Client works. The zero Config works; docs/defaults.md shows
// every default beside net/http's. A Client copies its Config and never changes.
//
// Durations, sizes and counts: 0 is the default, a negative one is no bound, but
// for Retries and Limits.Drain, where it is none at all.
type Config struct {
	Timeouts Timeouts
	Limits   Limits
	Pool     PoolConfig

	// UserAgent is the User-Agent of requests that set none. "" is
	// "sonde/<Version>"; "-" is none.
	UserAgent string

	// BaseURL is what Client.NewRequest, Get and the like resolve references against
	// (RFC 3986 §5). Its path ends with "/". "" is none.
	BaseURL string

	// Header holds default fields, for requests that have no field of that name.
	// Fields that the codec owns (docs/fields.md) have no place here.
	Header Header

	// Accept adds to the statuses that are a success; AnyStatus stands for all.
	Accept []Status

	// Retries is how often a request is sent again, at most, because a connection
	// from the pool turned out to be dead, where that is safe. 0: 3; negative:
	// never.
	Retries int

	// Protocols are the versions of HTTP that may be used. 0: HTTP1.
	Protocols Protocols

	// TLS is copied. Its NextProtos are not looked at, see Protocols. Sessions are
	// resumed unless it says otherwise. Nil: the defaults of crypto/tls.
	TLS *tls.Config

	// Dial makes connections instead of sonde's own dialing. network is "tcp",
	// addr is host:port, not looked up. It may return a connection that is TLS
	// already, such as a *tls.Conn: then there is no second handshake.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Resolver looks names up. Nil: net.DefaultResolver.
	Resolver Resolver

	// LocalAddr is the address to connect from. The zero Addr: any.
	LocalAddr netip.Addr

	// KeepAlive is as net.Dialer's: the zero value probes every 15 seconds once
	// a connection has been silent for 15; sonde's default is 30 and 30.
	KeepAlive net.KeepAliveConfig

	// Control is as net.Dialer's: it sees each socket before it connects.
	Control func(network, address string, c syscall.RawConn) error

	// Proxy says which proxy requests take. The zero value: the environment says.
	Proxy ProxyChoice

	// Guard is asked about every IP address before it is connected to, and refuses it
	// by an error, which becomes the call's; package guard has one for public
	// addresses only. It judges what a name means when the connection is made, also
	// after a redirect, and each of several addresses for itself. Of what Dial makes
	// it sees the remote address afterwards, and refuses what has none. Through a
	// proxy it sees the proxy's, which looks names up by itself. It is not asked about
	// unix sockets. It is called by many goroutines at once. Nil: none is refused.
	Guard func(netip.AddrPort) error

	// HTTPSOnly refuses http, also after a redirect.
	HTTPSOnly bool

	// UnixSocket is the path of a unix socket to connect to, whatever the URL's
	// host is. "" is none.
	UnixSocket string

	// Sink takes events. Nil costs nothing. Events of idle connections go to the
	// sink of the client that made the pool.
	Sink trace.Sink

	// Informational is called for every informational response (RFC 9110 §15.2)
	// except 101; an error ends the call with that error. The Head is the
	// callback's to keep.
	Informational func(*Head) error

	// Redirects says whether and how far redirects are followed.
	Redirects Redirects

	// Retry says when a request is sent again. The zero Retry: never, but see
	// Retries.
	Retry Retry

	// Hedge says when a request is sent once more beside an attempt that takes long.
	// The zero Hedge: never.
	Hedge Hedge

	// RetryBudget bounds the attempts that Retry and Hedge add, for the client and
	// its copies together: to this share of the calls that may be repeated, plus 10,
	// within some 10 seconds. Where a server fails all calls, that is all that it
	// gets more. 0: 0.2. Negative: no bound.
	RetryBudget float64

	// Jar keeps cookies: it gives requests theirs, besides a Cookie field set by
	// hand, and takes those of every response. Nil: none are kept.
	Jar Jar

	// HSTS knows which hosts are to be asked by https only (RFC 6797), and learns of
	// more from responses: requests to them, and redirects, go by https before
	// anything is looked up. Nil: none are.
	HSTS HSTS

	// Auth gives requests their credentials. A hand-set Authorization, then
	// those of the URL come before it. Nil: only those are sent.
	Auth Authenticator

	// Codings are content codings that the client asks for and decodes, before its
	// own, gzip and deflate. A coding with the name of one of those takes its place.
	Codings []Coding

	// NoDecoding turns that off: the client asks for no content coding and decodes
	// none.
	NoDecoding bool

	// Bare turns off everything that a client does by itself beside sending the
	// request: redirects, cookies, HSTS, credentials, content codings, retries by
	// status, hedging, default fields. A request that a dead connection had no
	// chance to deliver is still sent again, see Retries.
	Bare bool

	// Middleware wraps every call, the first one outermost.
	Middleware []Middleware

	// AttemptMiddleware wraps every attempt of every call, the first one outermost:
	// each redirect, retry, hedge and answer to a challenge passes it by itself, with
	// cookies and credentials in the request, and the body as it comes, not decoded.
	// Calls for other schemes have no attempts. What it returns is judged as a
	// server's response would be, and its own errors end the call.
	AttemptMiddleware []Middleware

	// Schemes serve the calls for URLs of other schemes than http and https.
	Schemes map[string]Handler

	dialing core.Dialing // package nethttp's
}

// own is cfg with copies of what its maker could still change.
func (cfg Config) own() Config {
	cfg.Accept, cfg.Middleware = slices.Clone(cfg.Accept), slices.Clone(cfg.Middleware)
	cfg.Codings = slices.Clone(cfg.Codings)
	cfg.AttemptMiddleware = slices.Clone(cfg.AttemptMiddleware)
	cfg.Retry.Statuses, cfg.Retry.Methods = slices.Clone(cfg.Retry.Statuses), slices.Clone(cfg.Retry.Methods)
	cfg.Schemes, cfg.TLS = maps.Clone(cfg.Schemes), cfg.TLS.Clone()
	return cfg
}

// Resolver looks names up; *net.Resolver is one. network is "ip4" or "ip6".
type Resolver = dial.Resolver

// Timeouts bound phases of a call. Besides them the context does, and Close.
// 0 is the default, a negative one is none.
type Timeouts struct {
	Call      time.Duration // the whole call, to the body's end. Default: none
	Queue     time.Duration // waiting for a connection of the pool. Default: none
	FirstByte time.Duration // from the request's end to the response's head. Default: none
	BodyIdle  time.Duration // between two reads of the response. Default: 5 min
	Continue  time.Duration // waiting for 100 Continue before the body goes anyway. Default: 1 s

	// The following belong to connections: WithTimeouts refuses them.

	Connect time.Duration // look-up and connect. Default: 30 s
	TLS     time.Duration // the TLS handshake. Default: 10 s
	Proxy   time.Duration // a proxy handshake. Default: 60 s
}

// Limits bound what a server can make the client take. 0 is the default, a
// negative one is none.
type Limits struct {
	Head          int           // bytes of a response head, and of a trailer section. Default: 256 KiB
	Fields        int           // fields in either. Default: 1000
	Informational int           // 1xx responses before the final one, which have Head bytes together if nobody looks at them. Default: 32
	Body          int64         // bytes of a body that Do keeps in memory. Default: 64 MiB
	Decoded       int64         // bytes that a body is decoded to, wherever they go; Do has Body besides. Default: none
	Ratio         int64         // decoded bytes for each one received, once there are more than 8 MiB. Default: 300
	ErrorBody     int           // bytes of a body that a StatusError keeps. Default: 8 KiB
	Drain         int64         // bytes of a left-over body that are read to save the connection. Default: 64 KiB
	DrainTime     time.Duration // and for how long. Default: 50 ms
}

// PoolConfig says what the pool keeps. 0 is the default, a negative one is no
// bound.
type PoolConfig struct {
	MaxIdle           int           // idle connections. Default: a quarter of the descriptors allowed, at most 4096
	MaxIdlePerOrigin  int           // idle connections of one route. Default: MaxIdle
	MaxConnsPerOrigin int           // connections of one route; callers wait for them in turn. Default: no bound
	IdleTime          time.Duration // how long one stays idle. Default: 90 s
	MaxAge            time.Duration // how old one gets, up to a tenth less. Default: no bound
}

package message

import "net"

// Origin is scheme, host and port: a static fact, comparable.
type Origin struct {
	Scheme string // "http" or "https", lower case
	Host   string // lower-case A-label or IP address without brackets; an IPv6 zone is kept
	Port   string // never empty
}

// Addr is host:port, with brackets around an IPv6 address.
func (o Origin) Addr() string { return net.JoinHostPort(o.Host, o.Port) }

// String is scheme://host:port, "" of the zero Origin.
func (o Origin) String() string {
	if o == (Origin{}) {
		return ""
	}
	return o.Scheme + "://" + o.Addr()
}

// Protocols is a set of protocol versions.
type Protocols uint8

// The protocol versions.
const (
	HTTP1 Protocols = 1 << iota // http/1.1, with HTTP/1.0 servers
	HTTP2
	HTTP3
)

// Route is a way to an origin: everything that decides which connections may
// carry a request. Connections of different routes are never mixed. It is the
// key of the pool.
//
// The connections on which a proxy forwards requests serve all http origins: their
// Origin is the zero one.
type Route struct {
	Origin
	Unix      string    // path of the unix socket to use instead of TCP
	Proxy     *Proxy    // nil: directly
	Protocols Protocols // those that may be offered
	Settings  uint64    // identity of the connection settings (TLS, dialer, resolver)
}

package trace

import (
	"fmt"
	"net/netip"
	"time"
)

// Detail is what an Event says beyond what most have. Events that say the same,
// such as those of one connection, share one: it is not changed once an Event has it.
type Detail struct {
	Method     string
	URL        string // without credentials
	Host       string // a name, address, proxy or socket
	Name       string // of a field; of the peer, as its certificate has it; of codings; of what a proxy leads to
	Value      string // of a field, redacted where it can be a secret; of a head, its first line
	Proto      string // what ALPN chose, "" if nothing
	Network    string // "tcp" or "unix"
	Local      netip.AddrPort
	Remote     netip.AddrPort
	Addrs      []netip.Addr  // DNSDone; read only
	TLSVersion uint16        // as in crypto/tls
	TLSCipher  uint16        // as in crypto/tls
	Resumed    bool          // TLSDone: a session was resumed
	Custom     bool          // ConnectStart, ConnectDone: by the caller's own dial function
	Wait       time.Duration // Retry: until the next attempt; Hedge: since the attempt before began
}

// String is all of it, for an Event that is printed with %+v.
func (d *Detail) String() string {
	if d == nil {
		return "none"
	}
	return fmt.Sprintf("%+v", *d)
}

// none is the Detail of events without one.
var none Detail

func (e *Event) detail() *Detail {
	if e.Detail == nil {
		return &none
	}
	return e.Detail
}

// Method is the method of a request.
func (e Event) Method() string { return e.detail().Method }

// URL is the URL of a request, or that a redirect leads to, without credentials.
func (e Event) URL() string { return e.detail().URL }

// Host is the name, address, proxy or socket that the step is about.
func (e Event) Host() string { return e.detail().Host }

// Name is the name of a field; of the peer, as its certificate has it; of codings; or a proxy's target.
func (e Event) Name() string { return e.detail().Name }

// Value is the value of a field, redacted where it can be a secret; or a request's first line.
func (e Event) Value() string { return e.detail().Value }

// Proto is what ALPN chose, "" if nothing.
func (e Event) Proto() string { return e.detail().Proto }

// Network is "tcp" or "unix".
func (e Event) Network() string { return e.detail().Network }

// Local is this end of the connection.
func (e Event) Local() netip.AddrPort { return e.detail().Local }

// Remote is the other end of it, or the address that is tried.
func (e Event) Remote() netip.AddrPort { return e.detail().Remote }

// Addrs is what a look-up gave: read only.
func (e Event) Addrs() []netip.Addr { return e.detail().Addrs }

// TLSVersion is as in crypto/tls.
func (e Event) TLSVersion() uint16 { return e.detail().TLSVersion }

// TLSCipher is as in crypto/tls.
func (e Event) TLSCipher() uint16 { return e.detail().TLSCipher }

// Resumed reports whether a TLS session was resumed.
func (e Event) Resumed() bool { return e.detail().Resumed }

// Custom reports whether a dial function of the caller's connects.
func (e Event) Custom() bool { return e.detail().Custom }

// Wait is the time until the next attempt (Retry), or since the attempt before began (Hedge).
func (e Event) Wait() time.Duration { return e.detail().Wait }

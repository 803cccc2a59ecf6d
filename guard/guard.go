// Package guard says which addresses a client may connect to, for Config.Guard: a
// program that fetches URLs of other people's must not be sent to its own network
// (server-side request forgery).
//
//	cfg.Guard = guard.Public
//
// A guard judges the address of each connection when it is made, not a name
// before: a name that means another address a moment later (DNS rebinding), and a
// redirect, meet it too.
package guard

import (
	"net/netip"
	"slices"
)

// Error says why an address is refused.
type Error struct {
	Addr   netip.AddrPort
	Reason string // such as "private use (RFC 1918)"
}

// Error says why; which address it is says the error around it.
func (e *Error) Error() string { return "address not allowed: " + e.Reason }

// Public refuses every address that is not public: all blocks of the IANA
// registries of special-purpose addresses but those that are anybody's on the
// Internet, multicast, and IPv6 that is not allocated. An IPv4 address within an
// IPv6 one counts as itself where the rest of the way is the local network's: as
// ::ffff:a.b.c.d and 64:ff9b::a.b.c.d (NAT64). 6to4, Teredo and translation
// prefixes of local use are refused whatever they hold.
//
// There are services of a network's own at public addresses, such as Azure's
// 168.63.129.16: Rules can deny those.
func Public(addr netip.AddrPort) error {
	if why := notPublic(addr.Addr()); why != "" {
		return &Error{addr, why}
	}
	return nil
}

// Rules are exceptions to Public. Their Check is a guard; the zero Rules is
// Public itself.
type Rules struct {
	Deny  []netip.Prefix // refused, also if they are public or in Allow
	Allow []netip.Prefix // allowed although they are not public
	Ports []uint16       // if there are some, no others
}

// Check judges an address.
func (r Rules) Check(addr netip.AddrPort) error {
	a := addr.Addr().WithZone("").Unmap()
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	inner, _ := embedded(a)
	inInner := func(p netip.Prefix) bool { return p.Contains(inner) }
	switch {
	case len(r.Ports) > 0 && !slices.Contains(r.Ports, addr.Port()):
		return &Error{addr, "the port is none of those allowed"}
	case slices.ContainsFunc(r.Deny, in), slices.ContainsFunc(r.Deny, inInner):
		return &Error{addr, "it is denied"}
	case slices.ContainsFunc(r.Allow, in):
		return nil
	}
	return Public(addr)
}

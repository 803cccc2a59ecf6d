package guard

import "net/netip"

// block is a range of addresses that are not public.
type block struct {
	prefix netip.Prefix
	reason string
}

func b(prefix, reason string) block { return block{netip.MustParsePrefix(prefix), reason} }

// The blocks are those of the IANA IPv4 and IPv6 Special-Purpose Address Registries
// that are not globally reachable (RFC 6890, RFC 8190), multicast, and what is left
// of older RFCs. AS112, AMT and the anycast relays that the registries call
// reachable are not here, but for those within 192.0.0.0/24 and 2001::/23: no
// program has a reason to send HTTP there.
var blocks4 = []block{
	b("0.0.0.0/8", "this network (RFC 791)"),
	b("10.0.0.0/8", "private use (RFC 1918)"),
	b("100.64.0.0/10", "shared address space of carriers (RFC 6598)"),
	b("127.0.0.0/8", "loopback (RFC 1122)"),
	b("169.254.0.0/16", "link-local (RFC 3927)"),
	b("172.16.0.0/12", "private use (RFC 1918)"),
	b("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
	b("192.0.2.0/24", "documentation (RFC 5737)"),
	b("192.88.99.0/24", "6to4 relay (RFC 7526)"),
	b("192.168.0.0/16", "private use (RFC 1918)"),
	b("198.18.0.0/15", "benchmarking (RFC 2544)"),
	b("198.51.100.0/24", "documentation (RFC 5737)"),
	b("203.0.113.0/24", "documentation (RFC 5737)"),
	b("224.0.0.0/4", "multicast (RFC 5771)"),
	b("255.255.255.255/32", "broadcast (RFC 919)"),
	b("240.0.0.0/4", "reserved (RFC 1112)"),
}

var blocks6 = []block{
	b("::/128", "unspecified (RFC 4291)"),
	b("::1/128", "loopback (RFC 4291)"),
	b("::/96", "IPv4-compatible, deprecated (RFC 4291)"),
	b("64:ff9b:1::/48", "translation of local use (RFC 8215)"),
	b("100::/64", "discard only (RFC 6666)"),
	b("100:0:0:1::/64", "dummy prefix (RFC 9780)"),
	b("2001::/32", "Teredo (RFC 4380)"),
	b("2001:2::/48", "benchmarking (RFC 5180)"),
	b("2001:10::/28", "ORCHID, deprecated (RFC 4843)"),
	b("2001::/23", "IETF protocol assignments (RFC 2928)"),
	b("2001:db8::/32", "documentation (RFC 3849)"),
	b("2002::/16", "6to4 (RFC 3056)"),
	b("3fff::/20", "documentation (RFC 9637)"),
	b("5f00::/16", "segment routing (RFC 9602)"),
	b("fc00::/7", "unique local (RFC 4193)"),
	b("fe80::/10", "link-local (RFC 4291)"),
	b("fec0::/10", "site-local, deprecated (RFC 3879)"),
	b("ff00::/8", "multicast (RFC 4291)"),
}

var (
	// RFC 4291 §2.4, IANA: of the unicast space only this is allocated.
	global6 = netip.MustParsePrefix("2000::/3")
	// RFC 6052 §2.1: the well-known prefix of translators, NAT64 among them.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// notPublic says why a is not public, "" if it is.
func notPublic(a netip.Addr) string {
	if !a.IsValid() {
		return "it is no IP address"
	}
	a = a.WithZone("") // no prefix contains an address with a zone
	if inner, within := embedded(a); within != "" {
		if why := notPublic(inner); why != "" {
			return within + inner.String() + ": " + why
		}
		return ""
	}
	blocks := blocks6
	if a.Is4() {
		blocks = blocks4
	}
	for _, b := range blocks {
		if b.prefix.Contains(a) {
			return b.reason
		}
	}
	if a.Is6() && !global6.Contains(a) {
		return "not allocated (RFC 4291)"
	}
	return ""
}

// embedded is the IPv4 address that an IPv6 address stands for, if it does.
func embedded(a netip.Addr) (inner netip.Addr, within string) {
	switch {
	case a.Is4In6():
		return a.Unmap(), "IPv4-mapped "
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(a.AsSlice()[12:])), "NAT64 of "
	}
	return netip.Addr{}, ""
}

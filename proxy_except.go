package sonde

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sonde/internal/message"
)

// exception is an entry of a list as NO_PROXY has them: hosts that are reached
// directly. They mean what they mean for golang.org/x/net/http/httpproxy, with which
// the test compares; that one answers for a whole environment at a time, never for
// loopback, and is twice the code.
type exception struct {
	all    bool         // "*"
	prefix netip.Prefix // an address is the prefix of all its bits
	name   string       // if prefix is not valid
	below  bool         // only what is below name
	port   string       // "": any
}

// exceptions reads a list. What cannot be read is passed over.
func exceptions(list string) (all []exception) {
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.ToLower(strings.Trim(entry, " \t\r\n"))
		if entry == "*" {
			return append(all[:0], exception{all: true})
		}
		if e, ok := parseException(entry); ok {
			all = append(all, e)
		}
	}
	return all
}

// parseException is one entry, if it is about any host.
func parseException(entry string) (e exception, ok bool) {
	if p := parsePrefix(entry); p.IsValid() {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return exception{prefix: p}, true
	}
	if host, port, err := net.SplitHostPort(entry); err == nil {
		entry, e.port = host, port
	}
	if entry == "" {
		return exception{}, false
	}
	if ip, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
		ip = ip.Unmap()
		e.prefix = netip.PrefixFrom(ip, ip.BitLen())
		return e, true
	}
	if strings.HasPrefix(entry, "*.") {
		entry = entry[1:]
	}
	e.name, e.below = strings.CutPrefix(entry, ".")
	if name, err := message.ASCIIHost(e.name); err == nil {
		e.name = name
	}
	return e, true
}

// parsePrefix is netip.ParsePrefix in few words; of what is none it is not valid.
func parsePrefix(s string) netip.Prefix {
	addr, bits, _ := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(addr)
	n, _ := strconv.Atoi(bits)
	if err != nil || ip.Zone() != "" || strconv.Itoa(n) != bits { // "08" and "+8" are none
		return netip.Prefix{}
	}
	return netip.PrefixFrom(ip, n)
}

// has reports whether e is about a host in lower case, which is ip if that is valid.
func (e *exception) has(host, port string, ip netip.Addr) bool {
	switch {
	case e.all:
		return true
	case e.port != "" && e.port != port:
		return false
	case ip.IsValid() || e.prefix.IsValid():
		return e.prefix.Contains(ip)
	}
	rest, ends := strings.CutSuffix(host, e.name)
	return ends && (rest == "" && !e.below || strings.HasSuffix(rest, "."))
}

// except is the rules of NO_PROXY, with list in its place: it reports whether a
// host takes a proxy. Whether loopback does is for the list to say if near, else
// it never does.
func except(list string, near bool) func(host, port string) bool {
	all := exceptions(list)
	return func(host, port string) bool {
		host, _, _ = strings.Cut(strings.ToLower(host), "%")
		ip, _ := netip.ParseAddr(host)
		ip = ip.Unmap()
		if !near && (host == "localhost" || ip.IsLoopback()) {
			return false
		}
		return !slices.ContainsFunc(all, func(e exception) bool { return e.has(host, port, ip) })
	}
}

package sockets

import (
	"fmt"
	"net/netip"
	"strings"
)

// Filter is a condition on a socket's addresses. It is immutable, built by the
// functions below or by ParseFilter, and safe for concurrent use. The zero
// Filter is true of every socket.
type Filter struct{ root *node }

// test is what a node of a filter asks.
type test uint8

const (
	testAnd test = iota
	testOr
	testNot
	testLocalPort
	testRemotePort
	testLocalPrefix
	testRemotePrefix
	testInterface
)

// node is a filter's syntax tree. Which fields count depends on the test.
type node struct {
	test        test
	left, right *node  // and, or; not has left only
	first, last uint16 // ports, both included
	prefix      netip.Prefix
	index       uint32 // of an interface
}

// LocalPort is true of sockets with this local port.
func LocalPort(port uint16) Filter { return LocalPorts(port, port) }

// RemotePort is true of sockets with this remote port. Of the two ends of a
// connection over loopback it selects the client's when port is the server's.
func RemotePort(port uint16) Filter { return RemotePorts(port, port) }

// Port is true of sockets with this port at either end.
func Port(port uint16) Filter { return Or(LocalPort(port), RemotePort(port)) }

// LocalPorts is true of local ports from first to last, both included.
func LocalPorts(first, last uint16) Filter {
	return Filter{&node{test: testLocalPort, first: first, last: last}}
}

// RemotePorts is true of remote ports from first to last, both included.
func RemotePorts(first, last uint16) Filter {
	return Filter{&node{test: testRemotePort, first: first, last: last}}
}

// LocalPrefix is true of local addresses inside the prefix. An IPv4 prefix
// covers IPv4 traffic on IPv6 sockets too. The zero Prefix is true of none.
func LocalPrefix(prefix netip.Prefix) Filter {
	return Filter{&node{test: testLocalPrefix, prefix: plainPrefix(prefix)}}
}

// RemotePrefix is LocalPrefix for the remote address.
func RemotePrefix(prefix netip.Prefix) Filter {
	return Filter{&node{test: testRemotePrefix, prefix: plainPrefix(prefix)}}
}

// Interface is true of sockets bound to the interface with this index.
func Interface(index uint32) Filter {
	return Filter{&node{test: testInterface, index: index}}
}

// Connection is true of the sockets of one connection, at either end.
func Connection(a, b netip.AddrPort) Filter {
	end := func(local, remote netip.AddrPort) Filter {
		return And(
			LocalPort(local.Port()), RemotePort(remote.Port()),
			LocalPrefix(hostPrefix(local.Addr())), RemotePrefix(hostPrefix(remote.Addr())),
		)
	}
	return Or(end(a, b), end(b, a))
}

// And is true where all are; of none it is true.
func And(all ...Filter) Filter { return join(testAnd, all) }

// Or is true where one of them is. Of none it is true, as the zero Filter is.
func Or(some ...Filter) Filter { return join(testOr, some) }

// Not is true where f is false.
func Not(f Filter) Filter {
	if f.root == nil {
		// No port lies between 1 and 0: false of every socket.
		return LocalPorts(1, 0)
	}
	return Filter{&node{test: testNot, left: f.root}}
}

// join folds filters into a chain of pairs. A zero Filter is true: it vanishes
// from an and, and it is all that is left of an or.
func join(t test, filters []Filter) Filter {
	var root *node
	for _, f := range filters {
		switch {
		case f.root == nil && t == testOr:
			return Filter{}
		case f.root == nil:
		case root == nil:
			root = f.root
		default:
			root = &node{test: t, left: root, right: f.root}
		}
	}
	return Filter{root}
}

// hostPrefix is the prefix that holds this one address.
func hostPrefix(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen())
}

// plainPrefix turns a prefix of mapped addresses into the IPv4 prefix it means.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// Match reports whether the filter is true of s. It decides as the kernel does.
func (f Filter) Match(s *Socket) bool { return f.root == nil || f.root.match(s) }

func (n *node) match(s *Socket) bool {
	switch n.test {
	case testAnd:
		return n.left.match(s) && n.right.match(s)
	case testOr:
		return n.left.match(s) || n.right.match(s)
	case testNot:
		return !n.left.match(s)
	case testLocalPort:
		return n.first <= s.Local.Port() && s.Local.Port() <= n.last
	case testRemotePort:
		return n.first <= s.Remote.Port() && s.Remote.Port() <= n.last
	case testLocalPrefix:
		return matchPrefix(n.prefix, s.Family, s.Local.Addr())
	case testRemotePrefix:
		return matchPrefix(n.prefix, s.Family, s.Remote.Addr())
	case testInterface:
		return n.index == s.Interface
	}
	return false
}

// matchPrefix compares as the kernel does: an IPv4 prefix with IPv4 traffic of
// any socket, an IPv6 prefix with IPv6 sockets only, mapped addresses included.
func matchPrefix(p netip.Prefix, family Family, addr netip.Addr) bool {
	if p.Addr().Is4() || addr.Is6() {
		return p.Contains(addr)
	}
	if family != IPv6 || !p.IsValid() || !addr.Is4() {
		return false
	}
	want, have := p.Addr().As16(), addr.As16()
	return samePrefix(want[:], have[:], p.Bits())
}

// samePrefix compares the first bits of two addresses of the same length.
func samePrefix(a, b []byte, bits int) bool {
	for i := 0; bits > 0; i, bits = i+1, bits-8 {
		mask := byte(0xff)
		if bits < 8 {
			mask <<= 8 - bits
		}
		if (a[i]^b[i])&mask != 0 {
			return false
		}
	}
	return true
}

// String returns the filter in the language of ParseFilter, which reads it back
// to the same meaning; empty for the zero Filter.
func (f Filter) String() string {
	if f.root == nil {
		return ""
	}
	var b strings.Builder
	f.root.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.test {
	case testAnd, testOr:
		b.WriteString("( ")
		n.left.write(b)
		b.WriteString(map[test]string{testAnd: " and ", testOr: " or "}[n.test])
		n.right.write(b)
		b.WriteString(" )")
	case testNot:
		b.WriteString("not ")
		n.left.write(b)
	case testLocalPort:
		writePorts(b, "sport", n.first, n.last)
	case testRemotePort:
		writePorts(b, "dport", n.first, n.last)
	case testLocalPrefix:
		writePrefix(b, "src", n.prefix)
	case testRemotePrefix:
		writePrefix(b, "dst", n.prefix)
	case testInterface:
		fmt.Fprintf(b, "dev = %d", n.index)
	}
}

func writePorts(b *strings.Builder, word string, first, last uint16) {
	if first == last {
		fmt.Fprintf(b, "%s = :%d", word, first)
		return
	}
	fmt.Fprintf(b, "( %s >= :%d and %s <= :%d )", word, first, word, last)
}

func writePrefix(b *strings.Builder, word string, p netip.Prefix) {
	switch {
	case !p.IsValid():
		fmt.Fprintf(b, "not ( %s = 0.0.0.0/0 or %s = [::]/0 )", word, word)
	case p.Addr().Is6():
		fmt.Fprintf(b, "%s = [%s]/%d", word, p.Addr(), p.Bits())
	default:
		fmt.Fprintf(b, "%s = %s", word, p)
	}
}

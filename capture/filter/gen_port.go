package filter

import (
	"strconv"
	"strings"
)

// IP protocol numbers that the generator knows by name.
const (
	ipICMP   = 1
	ipIGMP   = 2
	ipTCP    = 6
	ipIGRP   = 9
	ipUDP    = 17
	ipESP    = 50
	ipAH     = 51
	ipICMP6  = 58
	ipNone   = 59
	ipPIM    = 103
	ipVRRP   = 112 // and CARP, which took the same number
	ipSCTP   = 132
	ipHop    = 0
	ipRoute  = 43
	ipFrag   = 44
	ipDstOpt = 60
)

// anyTransport stands for TCP, UDP and SCTP.
const anyTransport = 0

// ipProtoOf returns the number of a transport protocol, or anyTransport.
func ipProtoOf(p proto) uint32 {
	switch p {
	case pTCP:
		return ipTCP
	case pUDP:
		return ipUDP
	case pSCTP:
		return ipSCTP
	}
	return anyTransport
}

// ports makes the test for ports lo to hi in IPv6 and in IPv4.
func (g *generator) ports(q qual, lo, hi, transport uint32) *cond {
	switch q.proto {
	case pDefault, pTCP, pUDP, pSCTP:
	default:
		g.failf("'%s' does not go with a port", q.proto)
	}
	if lo > 65535 || hi > 65535 {
		failf(g.idPos, "port number %d is more than 65535", max(lo, hi))
	}
	p := portTest{q.what == whatPortRange, min(lo, hi), max(lo, hi), transport, q.dir}
	four := g.ports4(p)
	return either(g.ports6(p), four)
}

// portTest is what a port primitive asks for.
type portTest struct {
	ranged    bool
	lo, hi    uint32
	transport uint32
	dir       dir
}

// at makes the test of the port at an offset in the transport header.
func (p portTest) at(g *generator, b base, off uint32) *cond {
	if !p.ranged {
		return g.cmp(b, off, sizeH, p.lo)
	}
	low := g.cmpGe(b, off, sizeH, p.lo)
	return both(low, g.cmpLe(b, off, sizeH, p.hi))
}

// ends makes the tests of the ports that p speaks of.
func (p portTest) ends(g *generator, b base) *cond {
	return ends(p.dir, func(src bool) *cond {
		if src {
			return p.at(g, b, 0)
		}
		return p.at(g, b, 2)
	})
}

// overTransports makes a test for each transport protocol that p speaks of.
func (p portTest) overTransports(test func(transport uint32) *cond) *cond {
	if p.transport != anyTransport {
		return test(p.transport)
	}
	return anyOf(test(ipSCTP), either(test(ipTCP), test(ipUDP)))
}

// ports4 looks at the ports in IPv4 packets that are no later fragments.
func (g *generator) ports4(p portTest) *cond {
	is := g.linkProto(etherIP)
	return both(is, p.overTransports(func(transport uint32) *cond {
		right := g.cmp(atNet, 9, sizeB, transport)
		return both(both(right, g.firstFragment()), p.ends(g, atTransport4))
	}))
}

// ports6 looks at the ports in IPv6 packets without extension headers.
func (g *generator) ports6(p portTest) *cond {
	is := g.linkProto(etherIP6)
	return both(is, p.overTransports(func(transport uint32) *cond {
		right := g.cmp(atNet, 6, sizeB, transport)
		return both(right, p.ends(g, atTransport6))
	}))
}

// firstFragment tests that an IPv4 packet is whole or the first fragment.
func (g *generator) firstFragment() *cond {
	return not(test(opJsetK, 0x1fff, g.load(atNet, 6, sizeH)))
}

// namedPort makes the test for a service's name, or for a range of services
// or numbers with a hyphen between them.
func (g *generator) namedPort(a *Address) *cond {
	switch a.q.proto {
	case pDefault, pTCP, pUDP, pSCTP:
	default:
		g.failf("'%s' does not go with a port", a.q.proto)
	}
	if a.q.what == whatPort {
		port, transport := g.service(a, a.id.text)
		return g.ports(a.q, port, port, g.transport(a, transport))
	}
	first, last, ok := strings.Cut(a.id.text, "-")
	if !ok {
		failf(a.id.pos, "'%s' is no range of ports", a.id.text)
	}
	lo, err1 := strconv.ParseUint(first, 10, 31)
	hi, err2 := strconv.ParseUint(last, 10, 31)
	if err1 == nil && err2 == nil {
		return g.ports(a.q, uint32(lo), uint32(hi), ipProtoOf(a.q.proto))
	}
	loPort, t1 := g.service(a, first)
	hiPort, t2 := g.service(a, last)
	if t1 != t2 {
		t2 = anyTransport
	}
	return g.ports(a.q, loPort, hiPort, g.transport(a, t2))
}

// service looks a service up and returns its port and its transport, which is
// anyTransport when the port is the same over TCP and UDP.
func (g *generator) service(a *Address, name string) (port, transport uint32) {
	if v, err := strconv.ParseUint(name, 10, 16); err == nil {
		return uint32(v), anyTransport
	}
	tcp, udp, err := g.opts.Resolver.Service(name)
	if err == nil && tcp < 0 && udp < 0 {
		err = errNoSuchName
	}
	switch {
	case err != nil:
		failf(a.id.pos, "unknown port '%s': %v", name, err)
	case tcp >= 0 && tcp == udp:
		return uint32(tcp), anyTransport
	case tcp >= 0:
		return uint32(tcp), ipTCP
	}
	return uint32(udp), ipUDP
}

// transport joins the transport of a service with that of the qualifiers.
func (g *generator) transport(a *Address, of uint32) uint32 {
	want := ipProtoOf(a.q.proto)
	if want == anyTransport {
		return of
	}
	if of != anyTransport && of != want {
		failf(a.id.pos, "port '%s' is not %s", a.id.text, a.q.proto)
	}
	return want
}

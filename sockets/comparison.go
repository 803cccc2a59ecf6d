package sockets

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// test parses one comparison.
func (p *parser) test() Filter {
	switch word := p.take(); word {
	case "sport":
		return p.port(LocalPorts)
	case "dport":
		return p.port(RemotePorts)
	case "src":
		return p.host(LocalPrefix, LocalPort)
	case "dst":
		return p.host(RemotePrefix, RemotePort)
	case "dev":
		return p.device()
	case "":
		p.fail("something is missing at the end")
	case "fwmark", "cgroup", "autobound":
		p.fail("%s is not supported", word)
	case "state", "exclude":
		p.fail("%q comes before the other tests", word)
	default:
		p.fail("unexpected %q", word)
	}
	return Filter{}
}

// comparisons folds the spellings of operators.
var comparisons = map[string]string{
	"=": "=", "==": "=", "eq": "=",
	"!=": "!=", "ne": "!=", "neq": "!=",
	"<": "<", "lt": "<", ">": ">", "gt": ">",
	"<=": "<=", "le": "<=", "leq": "<=",
	">=": ">=", "ge": ">=", "geq": ">=",
}

func (p *parser) comparison() string {
	if folded, ok := comparisons[p.word()]; ok {
		p.take()
		return folded
	}
	return "="
}

// equality is a comparison that knows no order. It reports whether it is "not".
func (p *parser) equality() (negated bool) {
	c := p.comparison()
	if c != "=" && c != "!=" {
		p.fail("%q compares ports only", c)
	}
	return c == "!="
}

func (p *parser) port(between func(first, last uint16) Filter) Filter {
	comparison := p.comparison()
	text := p.take()
	_, name, found := strings.Cut(text, ":")
	if !found {
		name = text
	}
	port, err := portNumber(name)
	if err != nil {
		p.fail("%v", err)
	}
	switch comparison {
	case "!=":
		return Not(between(port, port))
	case "<=":
		return between(0, port)
	case ">=":
		return between(port, math.MaxUint16)
	case "<":
		return And(between(0, port), Not(between(port, port)))
	case ">":
		return And(between(port, math.MaxUint16), Not(between(port, port)))
	}
	return between(port, port)
}

func portNumber(name string) (uint16, error) {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return uint16(n), nil
	}
	if name == "" || '0' <= name[0] && name[0] <= '9' {
		return 0, fmt.Errorf("%q is no port", name)
	}
	n, err := net.LookupPort("tcp", name)
	if err != nil {
		return 0, fmt.Errorf("%q is no port", name)
	}
	return uint16(n), nil
}

// host parses ADDRESS, ADDRESS/BITS or :PORT, or an address and a port.
func (p *parser) host(inside func(netip.Prefix) Filter, at func(uint16) Filter) Filter {
	negated := p.equality()
	address, port := splitHost(p.take())
	var f Filter
	if address != "" && address != "*" {
		prefix, err := parsePrefix(address)
		if err != nil {
			p.fail("%q is no address (names are not looked up)", address)
		}
		f = inside(prefix)
	} else if address == "" && port == "" {
		p.fail("an address is missing")
	}
	if port != "" && port != "*" {
		n, err := portNumber(port)
		if err != nil {
			p.fail("%v", err)
		}
		f = And(f, at(n))
	}
	if negated {
		return Not(f)
	}
	return f
}

// splitHost separates a port from an address. An IPv6 address with a port wears
// brackets; without, it may do so.
func splitHost(text string) (address, port string) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		address, rest, _ := strings.Cut(inner, "]")
		bits, port, _ := strings.Cut(rest, ":")
		return address + bits, port
	}
	if strings.Count(text, ":") > 1 {
		return text, ""
	}
	address, port, _ = strings.Cut(text, ":")
	return address, port
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return hostPrefix(addr), nil
}

// device parses the name or the index of an interface.
func (p *parser) device() Filter {
	negated := p.equality()
	name := p.take()
	index, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		device, err := net.InterfaceByName(name)
		if err != nil {
			p.fail("no interface %q", name)
			return Filter{}
		}
		index = uint64(device.Index)
	}
	if negated {
		return Not(Interface(uint32(index)))
	}
	return Interface(uint32(index))
}

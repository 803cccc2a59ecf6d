package sniff

import (
	"bufio"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"sonde/capture/decode"
)

// names turns numbers into names, from the files of this host only: a sniffer
// that asked a name server would see its own questions.
type names struct {
	hosts    map[netip.Addr]string
	services map[service]string
	nameOf   func(int) string
	index    int    // the interface asked for latest
	name     string // and its name
}

type service struct {
	port uint16
	udp  bool
}

func newNames(numeric bool, nameOf func(int) string) *names {
	n := &names{nameOf: nameOf}
	if !numeric {
		n.hosts, n.services = readHosts("/etc/hosts"), readServices("/etc/services")
	}
	return n
}

// fields calls f for each line of a file, without its comment.
func fields(file string, f func([]string)) {
	in, err := os.Open(file)
	if err != nil {
		return // no names then
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(text); len(words) >= 2 {
			f(words)
		}
	}
}

func readHosts(file string) map[netip.Addr]string {
	m := map[netip.Addr]string{}
	fields(file, func(words []string) {
		addr, err := netip.ParseAddr(words[0])
		if _, known := m[addr]; err == nil && !known {
			m[addr] = words[1]
		}
	})
	return m
}

func readServices(file string) map[service]string {
	m := map[service]string{}
	fields(file, func(words []string) {
		number, proto, _ := strings.Cut(words[1], "/")
		port, err := strconv.ParseUint(number, 10, 16)
		key := service{uint16(port), proto == "udp"}
		if _, known := m[key]; err == nil && !known && (proto == "udp" || proto == "tcp") {
			m[key] = words[0]
		}
	})
	return m
}

// appendHost adds an address or its name.
func (n *names) appendHost(dst []byte, a netip.Addr) []byte {
	if len(n.hosts) > 0 {
		if name, ok := n.hosts[a]; ok {
			return decode.AppendEscaped(dst, name)
		}
	}
	return appendAddr(dst, a)
}

// appendPort adds a port or the name of its service.
func (n *names) appendPort(dst []byte, port uint16, udp bool) []byte {
	if len(n.services) > 0 {
		if name, ok := n.services[service{port, udp}]; ok {
			return decode.AppendEscaped(dst, name)
		}
	}
	return appendUint(dst, port)
}

// interfaceName returns the name of an interface, or its number.
func (n *names) interfaceName(index int) string {
	if index == n.index && n.name != "" {
		return n.name
	}
	n.index, n.name = index, ""
	if n.nameOf != nil {
		n.name = n.nameOf(index)
	}
	if n.name == "" {
		n.name = "if" + strconv.Itoa(index)
	}
	return n.name
}

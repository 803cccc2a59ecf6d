package filter

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Resolver turns the names in an expression into numbers. Compile asks it
// only for what the expression names, on the goroutine that called Compile, and
// refuses the expression if it returns an error.
type Resolver interface {
	// Host returns the addresses of a host, in the order to test them.
	Host(name string) ([]netip.Addr, error)
	// Network returns the number of a network without its trailing zeros, as
	// in /etc/networks: 127 for 127.0.0.0.
	Network(name string) (uint32, error)
	// Service returns the ports of a service over TCP and over UDP, -1 where
	// it has none.
	Service(name string) (tcp, udp int, err error)
	// Protocol returns the number of an IP protocol.
	Protocol(name string) (uint8, error)
	// Ether returns the Ethernet address of a host.
	Ether(name string) ([6]byte, error)
}

var (
	errNoSuchName = errors.New("no such name")
	errNamesOff   = errors.New("names are not resolved here")
)

// NoNames is the Resolver that knows no name, for filters that must not depend
// on the machine they are compiled on.
type NoNames struct{}

// Host returns an error.
func (NoNames) Host(string) ([]netip.Addr, error) { return nil, errNamesOff }

// Network returns an error.
func (NoNames) Network(string) (uint32, error) { return 0, errNamesOff }

// Service returns an error.
func (NoNames) Service(string) (int, int, error) { return -1, -1, errNamesOff }

// Protocol returns an error.
func (NoNames) Protocol(string) (uint8, error) { return 0, errNamesOff }

// Ether returns an error.
func (NoNames) Ether(string) ([6]byte, error) { return [6]byte{}, errNamesOff }

// SystemResolver asks the system: hosts by Go's resolver, and the rest in the
// files services, protocols, networks and ethers below Dir. Where there is no
// such file, it knows the protocols and services that every system has.
type SystemResolver struct {
	// Dir holds the files. Empty means /etc.
	Dir string
	// Timeout bounds the look-up of a host. Zero means 5 seconds.
	Timeout time.Duration
}

// Host returns the addresses of a host by hosts file and DNS.
func (r SystemResolver) Host(name string) ([]netip.Addr, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// Network returns the number of a network in the file networks.
func (r SystemResolver) Network(name string) (uint32, error) {
	var found uint32
	err := r.scan("networks", 0, name, func(fields []string) bool {
		for part := range strings.SplitSeq(fields[1], ".") {
			v, err := strconv.ParseUint(part, 10, 8)
			if err != nil {
				return false
			}
			found = found<<8 | uint32(v)
		}
		for found != 0 && found&0xff == 0 {
			found >>= 8
		}
		return true
	})
	return found, err
}

// Service returns the ports of a service in the file services.
func (r SystemResolver) Service(name string) (tcp, udp int, err error) {
	tcp, udp = -1, -1
	err = r.scan("services", 0, name, func(fields []string) bool {
		port, transport, _ := strings.Cut(fields[1], "/")
		v, err := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil:
		case transport == "tcp" && tcp < 0:
			tcp = int(v)
		case transport == "udp" && udp < 0:
			udp = int(v)
		}
		return tcp >= 0 && udp >= 0
	})
	if tcp >= 0 || udp >= 0 {
		return tcp, udp, nil
	}
	if p, ok := commonServices[name]; ok {
		return p[0], p[1], nil
	}
	return -1, -1, err
}

// Protocol returns the number of a protocol in the file protocols.
func (r SystemResolver) Protocol(name string) (uint8, error) {
	var found uint8
	err := r.scan("protocols", 0, name, func(fields []string) bool {
		v, err := strconv.ParseUint(fields[1], 10, 8)
		found = uint8(v)
		return err == nil
	})
	if err == nil {
		return found, nil
	}
	if p, ok := commonProtocols[name]; ok {
		return p, nil
	}
	return 0, err
}

// Ether returns the address of a host in the file ethers.
func (r SystemResolver) Ether(name string) (mac [6]byte, err error) {
	err = r.scan("ethers", 1, name, func(fields []string) bool {
		hw, err := net.ParseMAC(fields[0])
		return err == nil && copy(mac[:], hw) == 6
	})
	return mac, err
}

// scan calls take with the fields of each line of a file that has the name in
// the given column or in one after it, but for the column of its number,
// until take returns true.
func (r SystemResolver) scan(file string, column int, name string, take func(fields []string) bool) error {
	dir := r.Dir
	if dir == "" {
		dir = "/etc"
	}
	f, err := os.Open(dir + "/" + file)
	if err != nil {
		return errNoSuchName
	}
	defer f.Close()
	found := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 || !names(fields, column, name) {
			continue
		}
		found = true
		if take(fields) {
			return nil
		}
	}
	if found && file == "services" {
		return nil
	}
	return errNoSuchName
}

// names reports whether a line is about the name: its column, or an alias.
func names(fields []string, column int, name string) bool {
	if fields[column] == name {
		return true
	}
	for _, alias := range fields[2:] {
		if alias == name {
			return true
		}
	}
	return false
}

// commonServices are the ports over TCP and UDP of services that expressions
// name most.
var commonServices = map[string][2]int{
	"domain": {53, 53}, "ftp": {21, -1}, "ftp-data": {20, -1}, "http": {80, -1},
	"https": {443, 443}, "imap": {143, -1}, "imap2": {143, -1}, "nfs": {2049, 2049},
	"ntp": {-1, 123}, "pop3": {110, -1}, "smtp": {25, -1}, "snmp": {161, 161},
	"ssh": {22, -1}, "syslog": {-1, 514}, "telnet": {23, -1}, "tftp": {-1, 69},
	"bootps": {-1, 67}, "bootpc": {-1, 68},
}

// commonProtocols are the numbers of IP protocols that expressions name most.
var commonProtocols = map[string]uint8{
	"ip": 0, "icmp": 1, "igmp": 2, "ipencap": 4, "tcp": 6, "egp": 8, "igp": 9, "udp": 17,
	"ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51,
	"ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "eigrp": 88, "ospf": 89, "pim": 103,
	"vrrp": 112, "l2tp": 115, "sctp": 132, "udplite": 136,
}

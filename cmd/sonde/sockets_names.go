package main

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"sonde/sockets"
)

// socketNames turns numbers into names, and remembers them.
type socketNames struct {
	ctx        context.Context
	services   map[socketService]string // nil: numbers
	hosts      map[netip.Addr]string    // nil: numbers
	interfaces map[uint32]string
}

type socketService struct {
	port  uint16
	proto sockets.Proto
}

func newSocketNames(ctx context.Context, numeric, resolve bool) *socketNames {
	n := &socketNames{ctx: ctx, interfaces: map[uint32]string{}}
	if !numeric {
		n.services = readServices("/etc/services")
	}
	if resolve {
		n.hosts = map[netip.Addr]string{}
	}
	return n
}

// readServices reads the names of ports; without the file there are none.
func readServices(file string) map[socketService]string {
	services := map[socketService]string{}
	in, err := os.Open(file)
	if err != nil {
		return services
	}
	defer in.Close()
	protos := map[string]sockets.Proto{"tcp": sockets.TCP, "udp": sockets.UDP}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) < 2 {
			continue
		}
		number, proto, _ := strings.Cut(words[1], "/")
		port, err := strconv.ParseUint(number, 10, 16)
		key := socketService{uint16(port), protos[proto]}
		if _, known := services[key]; err == nil && key.proto != 0 && !known {
			services[key] = printable(words[0])
		}
	}
	return services
}

// appendPort adds a port, its service's name, or "*" for none.
func (n *socketNames) appendPort(b []byte, port uint16, proto sockets.Proto) []byte {
	if port == 0 {
		return append(b, '*')
	}
	if name, ok := n.services[socketService{port, proto}]; ok {
		return append(b, name...)
	}
	return strconv.AppendUint(b, uint64(port), 10)
}

// resolveTime bounds the question for one name.
const resolveTime = 2 * time.Second

// host is the name of an address, or empty. A name is asked for once.
func (n *socketNames) host(a netip.Addr) string {
	if n.hosts == nil || a.IsUnspecified() {
		return ""
	}
	name, known := n.hosts[a]
	if !known {
		ctx, cancel := context.WithTimeout(n.ctx, resolveTime)
		defer cancel()
		if names, err := net.DefaultResolver.LookupAddr(ctx, a.String()); err == nil && len(names) > 0 {
			name = printable(strings.TrimSuffix(names[0], "."))
		}
		n.hosts[a] = name
	}
	return name
}

// interfaceName is the name of an interface, or its number.
func (n *socketNames) interfaceName(index uint32) string {
	name, known := n.interfaces[index]
	if !known {
		name = "if" + strconv.FormatUint(uint64(index), 10)
		if device, err := net.InterfaceByIndex(int(index)); err == nil {
			name = device.Name
		}
		n.interfaces[index] = name
	}
	return name
}

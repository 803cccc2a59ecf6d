package sniff

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"sonde/capture"
)

// ListDevices prints the interfaces that can be captured on, with all that is
// known about them (-D).
func ListDevices(out io.Writer) error {
	devices, err := capture.Devices()
	if err != nil {
		return err
	}
	var b strings.Builder
	for i, d := range devices {
		fmt.Fprintf(&b, "%d.%s [%s] %s, mtu %d, %s", i+1, d.Name, d.Flags, d.State, d.MTU, d.Link.Description())
		if d.Hardware != "" {
			fmt.Fprintf(&b, ", %s", d.Hardware)
		}
		fmt.Fprintf(&b, ", queue %d%s\n", d.Queue, permission(d.Permitted))
		for _, a := range d.Addrs {
			fmt.Fprintf(&b, "    %v", a.Prefix)
			if a.Broadcast.IsValid() {
				fmt.Fprintf(&b, " broadcast %v", a.Broadcast)
			}
			if a.Peer.IsValid() {
				fmt.Fprintf(&b, " peer %v", a.Peer)
			}
			b.WriteByte('\n')
		}
		counters(&b, "received", d.RX)
		counters(&b, "sent", d.TX)
	}
	fmt.Fprintf(&b, "%d.%s [all interfaces at once]\n", len(devices)+1, capture.Any)
	_, err = io.WriteString(out, b.String())
	return err
}

func permission(ok bool) string {
	if ok {
		return ""
	}
	return ", not permitted"
}

func counters(b *strings.Builder, way string, c capture.Counters) {
	fmt.Fprintf(b, "    %s %d packets, %d bytes, %d errors, %d dropped\n", way, c.Packets, c.Bytes, c.Errors, c.Dropped)
}

// DefaultInterface returns the interface that is taken when none is named: the
// first that is up and not a loopback, or else the first that is up.
func DefaultInterface() (string, error) {
	devices, err := capture.Devices()
	if err != nil {
		return "", err
	}
	spare := ""
	for _, d := range devices {
		switch {
		case d.Flags&capture.FlagUp == 0:
		case d.Flags&capture.FlagLoopback == 0:
			return d.Name, nil
		case spare == "":
			spare = d.Name
		}
	}
	if spare == "" {
		return "", fmt.Errorf("sniff: no interface is up")
	}
	return spare, nil
}

// ResolveInterface takes an interface's name, or its number in the list of
// ListDevices, as -i does. Empty is DefaultInterface's.
func ResolveInterface(name string) (string, error) {
	if name == "" {
		return DefaultInterface()
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		return name, nil
	}
	devices, err := capture.Devices()
	switch {
	case err != nil:
		return "", err
	case n == len(devices)+1:
		return capture.Any, nil
	case n < 1 || n > len(devices):
		return "", fmt.Errorf("sniff: there is no interface number %d", n)
	}
	return devices[n-1].Name, nil
}

// interfaceNames remembers the names of this host's interfaces, for packets of
// "any". It asks again when it meets a new one.
func interfaceNames() func(int) string {
	known := map[int]string{}
	return func(index int) string {
		name, ok := known[index]
		if ok {
			return name
		}
		devices, _ := capture.Devices()
		for _, d := range devices {
			known[d.Index] = d.Name
		}
		if _, ok := known[index]; !ok {
			known[index] = "" // gone already: do not ask for each packet
		}
		return known[index]
	}
}

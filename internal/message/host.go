package message

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parseHost checks the host of a URL, without its brackets. host is for dialing
// and keeps the zone of an IPv6 address; name is for Host and :authority, with
// brackets and without the zone (RFC 6874, section 4: it means nothing to
// others).
func parseHost(raw string) (host, name string, err error) {
	if raw == "" {
		return "", "", errors.New("no host in the URL")
	}
	if strings.Contains(raw, ":") {
		addr, err := netip.ParseAddr(raw)
		if err != nil {
			return "", "", fmt.Errorf("%s is not an IPv6 address", excerpt(raw))
		}
		for _, c := range []byte(addr.Zone()) {
			if !vchar.has(c) || c == '/' || c == '@' || c == '%' {
				return "", "", fmt.Errorf("byte 0x%02x in the zone of an IPv6 address", c)
			}
		}
		return addr.String(), "[" + addr.WithZone("").String() + "]", nil
	}
	host, err = ASCIIHost(raw)
	if err != nil {
		return "", "", err
	}
	return host, host, checkHostName(host)
}

// ASCIIHost is a host name in lower-case ASCII: an international one as A-labels.
func ASCIIHost(raw string) (string, error) {
	for i := range len(raw) {
		if raw[i] >= 0x80 {
			return toASCII(raw)
		}
	}
	return strings.ToLower(raw), nil
}

// checkHostName takes letters, digits, "-", "." and the "_" that names within
// networks of containers often have (RFC 1123, section 2.1; RFC 1035, section
// 2.3.4 for the lengths).
func checkHostName(host string) error {
	for i := range len(host) {
		if c := host[i]; !tchar.has(c) || strings.IndexByte("!#$%&'*+^`|~", c) >= 0 {
			return fmt.Errorf("byte 0x%02x in the host name %s", c, excerpt(host))
		}
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 {
		return fmt.Errorf("the host name %s is longer than 253 bytes", excerpt(host))
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return fmt.Errorf("an empty label in the host name %s", excerpt(host))
		}
		if len(label) > 63 {
			return fmt.Errorf("the label %s of a host name is longer than 63 bytes", excerpt(label))
		}
	}
	return nil
}

// defaultPort is the port of a scheme, "" where there is none.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// parsePort checks a port, or gives the scheme's.
func parsePort(raw, scheme string) (string, error) {
	if raw == "" {
		return defaultPort(scheme), nil
	}
	n, ok := ParseDigits(raw)
	if !ok || n < 1 || n > 65535 {
		return "", fmt.Errorf("the port %s is not from 1 to 65535", excerpt(raw))
	}
	return strconv.FormatInt(n, 10), nil
}

package cookie

import (
	"net/netip"
	"net/url"
	"strings"

	"sonde/internal/idna"
)

// canonicalHost is a host in lower case and ASCII, or an IP address.
// RFC 6265bis §5.1.2.
func canonicalHost(host string) (canonical string, ip, ok bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.String(), true, true
	}
	for i := range len(host) {
		if host[i] >= 0x80 {
			ascii, err := idna.ToASCII(host)
			return ascii, false, err == nil && validHost(ascii)
		}
	}
	host = strings.ToLower(host)
	return host, false, validHost(host)
}

// validHost reports whether host has labels of letters, digits, hyphens and, as
// hosts in the wild have them, underscores. A dot at the end may be.
func validHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	label := 0
	for i := range len(host) {
		switch c := host[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			label++
		default:
			return false
		}
	}
	return true
}

// domainMatch reports whether host, which is no IP address, is domain or below it.
// RFC 6265bis §5.1.3.
func domainMatch(host, domain string) bool {
	return host == domain ||
		len(host) > len(domain) && host[len(host)-len(domain)-1] == '.' && strings.HasSuffix(host, domain)
}

// site is the registrable domain of a host: the public suffix and one label more.
// Where there is none it is the host.
func (j *Jar) site(host string, ip bool) string {
	if ip || strings.HasSuffix(host, ".") {
		return host
	}
	suffix := j.cfg.PublicSuffixes.PublicSuffix(host)
	if !domainMatch(host, suffix) || host == suffix {
		return host
	}
	own := host[:len(host)-len(suffix)-1]
	return host[strings.LastIndexByte(own, '.')+1:]
}

// scope says whether t may set cookies for a domain, and whether those are for t's
// host alone. RFC 6265bis §5.7, steps 8 to 10.
func (j *Jar) scope(t *target, domain string) (hostOnly, ok bool) {
	switch {
	case domain == t.host:
		return j.alone(t.host, t.ip), true
	case t.ip || !validHost(domain) || strings.HasSuffix(domain, ".") || !domainMatch(t.host, domain):
		return false, false
	}
	// What is shorter than the registrable domain is a public suffix, or above one.
	return false, len(domain) >= len(t.site) && !j.public(domain)
}

// alone reports whether a host has no subdomains that would be its own: a public
// suffix, an IP address, or a name with a dot at its end.
func (j *Jar) alone(host string, ip bool) bool {
	return ip || strings.HasSuffix(host, ".") || j.public(host)
}

// public reports whether a domain is a public suffix.
func (j *Jar) public(domain string) bool { return j.cfg.PublicSuffixes.PublicSuffix(domain) == domain }

// secure reports whether what goes to u is safe on its way: it is encrypted, or
// does not leave the machine (RFC 6761 §6.3 keeps localhost there).
func secure(u *url.URL) bool {
	if u.Scheme == "https" || u.Scheme == "wss" {
		return true
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// defaultPath is the path of cookies that name none. RFC 6265bis §5.1.4.
func defaultPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 && path[0] == '/' {
		return path[:i]
	}
	return "/"
}

// pathMatch reports whether path is a cookie's path or below it. RFC 6265bis
// §5.1.4.
func pathMatch(path, of string) bool {
	return strings.HasPrefix(path, of) &&
		(len(path) == len(of) || strings.HasSuffix(of, "/") || path[len(of)] == '/')
}

package dial

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"sonde/internal/errs"
)

// maxAddrs bounds how many addresses of one family are tried: a name's owner
// chooses how many there are.
const maxAddrs = 32

// usable is what of a look-up's answer may be tried: addresses of the family that
// was asked for, each once. Resolvers give IPv4 addresses also in IPv6 form, and
// some ignore what family they are asked for.
func usable(f family, addrs []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, min(len(addrs), maxAddrs))
	for _, a := range addrs {
		a = a.Unmap()
		if a.IsValid() && familyOf(a) == f && len(out) < maxAddrs && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// noSuchHost reports whether err says that the name has no address of the family
// that was asked for, which is no failure while the other family has some.
func noSuchHost(err error) bool {
	if d, ok := errs.As[*net.DNSError](err); ok {
		return d.IsNotFound
	}
	// Package net says it so of a name in the hosts file.
	_, ok := errs.As[*net.AddrError](err)
	return ok
}

func notFound(host string) error {
	return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// cutLookup is the error of a look-up that end cut short.
func cutLookup(host string, end error) error {
	d := &net.DNSError{UnwrapErr: end, Err: end.Error(), Name: host}
	t, ok := errs.As[interface {
		error
		Timeout() bool
	}](end)
	d.IsTimeout = ok && t.Timeout()
	return d
}

// causes is several errors that together are one.
type causes []error

func (c causes) Error() string {
	text := make([]string, len(c))
	for i, err := range c {
		text[i] = err.Error()
	}
	return strings.Join(text, "; ")
}

func (c causes) Unwrap() []error { return c }

// joined is nil for no error, a single one itself, and several as causes.
func joined(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return causes(errs)
}

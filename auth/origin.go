package auth

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"sonde"
)

// ForOrigin is a, for requests to one origin and for no others. origin is a URL
// without a path, such as "https://api.example.com" or "http://localhost:8080";
// the port may be left out where it is the scheme's. After a redirect to that
// origin the credentials are sent there too.
func ForOrigin(origin string, a sonde.Authenticator) sonde.Authenticator {
	return Map(map[string]sonde.Authenticator{origin: a})
}

// Map is an Authenticator for each of several origins, written as for ForOrigin.
// Other origins get nothing. A wrong origin is an error of every call.
func Map(byOrigin map[string]sonde.Authenticator) sonde.Authenticator {
	m := &bound{by: map[string]sonde.Authenticator{}}
	for raw, a := range byOrigin {
		o, err := parseOrigin(raw)
		if err == nil && a == nil {
			err = errNil
		}
		if err == nil && m.by[o] != nil {
			err = fmt.Errorf("auth: the origin %s is there twice", o)
		}
		if m.by[o] = a; err != nil && m.err == nil {
			m.err = err
		}
	}
	return m
}

func parseOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.User != nil: // whose text may hold a password
		return "", errors.New("auth: an origin that cannot be read: write https://host or https://host:port")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "", fmt.Errorf("auth: %q is no origin: write https://host or https://host:port", raw)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("auth: the origin %q has a path, a query or a fragment", raw)
	}
	return origin(u, false), nil
}

// bound is credentials that know their origins.
type bound struct {
	by  map[string]sonde.Authenticator
	err error
}

// Authenticate asks the Authenticator of the origin, if there is one. A proxy is
// none of the origins.
func (m *bound) Authenticate(ctx context.Context, a *sonde.AuthRequest) error {
	if m.err != nil {
		return m.err
	}
	if x := m.of(a); x != nil {
		return x.Authenticate(ctx, a)
	}
	return nil
}

func (m *bound) of(a *sonde.AuthRequest) sonde.Authenticator {
	return m.by[origin(a.URL, a.Proxy)]
}

// Covers reports whether there are credentials for u.
func (m *bound) Covers(u *url.URL) bool { return m.err == nil && m.by[origin(u, false)] != nil }

// Answered passes it on.
func (m *bound) Answered(a *sonde.AuthRequest, h *sonde.Head) { tell(m.of(a), a, h) }

// tell is Answered where x has it.
func tell(x sonde.Authenticator, a *sonde.AuthRequest, h *sonde.Head) {
	if w, ok := x.(interface {
		Answered(*sonde.AuthRequest, *sonde.Head)
	}); ok {
		w.Answered(a, h)
	}
}

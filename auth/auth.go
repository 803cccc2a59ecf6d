// Package auth has credentials for requests: values that implement
// sonde.Authenticator, for Config.Auth or sonde.WithAuth.
//
//	cfg.Auth = auth.Digest("ada", password)
//
// Basic, Bearer and Digest know nothing of origins: a client asks them for the
// origin that its caller named, and not after a redirect to another one. ForOrigin
// and Map bind credentials to origins: such are sent there, also after a redirect,
// and nowhere else. So does a netrc file.
//
// All values are safe for concurrent use, and keep secrets out of errors.
package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"sonde"
)

// Func is a func that is an Authenticator, for schemes that are not here: it is
// asked before each attempt, and again with the challenges of a refusal.
type Func func(ctx context.Context, a *sonde.AuthRequest) error

// Authenticate calls f.
func (f Func) Authenticate(ctx context.Context, a *sonde.AuthRequest) error { return f(ctx, a) }

// field is where credentials go.
func field(a *sonde.AuthRequest) string {
	if a.Proxy {
		return "Proxy-Authorization"
	}
	return "Authorization"
}

// offers reports whether the refusal asks for scheme, in lower case.
func offers(a *sonde.AuthRequest, scheme string) bool {
	return slices.ContainsFunc(a.Challenges, func(c sonde.Challenge) bool { return c.Scheme == scheme })
}

// answered reports whether a has got a field by now.
func answered(a *sonde.AuthRequest) bool {
	h, err := a.Fields()
	return h.Len() > 0 || err != nil
}

// origin is scheme, host and port of u, comparable; of a proxy it says so.
func origin(u *url.URL, proxy bool) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	o := scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
	if proxy {
		o = "proxy " + o
	}
	return o
}

// checkText says what is wrong with a part of a user's name and password.
func checkText(what, s string) error {
	if i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return fmt.Errorf("auth: byte 0x%02x in the %s", s[i], what)
	}
	return nil
}

var errNil = errors.New("auth: an Authenticator is nil")

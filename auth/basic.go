package auth

import (
	"context"
	"errors"

	"sonde"
	"sonde/internal/message"
)

// Basic is a user's name and password, sent in advance, as UTF-8 (RFC 7617). They
// are as good as in clear: use it over https. A name with a colon, and control
// characters in either, are an error of the call.
func Basic(user, password string) sonde.Authenticator {
	value, err := message.Basic(user, password)
	return &fixed{scheme: "basic", value: value, err: err}
}

// Bearer is a token, sent in advance (RFC 6750). Whoever sees it can use it: send
// it over https.
func Bearer(token string) sonde.Authenticator {
	value, err := message.Bearer(token)
	return &fixed{scheme: "bearer", value: value, err: err}
}

// fixed is a value that is always the same.
type fixed struct {
	scheme, value string
	err           error
}

// Authenticate sets the value, in advance or when asked for it, and once.
func (f *fixed) Authenticate(_ context.Context, a *sonde.AuthRequest) error {
	switch {
	case f.err != nil:
		return f.err
	case a.Refused == 0, offers(a, f.scheme) && !a.Sent.Has(field(a)):
		a.Set(field(a), f.value)
	}
	return nil
}

// BearerFunc is a token that source knows (RFC 6750). source is called before each
// attempt, with refused "", and should keep what it gave; "" sends nothing. When a
// server refuses a token it is called once more, with that token: if it gives
// another one, the request is sent again. It may be called by many goroutines at
// once; several may come with the same refused token.
func BearerFunc(source func(ctx context.Context, refused string) (string, error)) sonde.Authenticator {
	return bearerFunc(source)
}

type bearerFunc func(ctx context.Context, refused string) (string, error)

// Authenticate asks for a token.
func (f bearerFunc) Authenticate(ctx context.Context, a *sonde.AuthRequest) error {
	if f == nil {
		return errors.New("auth: the func of a BearerFunc is nil")
	}
	refused := ""
	if a.Refused > 0 {
		sent := a.Sent.Get(field(a))
		if refused, _ = message.CutScheme(sent, "bearer"); a.Refused > 1 || refused == "" && (sent != "" || !offers(a, "bearer")) {
			return nil
		}
	}
	token, err := f(ctx, refused)
	if err != nil || token == "" || token == refused {
		return err
	}
	value, err := message.Bearer(token)
	if err == nil {
		a.Set(field(a), value)
	}
	return err
}

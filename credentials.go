package sonde

import (
	"context"
	"fmt"

	"sonde/internal/message"
)

// WithAuth gives the request its credentials, instead of those of its URL and
// Config.Auth; nil gives none. A hand-set Authorization comes before it.
func WithAuth(a Authenticator) Option {
	return Option{func(r *Request) { r.set.auth, r.set.noAuth, r.set.extras = a, a == nil, &allExtras }}
}

// WithBasicAuth sets Authorization for a user, as UTF-8 (RFC 7617). Over http
// everybody on the way can read the password. After a redirect to another origin
// it is not sent.
func WithBasicAuth(user, password string) Option {
	return Option{func(r *Request) { r.authorization(message.Basic(user, password)) }}
}

// WithBearer sets Authorization to a token (RFC 6750). Over http everybody on the
// way can use it. After a redirect to another origin it is not sent.
func WithBearer(token string) Option {
	return Option{func(r *Request) { r.authorization(message.Bearer(token)) }}
}

func (r *Request) authorization(value string, err error) {
	if err == nil {
		err = r.edit().Set("Authorization", value)
	}
	if err != nil {
		r.fail(err)
	}
}

// urlCredentials are those of the request's URL, which go as Basic, in advance.
type urlCredentials struct{ user, password string }

// basic is what Authorization says.
func (u urlCredentials) basic() (string, error) {
	value, err := message.Basic(u.user, u.password)
	if err != nil {
		return "", fmt.Errorf("the credentials in the URL: %w", err)
	}
	return value, nil
}

// Authenticate sets them; it has no answer to a refusal.
func (u urlCredentials) Authenticate(_ context.Context, a *AuthRequest) error {
	if a.Refused > 0 {
		return nil
	}
	value, err := u.basic()
	if err == nil {
		a.Set("Authorization", value)
	}
	return err
}

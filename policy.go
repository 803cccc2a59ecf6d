package sonde

import (
	"context"
	"io"
	"net/url"

	"sonde/internal/message"
)

// Here are the small interfaces by which packages that a program may do without
// (cookie, auth, br, zstd …) take part in a call.

// Jar keeps cookies; sonde/cookie has one. Its methods are called by many
// goroutines at once. The URL has no userinfo and is not theirs to keep.
type Jar interface {
	// Cookie returns the value of the Cookie field for a request to u; "" is none.
	Cookie(u *url.URL) string
	// SetCookies takes the values of the Set-Cookie fields of a response to u, in
	// their order.
	SetCookies(u *url.URL, values []string)
}

// Authenticator gives requests their credentials; sonde/auth has some. Its method
// is called by many goroutines at once.
//
// Credentials are for the origin that the caller named: after a redirect to
// another scheme, host or port Authenticate is not called, unless the
// Authenticator says itself where its credentials belong, by a method
//
//	Covers(u *url.URL) bool
//
// which is asked about the other origin. For the origin that the caller named it
// is not asked: Authenticate is called, and may set nothing.
//
// One that wants to know how it went, because the response may say something for
// the next request, has a method
//
//	Answered(a *AuthRequest, h *Head)
//
// which is called with the head of every response to what it authenticated that
// is no 401 (or 407). The Head is valid until it returns.
type Authenticator interface {
	// Authenticate is called before each attempt, with no Challenges, and again
	// when the server (or the proxy) answered with 401 (407), with those of its
	// response. It calls a.Set for what the request needs; if it sets nothing in
	// answer to challenges, the refusal is final. An error ends the call.
	Authenticate(ctx context.Context, a *AuthRequest) error
}

// AuthRequest is a request that an Authenticator is asked about. It is the
// Authenticator's until it returns.
type AuthRequest struct {
	Method     Method
	URL        *url.URL    // without userinfo and fragment; its origin is the one that gets the credentials
	Host       string      // the Host field as it is sent, which may be another one than the URL's
	Target     string      // the request-target as it is sent
	Header     Header      // the fields as they are sent so far, without those of the codec
	Body       Body        // may be opened if it can be sent again
	Challenges []Challenge // what the refusal asks for, if it asks for something
	Refused    int         // how often this request has been refused so far; 0: Authenticate is asked in advance
	Sent       Header      // what was set for the attempt that was refused
	Proxy      bool        // it is the proxy that asks: the field is Proxy-Authorization

	fields message.Fields
	err    error
}

// Set sets a field of the request, such as Authorization, for this attempt. What
// is wrong with name or value ends the call.
func (a *AuthRequest) Set(name, value string) {
	if err := a.fields.Set(name, value); err != nil && a.err == nil {
		a.err = err
	}
}

// Fields returns what was set so far, and what was wrong with it.
func (a *AuthRequest) Fields() (Header, error) { return Header{a.fields}, a.err }

// Challenge is one of those of a WWW-Authenticate or Proxy-Authenticate field
// (RFC 9110 §11.6.1); see Header.Challenges. Its Scheme and the names of its
// parameters are in lower case.
type Challenge = message.Challenge

// ChallengeParam is an auth-param: its name in lower case, its value unquoted.
type ChallengeParam = message.ChallengeParam

// Coding is a content coding (RFC 9110 §8.4.1). Root has gzip and deflate;
// sonde/br and sonde/zstd have theirs. Its methods are called by many goroutines
// at once.
type Coding interface {
	// Name is the coding's, in lower case, as Accept-Encoding names it.
	Name() string
	// NewReader decodes what it reads from r. Its Close does not close r.
	NewReader(r io.Reader) (io.ReadCloser, error)
	// NewWriter encodes what it is given into w, whose end Close writes.
	NewWriter(w io.Writer) (io.WriteCloser, error)
}

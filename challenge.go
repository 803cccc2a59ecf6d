package sonde

import (
	"net/url"
	"strings"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// maxRefusals is how many 401 of one request are answered at most: one for the
// challenge, one for a nonce that is stale meanwhile, one for luck.
const maxRefusals = 3

// credentials is what a call remembers of one request's Authenticator.
type credentials struct {
	req     *Request       // whose they are
	sent    message.Fields // what was set for the attempt under way
	ready   bool           // sent was set in answer to a refusal, for the attempt to come
	refused int
}

// authenticator is who gives k's request its credentials; nil: nobody.
func (k *call) authenticator() Authenticator {
	c, r := k.client, k.req
	if c.cfg.Auth == nil && r.set.auth == nil && !r.url.HasUser || c.cfg.Bare {
		return nil
	}
	if r.fields.Has("Authorization") || !r.set.left && !r.set.exact && c.cfg.Header.Has("Authorization") {
		return nil // set by hand
	}
	auth := c.cfg.Auth
	switch {
	case r.set.noAuth:
		return nil
	case r.set.auth != nil:
		auth = r.set.auth
	case r.url.User != "" || r.url.HasPassword: // of this URL, so for this origin
		return urlCredentials{r.url.User, r.url.Password}
	}
	if !r.set.left || auth == nil {
		return auth
	}
	if bound, ok := auth.(interface{ Covers(*url.URL) bool }); ok && bound.Covers(r.address()) {
		return auth
	}
	return nil
}

// prepare asks for the credentials of the attempt to come, the origin's and the proxy's.
func (k *call) prepare() *fault.Fault {
	if f := k.authorize(); f != nil {
		return f
	}
	return k.authorizeProxy()
}

// introduce sets the credentials of the request's URL, where nobody else has some.
func (k *call) introduce() *fault.Fault {
	u := &k.req.url
	if u.User == "" && !u.HasPassword || k.req.fields.Has("Authorization") {
		return nil
	}
	value, err := urlCredentials{u.User, u.Password}.basic()
	if err == nil {
		own := k.credentials()
		own.sent = message.Fields{}
		err = own.sent.Set("Authorization", value)
	}
	if err != nil {
		return fault.New(fault.Request, err)
	}
	return nil
}

// authorize asks for the credentials of the attempt to come. That comes before a
// connection is asked for: a token may have to be fetched, perhaps over the only
// connection that there may be.
func (k *call) authorize() *fault.Fault {
	auth := k.authenticator()
	if auth == nil {
		return nil
	}
	own := k.credentials()
	if own.ready { // the answer to a refusal
		own.ready = false
		return nil
	}
	a := k.authRequest()
	if err := auth.Authenticate(k.ctx, a); err != nil {
		return fault.New(fault.Request, err)
	}
	if a.err != nil {
		return fault.New(fault.Request, a.err)
	}
	own.sent = a.fields
	return nil
}

// credentials are those of k's request.
func (k *call) credentials() *credentials {
	t := k.travel()
	if t.own.req != k.req {
		t.own = credentials{req: k.req}
	}
	return &t.own
}

// authorized sets the fields that authorize got.
func (k *call) authorized(m *message.Request) (*message.Request, *fault.Fault) {
	if k.trip == nil || k.trip.own.req != k.req {
		return m, nil
	}
	for name, value := range k.trip.own.sent.All() {
		if m != &k.sized {
			k.sized = *m
			m = &k.sized
		}
		var f *fault.Fault
		if m, f = k.wear(m, name, value); f != nil {
			return m, f
		}
	}
	return m, nil
}

// authRequest is k's request as an Authenticator gets it.
func (k *call) authRequest() *AuthRequest {
	r, p := k.req, k.plan
	a := &AuthRequest{
		Method: r.method, URL: r.address(), Host: p.request.Authority, Target: r.target(),
		Header: Header{p.request.Fields}, Body: r.body,
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(p.request.Defaults, "\r\n"), "\r\n") {
		if name, value, found := strings.Cut(line, ":"); found {
			a.Header.Add(name, value) // checked before
		}
	}
	a.Header.Del("Proxy-Authorization") // for a proxy that forwards the request, and gone then
	return a
}

// challenged is the request to be sent again with the credentials that a 401 asks
// for; nil if the response stands.
func (k *call) challenged() (*Request, *fault.Fault) {
	auth := k.authenticator()
	if auth == nil {
		return nil, nil
	}
	own := k.credentials()
	a := k.authRequest()
	a.Sent = Header{own.sent}
	if Status(k.head.Status) != StatusUnauthorized {
		if w, ok := auth.(interface{ Answered(*AuthRequest, *Head) }); ok && own.sent.Len() > 0 {
			head := newHead(&k.head)
			w.Answered(a, &head)
		}
		return nil, nil
	}
	if own.refused++; own.refused > maxRefusals {
		return nil, nil
	}
	k.setAside()
	a.Refused = own.refused
	challenges := newHead(&k.head)
	a.Challenges = challenges.Header.Challenges("WWW-Authenticate")
	err := auth.Authenticate(k.ctx, a)
	if err == nil {
		err = a.err
	}
	if err != nil {
		return nil, &fault.Fault{Op: fault.Request, Err: err, Sent: true, Answer: true}
	}
	// Asked also where the body cannot be sent again: the next call knows better.
	if a.fields.Len() == 0 || !k.req.body.replays() {
		return nil, nil
	}
	own.sent, own.ready = a.fields, true
	k.trip.why = trace.Event{Kind: trace.Challenge, Status: k.head.Status}
	return k.req, nil
}

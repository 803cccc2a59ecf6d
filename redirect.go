package sonde

import (
	"errors"
	"fmt"

	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// Redirects says whether and how far redirects are followed (RFC 9110 §15.4).
//
// 301, 302, 303, 307 and 308 are followed where they have a Location for http or
// https. 303 makes every method but HEAD a GET, 301 and 302 make POST one, as
// browsers and curl do: the body and its fields are left behind. Otherwise method
// and body stay, and a body that cannot be sent again is an error. To another
// origin (scheme, host or port) go no Authorization, Cookie and
// Proxy-Authorization that were set by hand or by Config.Header, no credentials
// of the URL, and no WithHost.
type Redirects struct {
	// Max is how many are followed in one call. 0: 10. Negative: none; then a 3xx
	// is a success.
	Max int

	// Policy is asked before each one is followed. ErrKeepResponse makes the
	// redirect itself the response; any other error ends the call. Nil follows all.
	Policy func(*Redirect) error
}

// Redirect is one redirect before it is followed, for Redirects.Policy, which
// must not keep it.
type Redirect struct {
	Head    *Head  // of the response
	From    string // URL of the request, without credentials
	To      string // URL of the next, without credentials
	Method  Method // of the next request
	Leaves  bool   // To is another origin than From
	History []Hop  // what came before, the first request first
}

// Hop is a request that was answered by a redirect.
type Hop struct {
	Method Method
	URL    string // without credentials
	Status Status
}

// ErrKeepResponse is for Redirects.Policy: the redirect is the response.
var ErrKeepResponse = errors.New("the redirect is not followed")

// What ends a call that is redirected too much.
var (
	ErrTooManyRedirects = errors.New("too many redirects")
	ErrRedirectLoop     = errors.New("redirect loop")
)

// RedirectError says why a redirect was not followed; the Error around it has the
// phase OpRedirect.
type RedirectError struct {
	Head        // of the response
	To   string // where it led, without credentials, "" if that cannot be read
	Err  error
}

// Error says where the redirect led, and why it was not followed.
func (e *RedirectError) Error() string {
	if e.To == "" {
		return fmt.Sprintf("%v: %v", e.Status, e.Err)
	}
	return fmt.Sprintf("%v to %s: %v", e.Status, e.To, e.Err)
}

// Unwrap returns why.
func (e *RedirectError) Unwrap() error { return e.Err }

// redirects reports whether the status is one that is followed.
func (s Status) redirects() bool {
	switch s {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// redirects is what r says of redirects, or else the client.
func (c *Client) redirects(r *Request) Redirects {
	if c.cfg.Bare {
		return Redirects{}
	}
	if r.set.redirects != nil {
		return *r.set.redirects
	}
	return c.cfg.Redirects
}

// redirected is the request that the response asks for instead of k.req; nil if
// it asks for none.
func (k *call) redirected() (*Request, *fault.Fault) {
	policy := k.client.redirects(k.req)
	status := Status(k.head.Status)
	if policy.Max <= 0 || !status.redirects() || k.req.set.target == "*" || k.req.method == CONNECT {
		return nil, nil
	}
	var to message.URL
	found, err := k.location(&to)
	if err != nil || !found {
		return nil, k.astray("", err)
	}
	t := k.travel()
	next := k.req.toward(&to, status)
	r := Redirect{
		From: k.req.URL(), To: next.URL(), Method: next.method,
		Leaves: next.url.Origin != k.req.url.Origin, History: t.hops,
	}
	hop := Hop{Method: k.req.method, URL: r.From, Status: status}
	switch {
	case len(t.hops) >= policy.Max:
		err = fmt.Errorf("%w: the limit is %d", ErrTooManyRedirects, policy.Max)
	case t.loops(hop):
		err = ErrRedirectLoop
	case next.err != nil:
		err = next.err
	case !next.body.replays():
		err = ErrUsedBody
	case policy.Policy != nil:
		head := newHead(&k.head)
		head = head.clone()
		r.Head = &head
		if err = policy.Policy(&r); err == ErrKeepResponse {
			t.kept = true
			return nil, nil
		}
	}
	if err != nil {
		return nil, k.astray(r.To, err)
	}
	t.hops = append(t.hops, hop)
	t.why = trace.Event{Kind: trace.Redirect, Status: int(status), Detail: &trace.Detail{URL: r.To}}
	return next, nil
}

// astray is why a redirect is not followed.
func (k *call) astray(to string, err error) *fault.Fault {
	if err == nil {
		return nil
	}
	head := newHead(&k.head)
	return &fault.Fault{
		Op: fault.Redirect, Err: &RedirectError{Head: head.clone(), To: to, Err: err}, Sent: true, Answer: true,
	}
}

// location makes to where the response's Location leads, if it has one: else it is
// no redirect, whatever its status.
func (k *call) location(to *message.URL) (found bool, err error) {
	all := k.head.Fields.Values("Location")
	for _, other := range all[min(len(all), 1):] {
		// RFC 9110 §10.2.2: a single value. Taking one of two is a guess on which
		// somebody in between may have guessed otherwise.
		if other != all[0] {
			return false, errors.New("it has more than one Location")
		}
	}
	// A Location without a value leads nowhere: browsers, curl and net/http take it
	// for none.
	if len(all) == 0 || all[0] == "" {
		return false, nil
	}
	*to, err = k.req.url.Resolve(all[0])
	switch {
	case err != nil:
		return false, fmt.Errorf("its Location: %w", err)
	case to.Scheme == "http" && k.client.cfg.HTTPSOnly:
		return false, errHTTPSOnly
	case to.Scheme != "http" && to.Scheme != "https":
		// A server must not send us to file: or to what else the program can do.
		return false, fmt.Errorf("its Location leads to the scheme %q", to.Scheme)
	}
	if k.client.cfg.HSTS != nil {
		*to = k.client.extras.upgrade(k.client, *to)
	}
	return true, nil
}

// loops reports whether the request was answered by the same redirect twice
// before. Once may be a server that had to set something up.
func (t *trip) loops(hop Hop) bool {
	n := 0
	for _, h := range t.hops[t.changed:] {
		if h == hop {
			n++
		}
	}
	return n >= 2
}

// toward is r for another URL, after a redirect of that status.
func (r *Request) toward(to *message.URL, status Status) *Request {
	next := &Request{method: r.method, url: *to, fields: r.fields, body: r.body, set: r.set, err: r.err}
	next.set.target = ""
	// RFC 9110 §15.4.4: 303 means GET, or HEAD. §15.4.2 and .3 allow it for POST.
	if status == 303 && r.method != GET && r.method != HEAD || (status == 301 || status == 302) && r.method == POST {
		next.method = GET
		next.withoutBody()
	}
	if to.Origin != r.url.Origin {
		next.leave()
	} else if !to.HasUser { // the credentials of a URL are for its origin
		u := &next.url
		u.User, u.Password, u.HasUser, u.HasPassword = r.url.User, r.url.Password, r.url.HasUser, r.url.HasPassword
	}
	next.settle()
	return next
}

// contentFields say something of a body: RFC 9110 §15.4 has them left behind with
// it.
var contentFields = [...]string{
	"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location",
	"Content-Digest", "Repr-Digest", "Digest", "Last-Modified", "Transfer-Encoding", "Expect",
}

// withoutBody takes the body away, and what was said of it.
func (r *Request) withoutBody() {
	for _, name := range contentFields {
		r.fields.Del(name)
	}
	r.body = Body{}
	r.set.trailer, r.set.announce, r.set.chunked, r.set.expect, r.set.length = nil, "", false, false, -1
}

// credentialFields are those that no other origin may see.
var credentialFields = [...]string{"Authorization", "Cookie", "Cookie2", "Proxy-Authorization"}

// leave takes away what was meant for the origin that r comes from.
func (r *Request) leave() {
	for _, name := range credentialFields {
		r.fields.Del(name)
	}
	r.set.host, r.set.left = "", true
	if r.set.exact {
		r.fields.Del("Host")
	}
}

// guarded reports whether a field is not for other origins.
func guarded(name string) bool {
	for _, c := range credentialFields {
		if message.EqualFold(c, name) {
			return true
		}
	}
	return false
}

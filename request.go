package sonde

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"sonde/internal/fault"
	"sonde/internal/h1"
	"sonde/internal/message"
	"sonde/internal/pool"
	"sonde/trace"
)

// Request is a request as the client sends it. NewRequest makes one; it never
// changes, so it may be sent many times and by many goroutines at once, unless
// its body can be read only once. A wrong argument sticks: it is what Do returns.
type Request struct {
	method Method
	url    message.URL
	fields message.Fields
	body   Body
	set    settings
	err    error

	sent  atomic.Bool                // it was sent before: a plan is worth keeping
	plan  atomic.Pointer[plan]       // of the client that sent it again first
	place atomic.Pointer[pool.Place] // without a plan: where the last client keeps its connections
}

// settings are what Options say besides method, URL, fields and body.
type settings struct {
	query     string // to be added to the URL's
	accept    []Status
	timeouts  Timeouts
	limits    Limits
	protocols Protocols
	unix      string
	proxy     *Proxy // with proxied: instead of the client's; nil: none
	proxied   bool
	host      string // instead of the URL's
	target    string // instead of the URL's
	trailer   func() (Header, error)
	announce  string // the Trailer field
	inform    func(*Head) error
	sink      trace.Sink
	auth      Authenticator // instead of the client's
	noAuth    bool
	jar       Jar // with ownJar: instead of the client's; nil: none
	ownJar    bool
	oneShot   bool
	expect    bool
	exact     bool
	chunked   bool  // hand-set Transfer-Encoding
	length    int64 // hand-set Content-Length, -1 if not
	upgrade   bool
	replay    replay
	decode    decodeRule
	coding    string // of the body, as Content-Encoding says it
	received  func(received, total int64)
	uploaded  func(sent, total int64)
	checks    []func(*Head) ContentCheck
	cond      bool       // has a conditional field, so that 304 is a success
	redirects *Redirects // instead of the client's
	retry     *Retry     // the same
	hedge     *Hedge     // the same
	repeats   bool       // either may add attempts
	left      bool       // it was redirected away from its origin
	noAgent   bool       // User-Agent was set empty: none

	// What Options bring with them, so that a program without these links nothing of it;
	// see extras.

	settle  func(*Request)           // settleFields, with fields or a body
	open    func(*call) *fault.Fault // openBody, with a body
	uploads any                      // h1.Uploads(), with a body
	extras  *extras                  // what the above need beyond the default client; nil: nothing
}

// NewRequest makes a request. The URL needs scheme and host; its userinfo, if
// any, is not sent and never shown.
func NewRequest(method Method, rawURL string, opts ...Option) *Request {
	u, err := message.ParseURL(rawURL)
	return newRequest(method, &u, err, opts)
}

// newRequest makes a request for u; err is what is wrong with that.
func newRequest(method Method, u *message.URL, err error, opts []Option) *Request {
	r := &Request{method: method, url: *u, set: settings{length: -1}}
	if err := message.CheckMethod(string(method)); err != nil {
		r.fail(fmt.Errorf("method: %w", err))
	}
	if err != nil {
		r.fail(err)
	}
	r.apply(opts)
	return r
}

// With returns a copy with more options.
func (r *Request) With(opts ...Option) *Request {
	if r == nil {
		return nil
	}
	c := &Request{method: r.method, url: r.url, fields: r.fields, body: r.body, set: r.set, err: r.err}
	c.set.accept = slices.Clone(r.set.accept)
	c.apply(opts)
	return c
}

// fail keeps the first thing that is wrong.
//
//go:noinline
func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *Request) apply(opts []Option) {
	for _, o := range opts {
		if o.apply == nil {
			r.fail(errors.New("an Option is its zero value"))
			continue
		}
		o.apply(r)
	}
	r.settle()
}

// Method returns the method.
func (r *Request) Method() Method { return r.method }

// URL returns the URL, without credentials.
func (r *Request) URL() string { return r.url.String() }

// Header returns the fields that were set, without those of the codec.
func (r *Request) Header() Header { return Header{r.fields} }

// Body returns the body.
func (r *Request) Body() Body { return r.body }

// Err returns what is wrong with the request, nil if nothing is.
func (r *Request) Err() error {
	if r == nil {
		return errNilRequest
	}
	return r.err
}

var errNilRequest = errors.New("the request is nil")

// codecField reports whether the codec owns the field: docs/fields.md says what
// becomes of each when it is set by hand.
func codecField(name string) bool {
	switch strings.ToLower(name) {
	case "host", "content-length", "transfer-encoding", "connection", "trailer", "expect":
		return true
	}
	return false
}

// settle brings options together once all were applied: the query into the
// target, and hand-set fields of the codec where the codec can see them. Then it
// checks the request.
func (r *Request) settle() {
	if r.set.query != "" {
		sep := "?"
		if strings.Contains(r.url.Target, "?") {
			sep = "&"
		}
		r.url.Target += sep + r.set.query
		r.set.query = ""
	}
	if r.set.settle != nil {
		r.set.settle(r)
	}
	if r.err == nil {
		kind, length := r.kind()
		r.err = h1.CheckRequest(&message.Request{
			Method: string(r.method), Scheme: r.url.Scheme, Authority: r.authority(), Target: r.target(),
			Fields: r.fields, Body: kind, Length: length, Trailer: r.set.announce,
		})
	}
}

// edit is r's fields, for an Option that sets some.
func (r *Request) edit() *message.Fields {
	r.set.settle = (*Request).settleFields
	return &r.fields
}

// settleFields is settle for fields of the codec's that were set by hand.
func (r *Request) settleFields() {
	r.settleHost()
	r.settleLength()
	r.settleConnection()
	r.settleCoding()
	if r.fields.Is("User-Agent", "") && !r.set.exact {
		r.set.noAgent = true
		r.fields.Del("User-Agent")
	}
	switch expect := r.fields.Combined("Expect"); {
	case !r.fields.Has("Expect"):
	case message.EqualFold(expect, "100-continue"):
		r.set.expect = true
		if r.taken("Expect"); r.set.exact && r.body.empty() {
			r.fail(errors.New("field Expect: there is no body")) // RFC 9110 §10.1.1
		}
	default:
		r.fail(fmt.Errorf("field Expect: %q is not known, only 100-continue is", expect))
	}
	if r.fields.Has("Trailer") {
		r.fail(errors.New("field Trailer: give trailers with WithTrailer, which announces them"))
	}
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		r.set.cond = r.set.cond || r.fields.Has(name)
	}
}

// target is the request-target.
func (r *Request) target() string {
	switch {
	case r.set.target != "":
		return r.set.target
	case r.method == CONNECT:
		// RFC 9112 §3.2.3: the authority-form has a port always. A zone means
		// nothing to others.
		host, _, _ := strings.Cut(r.url.Host, "%")
		return net.JoinHostPort(host, r.url.Port)
	}
	return r.url.Target
}

// authority is what Host says.
func (r *Request) authority() string {
	if r.set.host != "" {
		return r.set.host
	}
	return r.url.Authority
}

func (r *Request) settleHost() {
	if !r.fields.Has("Host") {
		return
	}
	hosts := r.fields.Values("Host")
	if len(hosts) > 1 {
		r.fail(errors.New("field Host: set more than once"))
	}
	r.taken("Host")
	WithHost(hosts[0]).apply(r)
}

// taken removes a field of the codec's that was set by hand, which the codec
// sends now. Of an exact header it stays where it is.
func (r *Request) taken(name string) {
	if !r.set.exact {
		r.fields.Del(name)
	}
}

// sets reports whether r says itself what the field name is, or that there is none.
func (r *Request) sets(name string) bool {
	return r.fields.Has(name) || r.set.noAgent && message.EqualFold(name, "User-Agent")
}

func (r *Request) settleLength() {
	if te := r.fields.Combined("Transfer-Encoding"); r.fields.Has("Transfer-Encoding") {
		if !message.EqualFold(te, "chunked") {
			r.fail(fmt.Errorf("field Transfer-Encoding: %q cannot be sent, only chunked can", te))
		}
		r.set.chunked = true
		r.taken("Transfer-Encoding")
	}
	if r.fields.Has("Content-Length") {
		n, err := r.fields.Int("Content-Length")
		if err != nil || n < 0 {
			r.fail(fmt.Errorf("field Content-Length: %q is no length", r.fields.Combined("Content-Length")))
		}
		r.set.length = n
		r.taken("Content-Length")
	}
	switch length, known := r.body.length(); {
	case r.set.chunked && r.set.length >= 0:
		// RFC 9112 §6.2: a sender must not send both.
		r.fail(errors.New("fields Transfer-Encoding and Content-Length cannot both be set"))
	case r.set.chunked && r.body.empty():
		r.fail(errors.New("there is no body to send chunked, with or without trailers"))
	case r.set.length >= 0 && known && length != r.set.length:
		r.fail(errors.New("field Content-Length: set to " + strconv.FormatInt(r.set.length, 10) +
			", but the body has " + strconv.FormatInt(length, 10) + " bytes"))
	}
}

// settleCoding says by which coding the body is encoded. An exact header says that
// itself.
func (r *Request) settleCoding() {
	was, is := r.set.coding, r.body.coding
	switch ours := was != "" && r.fields.Is("Content-Encoding", was); {
	case r.set.exact || was == "" && is == "":
	case is == "" && ours:
		r.fields.Del("Content-Encoding")
	case ours || is != "" && !r.fields.Has("Content-Encoding"):
		r.fields.Set("Content-Encoding", is)
	case is != "":
		r.fail(errors.New("field Content-Encoding: set by hand, but the body is compressed and says it itself"))
	}
	r.set.coding = is
}

func (r *Request) settleConnection() {
	if r.fields.HasToken("Connection", "close") {
		r.set.oneShot = true
	}
	r.set.upgrade = r.fields.Has("Upgrade")
	// RFC 9110 §7.8: a sender of Upgrade must list it in Connection.
	if r.set.upgrade && !r.fields.HasToken("Connection", "upgrade") {
		r.fail(errors.New(`field Upgrade: it needs "Connection: upgrade" beside it`))
	}
}

// kind is how the body is framed, and its length.
func (r *Request) kind() (message.BodyKind, int64) {
	if r.body.empty() {
		// RFC 9110 §8.6: a method that expects content says so if there is none.
		switch r.method {
		case POST, PUT, PATCH:
			return message.KnownLength, 0
		}
		if r.set.length == 0 {
			return message.KnownLength, 0
		}
		return message.NoBody, 0
	}
	if r.set.chunked {
		return message.UnknownLength, 0
	}
	if n, known := r.body.length(); known {
		return message.KnownLength, n
	}
	if r.set.length >= 0 {
		return message.KnownLength, r.set.length
	}
	return message.UnknownLength, 0
}

// replay says whether a request may be sent again although the server may have
// acted on it.
type replay uint8

const (
	byMethod replay = iota
	always
	never
)

// replayable reports whether the request may be sent again although the server
// may have acted on it (RFC 9110 §9.2.2).
func (r *Request) replayable() bool {
	if r.set.replay != byMethod {
		return r.set.replay == always && r.body.replays()
	}
	return (r.method.Idempotent() || r.fields.Has("Idempotency-Key") || r.fields.Has("X-Idempotency-Key")) && r.body.replays()
}

// accepts reports whether status is a success for this request. A 3xx is one if
// nobody wanted it followed.
func (c *Client) accepts(r *Request, s Status, kept bool) bool {
	byConfig := c.cfg.Accept
	switch {
	case s.OK(), s == StatusNotModified && r.set.cond,
		s.Class() == 3 && s != StatusNotModified && (kept || c.redirects(r).Max <= 0),
		s == StatusSwitchingProtocols && r.set.upgrade:
		return true
	}
	return slices.Contains(r.set.accept, s) || slices.Contains(byConfig, s) ||
		slices.Contains(r.set.accept, AnyStatus) || slices.Contains(byConfig, AnyStatus)
}

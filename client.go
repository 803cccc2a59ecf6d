package sonde

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"sonde/internal/errs"
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/internal/pool"
)

// Client sends requests and keeps connections. It never changes, is safe for
// concurrent use, and should be made once and kept: its pool is what makes
// requests fast.
type Client struct {
	given    Config // as New got it
	cfg      Config // checked, with defaults
	pool     *pool.Pool
	dialer   *dialer
	defaults []defaultField
	lines    string       // all defaults, for requests that set none of them
	unasked  string       // the same without asking for codings
	asking   bool         // for codings, where nothing speaks against it
	codings  []Coding     // those that can be decoded
	handler  Handler      // nil without middleware
	proxies  *proxyRule   // nil: none
	base     *message.URL // Config.BaseURL; nil: none
	attempts Handler      // makes an attempt, through what is around it; nil: there is nothing around it
	relays   bool         // every attempt goes that way
	repeats  bool         // calls may take more attempts than they need
	budget   *budget      // for those; of all copies
	extras   *extras      // nil: the default client, which has none
}

// defaultField is a field that requests have unless they set it themselves.
type defaultField struct{ name, line string }

// Handler answers a request: a Client's own Open is one, and so is a middleware
// around it, a mock, a cache, or another scheme. It returns a response or an
// error, never both.
type Handler func(context.Context, *Request) (*Exchange, error)

// Middleware makes a Handler of a Handler.
type Middleware func(Handler) Handler

// New returns a Client. The error says which field of cfg is wrong.
func New(cfg Config) (*Client, error) {
	cfg = cfg.own()
	full, err := effective(cfg)
	if err != nil {
		return nil, fmt.Errorf("sonde: Config.%w", err)
	}
	c := newClient(cfg, full, newDialer(&full))
	c.extend()
	return c, nil
}

// newClient makes a Client of a Config as it was given, and with every default
// filled in. It is the default client but for what extend adds.
func newClient(given, full Config, d *dialer) *Client {
	c := &Client{given: given, cfg: full, dialer: d, budget: new(budget)}
	c.pool = pool.New(pool.Config{
		MaxIdle:           full.Pool.MaxIdle,
		MaxIdlePerOrigin:  full.Pool.MaxIdlePerOrigin,
		KeepOld:           full.dialing.KeepOld,
		MaxConnsPerOrigin: full.Pool.MaxConnsPerOrigin,
		IdleTimeout:       full.Pool.IdleTime,
		MaxAge:            full.Pool.MaxAge,
		DialTimeout:       dialBound(full.Timeouts),
		Sink:              full.Sink,
	})
	c.settle()
	return c
}

// With returns a copy of the client that change has changed. It shares the pool;
// where TLS, dialing or resolving differ, connections are kept apart. Settings of
// the pool cannot be changed. Closing either closes both.
func (c *Client) With(change func(*Config)) (*Client, error) {
	if c == nil {
		return nil, errNilClient
	}
	cfg := c.given.own()
	change(&cfg)
	cfg = cfg.own()
	if cfg.Pool != c.given.Pool {
		return nil, errors.New("sonde: Config.Pool belongs to the shared pool: a client with another needs New")
	}
	full, err := effective(cfg)
	if err != nil {
		return nil, fmt.Errorf("sonde: Config.%w", err)
	}
	if sameTLS(cfg.TLS, c.given.TLS) {
		cfg.TLS = c.given.TLS
	}
	d := &Client{given: cfg, cfg: full, pool: c.pool, dialer: c.dialer, budget: c.budget}
	if connectionSettings(&cfg) != connectionSettings(&c.given) {
		d.dialer = newDialer(&full)
	}
	d.settle()
	d.extend()
	return d, nil
}

// settings that make a connection what it is, comparable. Funcs compare by the
// closure they are.
type connSettings struct {
	tls           *tls.Config
	dial, control unsafe.Pointer
	guard         unsafe.Pointer
	resolver      any
	rest          string
}

func connectionSettings(cfg *Config) connSettings {
	s := connSettings{
		tls:     cfg.TLS,
		dial:    *(*unsafe.Pointer)(unsafe.Pointer(&cfg.Dial)),
		control: *(*unsafe.Pointer)(unsafe.Pointer(&cfg.Control)),
		guard:   *(*unsafe.Pointer)(unsafe.Pointer(&cfg.Guard)),
		rest:    fmt.Sprint(cfg.LocalAddr, cfg.KeepAlive, cfg.Timeouts.Connect, cfg.Timeouts.TLS, cfg.Timeouts.Proxy, cfg.dialing),
	}
	if cfg.Resolver != nil && reflect.ValueOf(cfg.Resolver).Comparable() {
		s.resolver = cfg.Resolver
	} else if cfg.Resolver != nil {
		s.resolver = new(int) // equal to no other
	}
	return s
}

// sameTLS reports whether a and b say the same, as far as that can be seen: what
// is a func, a slice or a map is the same if it is the same one.
func sameTLS(a, b *tls.Config) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		if x.Type().Field(i).IsExported() && !sameField(x.Field(i), y.Field(i)) {
			return false
		}
	}
	return true
}

func sameField(x, y reflect.Value) bool {
	switch x.Kind() {
	case reflect.Func: // reflect's own pointer of a func is the same for all its closures
		return *(*unsafe.Pointer)(x.Addr().UnsafePointer()) == *(*unsafe.Pointer)(y.Addr().UnsafePointer())
	case reflect.Slice:
		return x.Len() == y.Len() && x.UnsafePointer() == y.UnsafePointer()
	case reflect.Map:
		return x.UnsafePointer() == y.UnsafePointer()
	}
	return x.Comparable() && y.Comparable() && x.Equal(y)
}

// settle prepares what every call needs.
func (c *Client) settle() {
	c.proxies = c.cfg.Proxy.rule()
	c.codings = c.cfg.decoders()
	if !c.cfg.Bare {
		c.settleDefaults()
	}
}

// settleDefaults prepares the fields of requests that do not set them.
func (c *Client) settleDefaults() {
	if ua := c.cfg.UserAgent; ua != "-" && !c.cfg.Header.Has("User-Agent") {
		c.addDefault("User-Agent", ua)
	}
	for name, value := range c.cfg.Header.All() {
		if value != "" || !message.EqualFold(name, "User-Agent") { // set empty: none
			c.addDefault(name, value)
		}
	}
	c.unasked = c.lines
	if c.asking = !c.cfg.NoDecoding && !c.cfg.Header.Has(acceptEncoding); c.asking {
		c.addDefault(acceptEncoding, accepted(c.codings))
	}
}

// addDefault is not inlined three times: 2 KB.
//
//go:noinline
func (c *Client) addDefault(name, value string) {
	line := name + ": " + value + "\r\n"
	c.defaults = append(c.defaults, defaultField{name, line})
	c.lines += line
}

// around is h with middleware around it, the first one outermost.
func around(h Handler, all []Middleware) Handler {
	for _, m := range slices.Backward(all) {
		h = m(h)
	}
	return h
}

// defaultLines are the defaults that r does not set itself.
func (c *Client) defaultLines(r *Request) string {
	if r.fields.Len() == 0 && !r.set.noAgent && !r.set.left {
		if c.asking && !c.asks(r) {
			return c.unasked
		}
		return c.lines
	}
	return c.someDefaults(&r.fields, r)
}

// someDefaults are the defaults that r, which sends those fields, lacks. Once it
// has left its origin, credentials are none of them.
func (c *Client) someDefaults(fields *message.Fields, r *Request) string {
	all := true
	for i := range c.defaults {
		all = all && c.lacks(fields, r, &c.defaults[i])
	}
	if all {
		return c.lines
	}
	some := ""
	for i := range c.defaults {
		if d := &c.defaults[i]; c.lacks(fields, r, d) {
			some += d.line
		}
	}
	return some
}

// lacks reports whether r, which sends those fields, is to have d.
func (c *Client) lacks(fields *message.Fields, r *Request, d *defaultField) bool {
	if c.asking && d.name == acceptEncoding && !c.asks(r) {
		return false
	}
	return !fields.Has(d.name) && !r.sets(d.name) && !(r.set.left && guarded(d.name))
}

// Do sends req and reads the whole response, within Limits.Body. The response is
// the caller's and has nothing to close. A status that is no success is an error
// with a *StatusError in its chain; see Error.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	resp := &Response{}
	if err := c.do(ctx, req, resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// DoInto is Do into a Response of the caller's, whose memory it reuses: after a
// few calls it allocates nothing. What resp held is gone, whatever DoInto
// returns; its Body, and what its Header does not copy, are valid until resp is
// passed again.
func (c *Client) DoInto(ctx context.Context, req *Request, resp *Response) error {
	if resp == nil {
		return &Error{Op: OpRequest, Err: errors.New("the response to fill is nil")}
	}
	resp.renew()
	err := c.do(ctx, req, resp)
	if err != nil {
		resp.clear()
	}
	return err
}

// Open sends req and returns once the response's head is there, with the body
// still to be read. The caller must close the Exchange, or read its body to the
// end; one that is dropped is noticed by the garbage collector, its connection is
// closed, and the reason counted.
func (c *Client) Open(ctx context.Context, req *Request) (*Exchange, error) {
	if err := c.usable(ctx, req); err != nil {
		return nil, err
	}
	ex, err := c.dispatch(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := ex.check(req, c); err != nil {
		return nil, err
	}
	return ex, nil
}

// Stream sends req and calls f with the live response, which ends when f returns.
// f is called once at most, and the request is not sent again after that. Its
// error comes back as it is.
func (c *Client) Stream(ctx context.Context, req *Request, f func(*Exchange) error) error {
	ex, err := c.Open(ctx, req)
	if err != nil {
		return err
	}
	panicked := true
	defer func() {
		if panicked {
			ex.Body.abandon()
		} else {
			ex.Close()
		}
	}()
	err = f(ex)
	panicked = false
	return err
}

// dispatch takes the way that the request's scheme and the middleware ask for.
func (c *Client) dispatch(ctx context.Context, req *Request) (*Exchange, error) {
	h := c.handler
	if h == nil {
		h = c.open
	}
	ex, err := h(ctx, req)
	req.body.drop() // a handler may have answered without it
	return req.answered(ex, err)
}

// answered is what a Handler gave for r, made good.
func (req *Request) answered(ex *Exchange, err error) (*Exchange, error) {
	switch {
	case err != nil && ex != nil:
		if ex.Body != nil {
			ex.Close()
		}
		fallthrough
	case err != nil:
		return nil, req.outermost(fault.Request, err)
	case ex == nil:
		return nil, req.error(fault.Request, errors.New("a handler returned neither a response nor an error"))
	case ex.Body == nil: // made without NewExchange
		ex.Body = new(BodyReader)
	}
	return ex, nil
}

// open is the innermost Handler: it sends the request.
func (c *Client) open(ctx context.Context, req *Request) (*Exchange, error) {
	if err := c.usable(ctx, req); err != nil {
		return nil, err
	}
	if h := c.scheme(req); h != nil {
		return h(ctx, req)
	}
	k := newCall(c, ctx, req)
	over := false
	defer k.unwind(&over)
	ex := new(Exchange)
	var fields message.Fields
	fields.SetIndex(k.index[:0])
	err := k.run(fields, nil)
	over = true
	if err != nil {
		return nil, err
	}
	ex.take(k)
	return ex, nil
}

// scheme is the Handler of the request's scheme, nil for sonde's own.
func (c *Client) scheme(req *Request) Handler {
	if len(c.cfg.Schemes) == 0 {
		return nil
	}
	return c.cfg.Schemes[req.url.Scheme]
}

var errHTTPSOnly = errors.New("Config.HTTPSOnly allows https only")

var errNilClient = errors.New("sonde: the client is nil")

// usable checks what can be checked before anything is touched.
func (c *Client) usable(ctx context.Context, req *Request) error {
	var err error
	switch {
	case c == nil || c.pool == nil:
		err = errors.New("the client is nil or was not made by New")
	case req == nil:
		err = errNilRequest
	case req.err != nil:
		err = req.err
	case req.method == "":
		err = errors.New("the request was not made by NewRequest")
	case ctx == nil:
		err = errors.New("the context is nil")
	case req.url.Scheme == "http" && c.cfg.HTTPSOnly:
		err = errHTTPSOnly
	case req.url.Scheme != "http" && req.url.Scheme != "https" && c.scheme(req) == nil:
		err = fmt.Errorf("scheme %q is not supported: sonde speaks http and https, and what Config.Schemes has", req.url.Scheme)
	default:
		return nil
	}
	if req == nil {
		return &Error{Op: OpRequest, Err: err}
	}
	req.body.drop()
	return req.error(fault.Request, err)
}

// error is an Error about r before any attempt.
func (r *Request) error(op string, err error) *Error {
	return &Error{Op: Op(op), Method: r.method, URL: r.url.String(), Err: err, safe: true}
}

// outermost is err, which a handler or a body gave, as an *Error. Nobody can know
// whether a byte has left, unless an *Error in err's chain says so.
func (r *Request) outermost(op string, err error) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	e := r.error(op, err)
	e.safe = false
	if inner, ok := errs.As[*Error](err); ok {
		e.Op, e.Attempt, e.Remote, e.safe = inner.Op, inner.Attempt, inner.Remote, inner.safe
		e.NotRetried, e.inner = inner.NotRetried, inner.inner
	}
	return e
}

// Close closes the idle connections, ends the calls that are under way, and
// waits for the pool's own goroutines. Further calls fail with ErrClosed.
func (c *Client) Close() error {
	if c == nil || c.pool == nil {
		return errNilClient
	}
	c.pool.Close()
	return nil
}

// Get sends a GET; see Do. Its URL, like those of the methods below, may be a
// reference to Config.BaseURL.
func (c *Client) Get(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(GET, url, opts...))
}

// Head sends a HEAD; see Do.
func (c *Client) Head(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(HEAD, url, opts...))
}

// Delete sends a DELETE; see Do.
func (c *Client) Delete(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(DELETE, url, opts...))
}

// Options sends an OPTIONS; see Do.
func (c *Client) Options(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(OPTIONS, url, opts...))
}

// Post sends a POST with a body; see Do.
func (c *Client) Post(ctx context.Context, url string, body Body, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(POST, url, WithBody(body), Join(opts...)))
}

// Put sends a PUT with a body; see Do.
func (c *Client) Put(ctx context.Context, url string, body Body, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(PUT, url, WithBody(body), Join(opts...)))
}

// Patch sends a PATCH with a body; see Do.
func (c *Client) Patch(ctx context.Context, url string, body Body, opts ...Option) (*Response, error) {
	return c.Do(ctx, c.NewRequest(PATCH, url, WithBody(body), Join(opts...)))
}

package sonde

import "sonde/internal/proxy"

// ProxyError is in the chain of the error of a call that failed with its proxy:
// where that refused to lead on (OpProxy), where its handshake failed otherwise
// (OpProxy), and where it could not be reached (OpResolve, OpConnect).
type ProxyError struct {
	Proxy string // which one, without credentials, such as "http://127.0.0.1:3128"

	// Of a refusal of CONNECT by HTTP: status, fields, and the first bytes of the
	// body. Status is 0 for what was none.
	Status    Status
	Header    Header
	Body      []byte
	Truncated bool // there were more

	Reply int   // of a refusal by SOCKS: the reply (RFC 1928 §6); 0 for what was none
	Err   error // the cause; nil with a refusal by HTTP

	text string
}

// Error says which proxy and what happened. It holds no credential and no byte of
// a body.
func (e *ProxyError) Error() string {
	switch {
	case e.text != "":
		return e.text
	case e.Err != nil:
		return "proxy " + e.Proxy + ": " + e.Err.Error()
	}
	return "proxy " + e.Proxy + " answered " + e.Status.String()
}

// Unwrap returns the cause.
func (e *ProxyError) Unwrap() error { return e.Err }

// proxyError makes the public error of the internal one.
func proxyError(e *proxy.Error) error {
	p := &ProxyError{Proxy: e.Proxy.Name(), Body: e.Body, Truncated: e.Truncated, Reply: e.Reply, Err: e.Err, text: e.Error()}
	if e.Head != nil {
		head := newHead(e.Head)
		p.Status, p.Header = head.Status, head.Header
	}
	return p
}

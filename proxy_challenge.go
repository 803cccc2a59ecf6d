package sonde

import (
	"sonde/internal/fault"
	"sonde/internal/message"
	"sonde/trace"
)

// Here are the credentials for a proxy that forwards requests itself. Those for
// tunnels are shown when a connection is made.

// proxyAuthenticates reports whether k's proxy is to be shown what its Auth gives.
func (k *call) proxyAuthenticates() bool {
	return k.plan.forwarded && k.plan.route.Proxy.Auth != nil && !k.client.authorizesProxy(k.req)
}

// proxyCredentials are those that the proxy gets with k's request.
func (k *call) proxyCredentials() *credentials {
	t := k.travel()
	if t.proxy.req != k.req {
		t.proxy = credentials{req: k.req}
	}
	return &t.proxy
}

// authorizeProxy asks for the credentials of the attempt to come.
func (k *call) authorizeProxy() *fault.Fault {
	if !k.proxyAuthenticates() {
		return nil
	}
	own := k.proxyCredentials()
	if own.ready { // the answer to a refusal
		own.ready = false
		return nil
	}
	var err error
	if own.sent, err = k.askProxyAuth(message.ProxyAuth{}); err != nil {
		return fault.New(fault.Proxy, err)
	}
	return nil
}

func (k *call) askProxyAuth(a message.ProxyAuth) (message.Fields, error) {
	r := &k.plan.request
	a.Method, a.Target, a.Fields = r.Method, r.Target, r.Fields
	return k.plan.route.Proxy.Auth(k.ctx, &a)
}

// proxyAuthorized sets the fields that authorizeProxy got.
func (k *call) proxyAuthorized(m *message.Request) (*message.Request, *fault.Fault) {
	if k.trip == nil || k.trip.proxy.req != k.req {
		return m, nil
	}
	for name, value := range k.trip.proxy.sent.All() {
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

// proxyChallenged is the request to be sent again with the credentials that a 407
// asks for; nil if the response stands.
func (k *call) proxyChallenged() (*Request, *fault.Fault) {
	if !k.proxyAuthenticates() {
		return nil, nil
	}
	own := k.proxyCredentials()
	if Status(k.head.Status) != StatusProxyAuthRequired {
		if own.sent.Len() > 0 {
			k.askProxyAuth(message.ProxyAuth{Sent: own.sent, Answer: &k.head})
		}
		return nil, nil
	}
	if own.refused++; own.refused > maxRefusals {
		return nil, nil
	}
	fields, err := k.askProxyAuth(message.ProxyAuth{Sent: own.sent, Refusal: &k.head.Fields, Refused: own.refused})
	if err != nil {
		f := fault.New(fault.Proxy, err)
		f.Sent, f.Answer = true, true
		return nil, f
	}
	if fields.Len() == 0 || !k.req.body.replays() {
		return nil, nil
	}
	own.sent, own.ready = fields, true
	k.trip.why = trace.Event{Kind: trace.Challenge, Status: k.head.Status}
	return k.req, nil
}

package sonde

import (
	"context"

	"sonde/internal/fault"
	"sonde/internal/message"
)

// extras are the steps of a call that only a setting brings in: policies that are off
// unless a Config or an Option turns them on, and what goes around calls and attempts.
// A call reaches them through these values alone, which New, With and the Options in
// question hand out. So the linker leaves them out of a program that has none of
// those, such as one that only calls Get: TestHello in bench/ holds that.
type extras struct {
	secured func(*Client, *Request) *Request                               // Config.HSTS
	upgrade func(*Client, message.URL) message.URL                         // the same, where a redirect leads
	through func(*Client, context.Context, *Request, *Response) error      // Middleware, Schemes
	prepare func(*call) *fault.Fault                                       // before an attempt: Auth
	relay   func(k *call, retry bool) *fault.Fault                         // an attempt by way of AttemptMiddleware, or hedged
	dress   func(*call, *message.Request) (*message.Request, *fault.Fault) // Jar, Auth
	judge   func(*call) (*Request, *fault.Fault)                           // a response: Jar, HSTS, Auth
	retried func(*call) *Request                                           // a response: Retry
	recover func(*call, *fault.Fault) bool                                 // a failure: Retry
	rest    func(*call) *fault.Fault                                       // the wait that Retry asks for
}

var allExtras = extras{
	secured: (*Client).secured,
	upgrade: (*Client).securedURL,
	through: (*Client).doThrough,
	prepare: (*call).prepare,
	relay:   (*call).pass,
	dress:   (*call).dress,
	judge:   (*call).learn,
	retried: (*call).retried,
	recover: (*call).recovers,
	rest:    (*call).rest,
}

// extras are those of k's client, or of its request; nil: neither has any.
func (k *call) extras() *extras {
	if x := k.client.extras; x != nil {
		return x
	}
	return k.req.set.extras
}

// extend gives c what Config can ask for beyond the default client.
func (c *Client) extend() {
	door.Do(openDoor)
	c.extras = &allExtras
	c.base, _ = c.cfg.base() // checked
	c.repeats = !c.cfg.Bare && (c.cfg.Retry.Max > 0 || c.cfg.Hedge.Delay > 0)
	c.relays = len(c.cfg.AttemptMiddleware) > 0 || !c.cfg.Bare && c.cfg.Hedge.Delay > 0
	c.attempts = around(c.attempt, c.cfg.AttemptMiddleware)
	if len(c.cfg.Middleware) > 0 {
		c.handler = around(c.open, c.cfg.Middleware)
	}
}

// Package sonde is an HTTP client that one can see through. It is made from the
// socket up, is safe by default, and says the reason for every connection that it
// opens or closes.
//
// The short way is the right one:
//
//	user, err := sonde.GetJSON[User](ctx, "https://example.com/users/1")
//
// There is nothing to close: Do and the functions made of it return a complete,
// bounded Response. A status that is no success is an error. The context, the
// timeouts of Config, and Close are the only ways to end a call.
//
// Programs that call more than one service, or need settings, make a Client with
// New and keep it.
package sonde

import (
	"context"
	"sync"

	"sonde/internal/dial"
)

// byDefault is not by sync.OnceValue, which makes an interface value of the Client:
// see calls.
var byDefault struct {
	once   sync.Once
	client *Client
}

// Default returns the client that the functions of this package use, made with
// the zero Config. It must not be closed.
func Default() *Client {
	byDefault.once.Do(func() {
		full := filled(Config{})
		own := dialerOf(dial.NewOwn(full.dialer()))
		byDefault.client = newClient(Config{}, full, own) // without extras, see there
	})
	return byDefault.client
}

// Do is Default().Do.
func Do(ctx context.Context, req *Request) (*Response, error) { return Default().Do(ctx, req) }

// DoInto is Default().DoInto.
func DoInto(ctx context.Context, req *Request, resp *Response) error {
	return Default().DoInto(ctx, req, resp)
}

// Stream is Default().Stream.
func Stream(ctx context.Context, req *Request, f func(*Exchange) error) error {
	return Default().Stream(ctx, req, f)
}

// Open is Default().Open.
func Open(ctx context.Context, req *Request) (*Exchange, error) { return Default().Open(ctx, req) }

// Get sends a GET; see Client.Do.
func Get(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return Default().Get(ctx, url, opts...)
}

// Delete sends a DELETE; see Client.Do.
func Delete(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return Default().Delete(ctx, url, opts...)
}

// Options sends an OPTIONS; see Client.Do.
func Options(ctx context.Context, url string, opts ...Option) (*Response, error) {
	return Default().Options(ctx, url, opts...)
}

// Post sends a POST with a body; see Client.Do.
func Post(ctx context.Context, url string, body Body, opts ...Option) (*Response, error) {
	return Default().Post(ctx, url, body, opts...)
}

// Put sends a PUT with a body; see Client.Do.
func Put(ctx context.Context, url string, body Body, opts ...Option) (*Response, error) {
	return Default().Put(ctx, url, body, opts...)
}

// Patch sends a PATCH with a body; see Client.Do.
func Patch(ctx context.Context, url string, body Body, opts ...Option) (*Response, error) {
	return Default().Patch(ctx, url, body, opts...)
}

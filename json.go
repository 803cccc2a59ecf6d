package sonde

import (
	"context"
	"encoding/json"

	"sonde/internal/fault"
)

// JSON is the body of resp as a T; it takes what a call returned:
//
//	user, err := sonde.JSON[User](client.Get(ctx, url))
//
// Anything but white space after the value is an error. An error of the call
// comes back as it is; one of decoding has Op OpDecode.
func JSON[T any](resp *Response, err error) (T, error) {
	var v T
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(resp.Body, &v); err != nil {
		var zero T
		e := &Error{Op: OpDecode, Err: err}
		if resp.req != nil {
			e = resp.req.error(fault.Decode, err)
			e.safe = false
		}
		return zero, e
	}
	return v, nil
}

// GetJSON sends a GET that asks for JSON and decodes the answer; see JSON.
func GetJSON[T any](ctx context.Context, url string, opts ...Option) (T, error) {
	return JSON[T](Get(ctx, url, acceptJSON(), Join(opts...)))
}

// PostJSON sends in as JSON and decodes the answer; see JSON.
func PostJSON[T any](ctx context.Context, url string, in any, opts ...Option) (T, error) {
	return JSON[T](Post(ctx, url, JSONBody(in), acceptJSON(), Join(opts...)))
}

func acceptJSON() Option { return WithHeader("Accept", "application/json") }

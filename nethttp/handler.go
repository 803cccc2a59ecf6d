package nethttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"sonde"
	"sonde/internal/core"
)

// Handler makes a sonde.Handler of rt, such as a mock or a recorder: for
// Config.Schemes, or in the place of the handler that a Middleware gets.
//
// What rt gets is what the sonde Request says, without a client's default fields. Rt
// owns the request's body, as every http.RoundTripper does. A response and an error
// together are the error, and the response's body is closed. Neither is an error. A
// nil body is an empty one, and an error where the response announces a length.
func Handler(rt http.RoundTripper) sonde.Handler {
	return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		if rt == nil {
			return nil, errors.New("nethttp: the RoundTripper is nil")
		}
		out, err := requestOf(ctx, req)
		if err != nil {
			return nil, err
		}
		resp, err := rt.RoundTrip(out)
		if err != nil {
			if resp != nil && resp.Body != nil {
				resp.Body.Close()
			}
			closeBody(out)
			return nil, err
		}
		return exchangeOf(rt, out, resp)
	}
}

// requestOf is req as an http.Request. It opens the body.
func requestOf(ctx context.Context, req *sonde.Request) (*http.Request, error) {
	u, err := url.Parse(req.URL())
	if err != nil {
		return nil, err
	}
	u.User, u.Fragment, u.RawFragment = nil, "", "" // neither is sent
	out := (&http.Request{
		Method: string(req.Method()), URL: u, Host: cmp.Or(core.Host(req), u.Host),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header),
	}).WithContext(ctx)
	for name, value := range req.Header().All() {
		out.Header.Add(name, value)
	}
	body := req.Body()
	if body.Empty() {
		return out, nil
	}
	rc, size, err := body.Open()
	if err != nil {
		return nil, err
	}
	out.Body, out.ContentLength = &onceCloser{ReadCloser: rc}, size
	if size == 0 {
		rc.Close()
		out.Body = http.NoBody
	}
	if body.Replays() {
		out.GetBody = func() (io.ReadCloser, error) {
			rc, _, err := body.Open()
			return rc, err
		}
	}
	return out, nil
}

// onceCloser is closed by the RoundTripper, and once more where that failed.
type onceCloser struct {
	io.ReadCloser
	closed bool
}

// Close closes it the first time.
func (c *onceCloser) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	return c.ReadCloser.Close()
}

// exchangeOf is resp, the answer of rt, as an Exchange.
func exchangeOf(rt http.RoundTripper, req *http.Request, resp *http.Response) (*sonde.Exchange, error) {
	switch {
	case resp == nil:
		return nil, fmt.Errorf("http: RoundTripper implementation (%T) returned a nil *Response with a nil error", rt)
	case resp.Body == nil && resp.ContentLength > 0 && req.Method != http.MethodHead:
		return nil, fmt.Errorf("http: RoundTripper implementation (%T) returned a *Response with content length %d but a nil Body", rt, resp.ContentLength)
	}
	head := sonde.Head{Status: sonde.Status(resp.StatusCode), Proto: sonde.Proto{Major: uint8(resp.ProtoMajor), Minor: uint8(resp.ProtoMinor)}}
	var err error
	if head.Header, err = headerOf(resp.Header); err != nil {
		if resp.Body != nil {
			resp.Body.Close()
		}
		return nil, fmt.Errorf("nethttp: the RoundTripper's response: %w", err)
	}
	if resp.Body == nil {
		return sonde.NewExchange(head, nil), nil
	}
	return sonde.NewExchange(head, &answerBody{resp}), nil
}

// answerBody is the body of a RoundTripper's response, with its trailer.
type answerBody struct{ resp *http.Response }

// Read reads the body.
func (b *answerBody) Read(p []byte) (int, error) { return b.resp.Body.Read(p) }

// Close closes it.
func (b *answerBody) Close() error { return b.resp.Body.Close() }

// Trailer is the trailer section, after the body; what no field can hold is left out.
func (b *answerBody) Trailer() sonde.Header {
	h, _ := headerOf(b.resp.Trailer)
	return h
}

// headerOf is h sorted by name.
func headerOf(h http.Header) (out sonde.Header, err error) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			if err := out.Add(name, v); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

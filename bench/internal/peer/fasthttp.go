package peer

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/valyala/fasthttp"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

func newFastHTTP(j *Job) *fasthttp.HostClient {
	return &fasthttp.HostClient{
		Addr: j.Addr, IsTLS: j.Roots != nil, TLSConfig: j.tlsConfig(),
		MaxConns: j.Workers, MaxIdleConnDuration: time.Hour,
	}
}

// fastHTTP makes a measure.Client of what one worker does with a HostClient, a
// request and a response.
func fastHTTP(j *Job, name string, c *fasthttp.HostClient, op func(*fasthttp.Request, *fasthttp.Response) error) measure.Client {
	return measure.Client{Name: name, Close: c.CloseIdleConnections, Op: func(int) (func() error, error) {
		req, resp := new(fasthttp.Request), new(fasthttp.Response)
		req.SetRequestURI(j.URL())
		return func() error { return op(req, resp) }, nil
	}}
}

// FastHTTP is a HostClient with a request and a response for each worker.
func FastHTTP(j *Job, made Context) measure.Client {
	c := newFastHTTP(j)
	return measure.Client{Name: "fasthttp" + made.suffix, Close: c.CloseIdleConnections, Op: func(int) (func() error, error) {
		req, resp, checks := new(fasthttp.Request), new(fasthttp.Response), j.checker()
		req.SetRequestURI(j.URL())
		do := func(context.Context) error { return c.Do(req, resp) }
		if made.suffix == Timeout.suffix { // it has timeouts, and no contexts
			do, made = func(context.Context) error { return c.DoTimeout(req, resp, long) }, Context{}
		}
		return made.with(func(ctx context.Context) error {
			if err := do(ctx); err != nil {
				return err
			}
			return checks.check(resp.StatusCode(), resp.Body())
		}), nil
	}}
}

// FastHTTPOneShot closes each connection after its request.
func FastHTTPOneShot(j *Job) measure.Client {
	c := newFastHTTP(j)
	return measure.Client{Name: "fasthttp", Close: c.CloseIdleConnections, Op: func(int) (func() error, error) {
		req, resp, checks := new(fasthttp.Request), new(fasthttp.Response), j.checker()
		req.SetRequestURI(j.URL())
		return func() error {
			req.SetConnectionClose()
			if err := c.Do(req, resp); err != nil {
				return err
			}
			return checks.check(resp.StatusCode(), resp.Body())
		}, nil
	}}
}

// FastHTTPDownload copies a streamed body.
func FastHTTPDownload(j *Job) measure.Client {
	c := newFastHTTP(j)
	c.StreamResponseBody = true
	return fastHTTP(j, "fasthttp", c, func(req *fasthttp.Request, resp *fasthttp.Response) error {
		if err := c.Do(req, resp); err != nil {
			return err
		}
		sink := new(serve.Sink)
		if _, err := io.Copy(sink, resp.BodyStream()); err != nil {
			return err
		}
		if err := resp.CloseBodyStream(); err != nil {
			return err
		}
		return j.received(resp.StatusCode(), sink)
	})
}

// FastHTTPUpload sends the file as a stream.
func FastHTTPUpload(j *Job) measure.Client {
	c := newFastHTTP(j)
	return fastHTTP(j, "fasthttp", c, func(req *fasthttp.Request, resp *fasthttp.Response) error {
		f, err := os.Open(j.File)
		if err != nil {
			return err
		}
		req.Header.SetMethod("POST")
		req.SetBodyStream(f, int(j.Size))
		if err := c.Do(req, resp); err != nil {
			return err
		}
		return j.sent(resp.StatusCode(), resp.Body())
	})
}

package peer

import (
	"context"
	"io"
	"net/http"
	"os"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
	"sonde/nethttp"
)

// newTransport makes one that keeps as many connections as there are workers, and
// leaves bodies as they are.
func newTransport(j *Job) *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: j.Workers, MaxIdleConns: 0, DisableCompression: true, TLSClientConfig: j.tlsConfig(),
	}
}

// netHTTP makes a measure.Client of what one worker does with an http.Client.
func netHTTP(name string, t *http.Transport, op func(*http.Client) (func() error, error)) measure.Client {
	c := &http.Client{Transport: t}
	return measure.Client{Name: name, Close: t.CloseIdleConnections, Op: func(int) (func() error, error) { return op(c) }}
}

// NetHTTP is net/http with one request for each worker, which is sent again and
// again, and the body read into memory that is reused.
func NetHTTP(j *Job, made Context) measure.Client {
	return netHTTP("net/http"+made.suffix, newTransport(j), func(c *http.Client) (func() error, error) {
		return netHTTPGet(j, made, c)
	})
}

// SondeNetHTTP is NetHTTP over sonde's RoundTripper, with the same settings.
func SondeNetHTTP(j *Job, made Context) measure.Client {
	t := nethttp.New(newTransport(j))
	c := &http.Client{Transport: t}
	return measure.Client{Name: "sonde-nethttp" + made.suffix, Close: t.CloseIdleConnections,
		Op: func(int) (func() error, error) { return netHTTPGet(j, made, c) }}
}

// NetHTTPOneShot is NetHTTP without keep-alive.
func NetHTTPOneShot(j *Job) measure.Client {
	t := newTransport(j)
	t.DisableKeepAlives = true
	return netHTTP("net/http", t, func(c *http.Client) (func() error, error) { return netHTTPGet(j, Context{}, c) })
}

func netHTTPGet(j *Job, made Context, c *http.Client) (func() error, error) {
	req, err := http.NewRequest("GET", j.URL(), nil)
	if err != nil {
		return nil, err
	}
	buf, checks := make([]byte, 0, 1024), j.checker()
	once := func(req *http.Request) error {
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		if buf, err = readAll(resp.Body, buf[:0]); err != nil {
			return err
		}
		resp.Body.Close()
		return checks.check(resp.StatusCode, buf)
	}
	if made.do == nil {
		return func() error { return once(req) }, nil
	}
	return made.with(func(ctx context.Context) error { return once(req.WithContext(ctx)) }), nil
}

// readAll is io.ReadAll into memory that is there.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// NetHTTPDownload copies the body by io.Copy, or through a buffer of size bytes.
func NetHTTPDownload(j *Job, name string, size int) measure.Client {
	return netHTTP(name, newTransport(j), func(c *http.Client) (func() error, error) {
		req, err := http.NewRequest("GET", j.URL(), nil)
		sink, buf := new(serve.Sink), []byte(nil)
		if size > 0 {
			buf = make([]byte, size)
		}
		return func() error {
			sink.N = 0
			resp, err := c.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if _, err := io.CopyBuffer(sink, resp.Body, buf); err != nil {
				return err
			}
			return j.received(resp.StatusCode, sink)
		}, err
	})
}

// NetHTTPUpload sends the file.
func NetHTTPUpload(j *Job) measure.Client {
	return netHTTP("net/http", newTransport(j), func(c *http.Client) (func() error, error) {
		return func() error {
			f, err := os.Open(j.File)
			if err != nil {
				return err
			}
			req, err := http.NewRequest("POST", j.URL(), f)
			if err != nil {
				return err
			}
			req.ContentLength = j.Size
			resp, err := c.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			return j.sent(resp.StatusCode, body)
		}, nil
	})
}

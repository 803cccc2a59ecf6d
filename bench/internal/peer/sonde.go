package peer

import (
	"context"
	"io"

	"sonde"
	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
	"sonde/trace"
)

// newSonde makes a client that keeps as many connections as there are workers.
func newSonde(j *Job) (*sonde.Client, error) {
	return sonde.New(sonde.Config{TLS: j.tlsConfig(), Pool: sonde.PoolConfig{MaxIdle: -1, IdleTime: -1}})
}

// sondeClient makes a measure.Client of what one worker does with a Client of
// sonde.
func sondeClient(j *Job, name string, op func(*sonde.Client) func() error) measure.Client {
	c, err := newSonde(j)
	if err != nil {
		return broken(name, err)
	}
	return measure.Client{Name: name, Close: func() { c.Close() }, Op: func(int) (func() error, error) {
		return op(c), nil
	}}
}

// broken is a client that could not be made.
func broken(name string, err error) measure.Client {
	return measure.Client{Name: name, Op: func(int) (func() error, error) { return nil, err }}
}

// SondeDoInto is sonde with a Response for each worker.
func SondeDoInto(j *Job, made Context, opts ...sonde.Option) measure.Client {
	req := sonde.NewRequest(sonde.GET, j.URL(), opts...)
	return sondeClient(j, "sonde-DoInto"+made.suffix, func(c *sonde.Client) func() error {
		var resp sonde.Response
		checks := j.checker()
		return made.with(func(ctx context.Context) error {
			if err := c.DoInto(ctx, req, &resp); err != nil {
				return err
			}
			return checks.check(int(resp.Status), resp.Body)
		})
	})
}

// SondeTraced is SondeDoInto with a sink.
func SondeTraced(j *Job, name string, sink trace.Sink) measure.Client {
	c := SondeDoInto(j, Context{}, sonde.WithSink(sink))
	c.Name = name
	return c
}

// SondeDo is sonde with a Response for each call.
func SondeDo(j *Job, opts ...sonde.Option) measure.Client {
	req := sonde.NewRequest(sonde.GET, j.URL(), opts...)
	return sondeClient(j, "sonde-Do", func(c *sonde.Client) func() error {
		checks := j.checker()
		return func() error {
			resp, err := c.Do(context.Background(), req)
			if err != nil {
				return err
			}
			return checks.check(int(resp.Status), resp.Body)
		}
	})
}

// SondeDownload copies the body into a writer.
func SondeDownload(j *Job) measure.Client {
	req := sonde.NewRequest(sonde.GET, j.URL())
	return sondeClient(j, "sonde-Stream", func(c *sonde.Client) func() error {
		sink := new(serve.Sink)
		return func() error {
			sink.N = 0
			return c.Stream(context.Background(), req, func(ex *sonde.Exchange) error {
				if _, err := io.Copy(sink, ex.Body); err != nil {
					return err
				}
				return j.received(int(ex.Status), sink)
			})
		}
	})
}

// SondeUpload sends the file.
func SondeUpload(j *Job) measure.Client {
	req := sonde.NewRequest(sonde.POST, j.URL(), sonde.WithBody(sonde.File(j.File)))
	return sondeClient(j, "sonde-DoInto", func(c *sonde.Client) func() error {
		var resp sonde.Response
		return func() error {
			if err := c.DoInto(context.Background(), req, &resp); err != nil {
				return err
			}
			return j.sent(int(resp.Status), resp.Body)
		}
	})
}

package peer

import (
	"context"
	"time"

	"github.com/cloudwego/hertz/pkg/app/client"
	"github.com/cloudwego/hertz/pkg/network/standard"
	"github.com/cloudwego/hertz/pkg/protocol"

	"sonde/bench/internal/measure"
)

// Hertz is CloudWeGo's client, with a request and a response for each worker.
func Hertz(j *Job) measure.Client { return hertz(j, false) }

// HertzOneShot closes each connection after its request.
func HertzOneShot(j *Job) measure.Client { return hertz(j, true) }

func hertz(j *Job, oneShot bool) measure.Client {
	c, err := client.NewClient(
		client.WithMaxConnsPerHost(j.Workers),
		client.WithMaxIdleConnDuration(time.Hour),
		client.WithDialTimeout(long),
		client.WithTLSConfig(j.tlsConfig()),
		client.WithDialer(standard.NewDialer()), // knows TLS, and costs no more than the default, netpoll
	)
	if err != nil {
		return broken("hertz", err)
	}
	return measure.Client{Name: "hertz", Close: c.CloseIdleConnections, Op: func(int) (func() error, error) {
		req, resp, checks := new(protocol.Request), new(protocol.Response), j.checker()
		req.SetRequestURI(j.URL())
		if oneShot {
			req.SetConnectionClose()
		}
		return func() error {
			if err := c.Do(context.Background(), req, resp); err != nil {
				return err
			}
			return checks.check(resp.StatusCode(), resp.Body())
		}, nil
	}}
}

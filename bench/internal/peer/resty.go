package peer

import (
	"net/http"

	"github.com/go-resty/resty/v2"

	"sonde/bench/internal/measure"
)

// Resty is resty v2 over net/http.
func Resty(j *Job) measure.Client {
	t := newTransport(j)
	c := resty.NewWithClient(&http.Client{Transport: t})
	return measure.Client{Name: "resty", Close: t.CloseIdleConnections, Op: func(int) (func() error, error) {
		checks, url := j.checker(), j.URL()
		return func() error {
			resp, err := c.R().Get(url)
			if err != nil {
				return err
			}
			return checks.check(resp.StatusCode(), resp.Body())
		}, nil
	}}
}

package peer

import (
	"bytes"
	"context"
	"net/http"

	"github.com/carlmjohnson/requests"

	"sonde/bench/internal/measure"
)

// Requests is carlmjohnson/requests over net/http.
func Requests(j *Job) measure.Client {
	t := newTransport(j)
	c := &http.Client{Transport: t}
	return measure.Client{Name: "requests", Close: t.CloseIdleConnections, Op: func(int) (func() error, error) {
		checks, url, body := j.checker(), j.URL(), new(bytes.Buffer)
		return func() error {
			body.Reset()
			if err := requests.URL(url).Client(c).CheckStatus(200).ToBytesBuffer(body).Fetch(context.Background()); err != nil {
				return err
			}
			return checks.check(200, body.Bytes()) // another status is an error
		}, nil
	}}
}

// Package otlp sends calls to an OpenTelemetry collector, as spans, by OTLP/HTTP
// in its JSON encoding.
//
// It is for programs that have timelines and want them in a collector without
// OpenTelemetry's own packages; module sonde/otel is for those that use these.
// What lives here: spans made of trace.Timeline, and one POST. What does not:
// sampling, batching in the background, propagation, metrics.
package otlp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"sonde"
	"sonde/trace"
)

// most is how many calls go in one request.
const most = 512

// Send sends calls to the collector at endpoint, in as many requests as it takes.
// An endpoint that does not end with /v1/traces gets that, as
// OTEL_EXPORTER_OTLP_ENDPOINT does. service is the service.name of the spans.
func Send(ctx context.Context, c *sonde.Client, endpoint, service string, calls []trace.Timeline) error {
	to, err := target(endpoint)
	if err != nil {
		return err
	}
	for len(calls) > 0 {
		n := min(len(calls), most)
		body, err := Marshal(service, calls[:n])
		if err != nil {
			return err
		}
		if err := post(ctx, c, to, body); err != nil {
			return err
		}
		calls = calls[n:]
	}
	return nil
}

// target is where spans go.
func target(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(u.Path, "/v1/traces") {
		u = u.JoinPath("v1", "traces")
	}
	return u.String(), nil
}

// post sends one request. A collector that takes only a part of it says so in a
// success.
func post(ctx context.Context, c *sonde.Client, to string, body []byte) error {
	resp, err := c.Post(ctx, to, sonde.Bytes(body), sonde.WithHeader("Content-Type", "application/json"))
	if err != nil {
		return refusal(err)
	}
	var answer struct {
		PartialSuccess struct {
			RejectedSpans any
			ErrorMessage  string
		}
	}
	if json.Unmarshal(resp.Body, &answer) != nil {
		return nil // some collectors answer with nothing, or in another encoding
	}
	// An int64 is a string in this encoding, or a number.
	if n := fmt.Sprint(answer.PartialSuccess.RejectedSpans); n != "<nil>" && n != "0" {
		return fmt.Errorf("the collector rejected %s spans: %s", n, answer.PartialSuccess.ErrorMessage)
	}
	return nil
}

// refusal is err with what the collector said, if it said something: a
// google.rpc.Status.
func refusal(err error) error {
	var s *sonde.StatusError
	if !errors.As(err, &s) {
		return err
	}
	var said struct{ Message string }
	if json.Unmarshal(s.Body, &said) == nil && said.Message != "" {
		return fmt.Errorf("%w: %s", err, said.Message)
	}
	return err
}

// Package otel tells OpenTelemetry what a sonde client does: spans of requests with
// the semantic conventions for HTTP clients, their propagation to the server, and
// the metrics of those conventions.
//
// It is a module of its own, so that who does not use it does not get its
// dependencies. It needs the API of OpenTelemetry only; which SDK and exporters
// stand behind it is the program's choice.
package otel

import (
	"context"
	"errors"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/trace"

	"sonde"
)

// scope is the name of this instrumentation.
const scope = "sonde/otel"

// Config says where telemetry goes and how much of it there is. The zero Config
// works.
type Config struct {
	// TracerProvider makes spans. Nil: the global one.
	TracerProvider trace.TracerProvider

	// MeterProvider makes instruments. Nil: the global one.
	MeterProvider metric.MeterProvider

	// Propagator puts the span's context into the request's header. Nil: the
	// global one.
	Propagator propagation.TextMapPropagator

	// Phases says how the steps of a request show in its span. 0: not at all.
	Phases Phases

	// Template is the low-cardinality form of a request's path, such as
	// "/users/{id}": it becomes part of the span's name, and url.template. Nil, or
	// "" returned: none.
	Template func(*sonde.Request) string
}

// Phases says how the steps of a request show.
type Phases int

// How the steps of a request show.
const (
	NoPhases    Phases = iota // only the request itself
	PhaseEvents               // every event is an event of the span, named by its kind
	PhaseSpans                // each phase is a child span, named by it: dns, connect, tls, send, wait …
)

// Telemetry makes spans and metrics. Its Middleware method is a
// sonde.Middleware. It is safe for concurrent use.
type Telemetry struct {
	cfg        Config
	known      []string // methods
	tracer     trace.Tracer
	meter      metric.Meter
	propagator propagation.TextMapPropagator

	duration httpconv.ClientRequestDuration
	active   httpconv.ClientActiveRequests
	sent     httpconv.ClientRequestBodySize
	received httpconv.ClientResponseBodySize
}

// New returns a Telemetry. The error is the meter's. Methods that it does not know
// are "_OTHER" in spans and metrics; it knows the usual ones, or instead of these those
// that OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS lists, with commas between them.
func New(cfg Config) (*Telemetry, error) {
	t := &Telemetry{cfg: cfg, propagator: cfg.Propagator, known: knownMethods()}
	tracers, meters := cfg.TracerProvider, cfg.MeterProvider
	if tracers == nil {
		tracers = api.GetTracerProvider()
	}
	if meters == nil {
		meters = api.GetMeterProvider()
	}
	if t.propagator == nil {
		t.propagator = api.GetTextMapPropagator()
	}
	t.tracer = tracers.Tracer(scope, trace.WithInstrumentationVersion(sonde.Version), trace.WithSchemaURL(semconv.SchemaURL))
	t.meter = meters.Meter(scope, metric.WithInstrumentationVersion(sonde.Version), metric.WithSchemaURL(semconv.SchemaURL))
	var errs [4]error
	t.duration, errs[0] = httpconv.NewClientRequestDuration(t.meter)
	t.active, errs[1] = httpconv.NewClientActiveRequests(t.meter)
	t.sent, errs[2] = httpconv.NewClientRequestBodySize(t.meter)
	t.received, errs[3] = httpconv.NewClientResponseBodySize(t.meter)
	return t, errors.Join(errs[:]...)
}

// Middleware is a sonde.Middleware for Config.AttemptMiddleware: each request that is
// sent is one client span, from its begin until its response's body was read to the
// end, or closed. What a call sends after its first request (redirects, retries,
// hedges, answers to challenges) has http.request.resend_count, and the same parent:
// the span that the caller's context has. Each request carries its own span's context.
//
// In Config.Middleware it makes one span of a call instead, whatever that sends, with
// the number of resends; the conventions have that for where nothing better can be
// had. In both places it would count twice.
func (t *Telemetry) Middleware(next sonde.Handler) sonde.Handler {
	return func(ctx context.Context, req *sonde.Request) (*sonde.Exchange, error) {
		if req == nil {
			return next(ctx, req)
		}
		c := t.begin(ctx, req)
		ex, err := next(c.hooked(), t.inject(c.ctx, req))
		if err != nil {
			c.end(err)
			return nil, err
		}
		c.answer(ex)
		return ex, nil
	}
}

// inject returns the request with the context of the span in its header.
func (t *Telemetry) inject(ctx context.Context, req *sonde.Request) *sonde.Request {
	var fields carrier
	t.propagator.Inject(ctx, &fields)
	if fields.Len() == 0 {
		return req
	}
	var opts []sonde.Option
	for name, value := range fields.All() {
		opts = append(opts, sonde.WithHeader(name, value))
	}
	return req.With(opts...)
}

// carrier takes what a propagator says. What cannot be a field is left out: it
// must not make the call fail.
type carrier struct{ sonde.Header }

// Set is for the propagator.
func (c *carrier) Set(name, value string) { _ = c.Header.Set(name, value) }

// Keys is for the propagator.
func (c *carrier) Keys() []string {
	var names []string
	for name := range c.All() {
		names = append(names, name)
	}
	return names
}

package otel_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	metricsdk "go.opentelemetry.io/otel/sdk/metric"
	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"sonde"
	"sonde/otel"
)

// collector receives OTLP over HTTP, as an OpenTelemetry collector does, and
// decodes it.
type collector struct {
	t   *testing.T
	srv *httptest.Server

	mu      sync.Mutex
	raw     bytes.Buffer // everything that came
	spans   []*traces.Span
	metrics map[string]*metrics.Metric // the latest of each name
	scopes  map[string]bool
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t, metrics: make(map[string]*metrics.Metric), scopes: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		var in collecttraces.ExportTraceServiceRequest
		c.decode(r, &in)
		for _, res := range in.ResourceSpans {
			for _, scope := range res.ScopeSpans {
				c.scopes[scope.Scope.Name] = true
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		c.mu.Unlock()
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		var in collectmetrics.ExportMetricsServiceRequest
		c.decode(r, &in)
		for _, res := range in.ResourceMetrics {
			for _, scope := range res.ScopeMetrics {
				for _, m := range scope.Metrics {
					c.metrics[m.Name] = m
				}
			}
		}
		c.mu.Unlock()
	})
	c.srv = httptest.NewServer(mux)
	t.Cleanup(c.srv.Close)
	return c
}

// decode reads a message. It leaves c.mu locked.
func (c *collector) decode(r *http.Request, into proto.Message) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			c.t.Error(err)
		}
		body = z
	}
	data, err := io.ReadAll(body)
	if err == nil {
		err = proto.Unmarshal(data, into)
	}
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	c.raw.Write(data)
}

// setup is a client whose telemetry goes to a collector by the real exporters;
// flush sends what is there.
func setup(t *testing.T, cfg otel.Config, with sonde.Config) (c *sonde.Client, col *collector, flush func()) {
	t.Helper()
	ctx := t.Context()
	col = newCollector(t)
	endpoint := strings.TrimPrefix(col.srv.URL, "http://")
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure())
	if err != nil {
		t.Fatal(err)
	}
	points, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(endpoint), otlpmetrichttp.WithInsecure(),
		otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	tracers := tracesdk.NewTracerProvider(tracesdk.WithBatcher(spans))
	meters := metricsdk.NewMeterProvider(metricsdk.WithReader(metricsdk.NewPeriodicReader(points)))
	cfg.TracerProvider, cfg.MeterProvider, cfg.Propagator = tracers, meters, propagation.TraceContext{}
	tel, err := otel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	with.AttemptMiddleware = append(with.AttemptMiddleware, tel.Middleware)
	c, err = sonde.New(with)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := tel.Watch(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		c.Close()
		tracers.Shutdown(ctx)
		meters.Shutdown(ctx)
	})
	return c, col, func() {
		t.Helper()
		if err := tracers.ForceFlush(ctx); err != nil {
			t.Error(err)
		}
		if err := meters.ForceFlush(ctx); err != nil {
			t.Error(err)
		}
	}
}

// attrs are attributes as text.
func attrs(all []*common.KeyValue) map[string]string {
	m := make(map[string]string)
	for _, kv := range all {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.Key] = itoa(v.IntValue)
		case *common.AnyValue_BoolValue:
			m[kv.Key] = "false"
			if v.BoolValue {
				m[kv.Key] = "true"
			}
		case *common.AnyValue_ArrayValue:
			for _, one := range v.ArrayValue.Values {
				m[kv.Key] += one.GetStringValue() + " "
			}
		}
	}
	return m
}

package otel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	tracesdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"sonde"
	"sonde/otel"
)

// A client whose requests are spans. Where they go is the program's choice; here it
// is memory.
func ExampleTelemetry() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer s.Close()
	memory := tracetest.NewInMemoryExporter()
	tracers := tracesdk.NewTracerProvider(tracesdk.WithSyncer(memory))
	telemetry, err := otel.New(otel.Config{TracerProvider: tracers})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, _ := sonde.New(sonde.Config{AttemptMiddleware: []sonde.Middleware{telemetry.Middleware}})
	defer client.Close()
	if stop, err := telemetry.Watch(client); err == nil { // the pool, as a metric
		defer stop()
	}
	client.Get(context.Background(), s.URL)
	for _, span := range memory.GetSpans() {
		fmt.Println(span.Name, span.SpanKind)
	}
	// Output:
	// GET client
}

// Span names by the template of a path.
func ExampleConfig() {
	memory := tracetest.NewInMemoryExporter()
	telemetry, _ := otel.New(otel.Config{
		TracerProvider: tracesdk.NewTracerProvider(tracesdk.WithSyncer(memory)),
		Template:       func(*sonde.Request) string { return "/users/{id}" },
	})
	client, _ := sonde.New(sonde.Config{AttemptMiddleware: []sonde.Middleware{telemetry.Middleware}})
	defer client.Close()
	client.Get(context.Background(), "http://127.0.0.1:1/users/7")
	fmt.Println(memory.GetSpans()[0].Name)
	// Output:
	// GET /users/{id}
}

// The steps of a request as child spans.
func ExamplePhases() {
	memory := tracetest.NewInMemoryExporter()
	telemetry, _ := otel.New(otel.Config{
		TracerProvider: tracesdk.NewTracerProvider(tracesdk.WithSyncer(memory)),
		Phases:         otel.PhaseSpans,
	})
	client, _ := sonde.New(sonde.Config{AttemptMiddleware: []sonde.Middleware{telemetry.Middleware}})
	defer client.Close()
	client.Get(context.Background(), "http://127.0.0.1:1/")
	for _, span := range memory.GetSpans() {
		fmt.Println(span.Name, span.Status.Code)
	}
	// Output:
	// acquire Error
	// connect Error
	// GET Error
}

package compat

import (
	"context"
	"io"
	"net/http"
	"testing"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestOTelHTTP(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		propagated := false
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			propagated = r.Header.Get("Traceparent") != ""
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusTeapot)
			w.Write(body)
		})
		spans := tracetest.NewSpanRecorder()
		provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
		defer provider.Shutdown(context.Background())
		c := &http.Client{Transport: otelhttp.NewTransport(rt, otelhttp.WithTracerProvider(provider),
			otelhttp.WithPropagators(propagation.TraceContext{}))}
		resp, err := c.Post(s.URL, "text/plain", io.MultiReader())
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		_, refused := c.Get("http://127.0.0.1:1/")
		got := []any{propagated, refused != nil}
		for _, span := range spans.Ended() {
			got = append(got, span.Name(), span.Status())
			for _, a := range span.Attributes() {
				switch a.Key {
				case "server.port", "url.full", "network.peer.port":
				default:
					got = append(got, string(a.Key), a.Value.Emit())
				}
			}
		}
		if len(got) < 10 {
			t.Error("too few attributes:", got)
		}
		return got
	})
}

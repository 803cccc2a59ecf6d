package sonde_test

import (
	"context"
	"testing"

	"sonde"
	"sonde/trace"
)

// BenchmarkSink is a small request with no sink, and with a bounded one in
// memory, which must cost at most 8 % more.
func BenchmarkSink(b *testing.B) {
	for _, tt := range []struct {
		name string
		sink trace.Sink
	}{{"none", nil}, {"ring", trace.NewRing(4096)}} {
		b.Run(tt.name, func(b *testing.B) {
			c := newClient(b, sonde.Config{Sink: tt.sink})
			req := sonde.NewRequest(sonde.GET, rawServer(b, smallAnswer))
			var resp sonde.Response
			b.ReportAllocs()
			cpu := processTime()
			for b.Loop() {
				if err := c.DoInto(context.Background(), req, &resp); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processTime()-cpu)/float64(b.N), "cpu-ns/op")
		})
	}
}

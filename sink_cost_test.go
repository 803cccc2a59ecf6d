package sonde_test

import (
	"context"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// BenchmarkSink is what a sink adds to the CPU time of a small request, the server's
// part included: a bounded one in memory must add at most 8 %. Clients with and
// without one take turns, and the least of each counts, since what else the machine
// does only adds.
func BenchmarkSink(b *testing.B) {
	url := rawServer(b, smallAnswer)
	fields := trace.NewRing(256)
	fields.Fields = true
	kinds := []struct {
		name  string
		sink  trace.Sink
		c     *sonde.Client
		req   *sonde.Request // one client keeps its plan with it
		least time.Duration
	}{
		{name: "none"}, {name: "ring", sink: trace.NewRing(256)}, {name: "large-ring", sink: trace.NewRing(4096)},
		{name: "ring-with-fields", sink: fields}, {name: "func", sink: trace.SinkFunc(func(trace.Event) {})},
	}
	for i := range kinds {
		kinds[i].c = newClient(b, sonde.Config{Sink: kinds[i].sink})
		kinds[i].req, kinds[i].least = sonde.NewRequest(sonde.GET, url), 1<<62
	}
	var resp sonde.Response
	const turn = 200
	for b.Loop() {
		for i := range kinds {
			k := &kinds[i]
			cpu := processTime()
			for range turn {
				if err := k.c.DoInto(context.Background(), k.req, &resp); err != nil {
					b.Fatal(err)
				}
			}
			k.least = min(k.least, (processTime()-cpu)/turn)
		}
	}
	b.ReportMetric(0, "ns/op") // of all of them at once: says nothing
	b.ReportMetric(float64(kinds[0].least), "cpu-ns")
	for _, k := range kinds[1:] {
		b.ReportMetric(100*float64(k.least-kinds[0].least)/float64(kinds[0].least), k.name+"-%")
	}
}

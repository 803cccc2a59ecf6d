package main

import (
	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
	"sonde/trace"
)

// traceRows say what a sink costs beside the same call without one.
func traceRows() []row {
	return []row{{"trace-64", "GET, 200-byte body, 64 connections, with sinks", func(e *env) ([]measure.Line, error) {
		j, err := e.job(serve.Small, 64)
		if err != nil {
			return nil, err
		}
		fields := trace.NewRing(256)
		fields.Fields = true
		l := e.load(64, 1)
		l.Ref = "sonde-DoInto"
		l.Targets = map[string]measure.Targets{"sonde-ring": {CPU: measure.AtMost(1.08), Allocs: measure.Allocs(0)}}
		again := peer.SondeDoInto(j, peer.Context{})
		again.Name = "sonde-DoInto again"
		return e.measure(l,
			peer.SondeDoInto(j, peer.Context{}),
			peer.SondeTraced(j, "sonde-ring", trace.NewRing(256)),
			peer.SondeTraced(j, "sonde-ring-4096", trace.NewRing(4096)),
			peer.SondeTraced(j, "sonde-ring-fields", fields),
			peer.SondeTraced(j, "sonde-func", trace.SinkFunc(func(trace.Event) {})),
			again,
		), nil
	}}}
}

package main

import (
	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// contextRows say what a context that can be cancelled costs. Each way of making
// one has a raw line that makes it too: its allocations are not the client's.
func contextRows() []row {
	return []row{{"context-64", "GET, 200-byte body, 64 connections, cancellable context", contexts}}
}

func contexts(e *env) ([]measure.Line, error) {
	const workers = 64
	j, err := e.job(serve.Small, workers)
	if err != nil {
		return nil, err
	}
	l := e.load(workers, 2)
	must := func(c peer.Context) measure.Targets {
		return measure.Targets{Rate: measure.AtLeast(.90), CPU: measure.AtMost(1.12), User: measure.AtMost(1.9),
			Allocs: measure.Allocs(c.Allocs())}
	}
	l.Targets = map[string]measure.Targets{
		"sonde-DoInto-shared":  must(peer.Shared),
		"sonde-DoInto-cancel":  must(peer.PerCall),
		"sonde-DoInto-timeout": {Allocs: measure.Allocs(peer.Timeout.Allocs())},
	}
	return e.measure(l,
		peer.Raw(j, peer.Context{}),
		peer.Raw(j, peer.PerCall),
		peer.Raw(j, peer.Timeout),
		peer.SondeDoInto(j, peer.Shared),
		peer.SondeDoInto(j, peer.PerCall),
		peer.SondeDoInto(j, peer.Timeout),
		peer.FastHTTP(j, peer.Timeout),
		peer.NetHTTP(j, peer.Shared),
		peer.NetHTTP(j, peer.Timeout),
	), nil
}

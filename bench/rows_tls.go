package main

import (
	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// tlsRows are GETs over TLS 1.3; raw is the same loop over crypto/tls.
func tlsRows() []row {
	return []row{{"tls-64", "GET over TLS 1.3, 200-byte body, 64 connections", overTLS}}
}

func overTLS(e *env) ([]measure.Line, error) {
	const workers = 64
	j, err := peer.NewJob(peer.Job{Addr: e.site.TLS, Path: serve.Small, Roots: e.site.Roots, Workers: workers})
	if err != nil {
		return nil, err
	}
	l := e.load(workers, 1)
	l.Targets = map[string]measure.Targets{
		"sonde-DoInto": {Rate: measure.AtLeast(.93), CPU: measure.AtMost(1.12), Allocs: measure.Allocs(1)},
	}
	return e.measure(l,
		peer.Raw(j, peer.Context{}),
		peer.SondeDoInto(j, peer.Context{}),
		peer.SondeDo(j),
		peer.FastHTTP(j, peer.Context{}),
		peer.Hertz(j),
		peer.NetHTTP(j, peer.Context{}),
	), nil
}

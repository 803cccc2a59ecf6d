package main

import (
	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// netHTTPRows say what http.Client gains by the change of its Transport, and what
// the adapter costs beside the client below it.
func netHTTPRows() []row {
	return []row{
		{"nethttp-64", "GET through http.Client and nethttp, 200-byte body, 64 connections", func(e *env) ([]measure.Line, error) {
			return adapter(e, serve.Small, map[string]measure.Targets{
				// Twice net/http's rate, half of its processor time and of its allocations,
				// which are .30, 4.1 and 45 beside raw.
				"sonde-nethttp":         {Rate: measure.AtLeast(.60), CPU: measure.AtMost(2.05), Allocs: measure.Allocs(22)},
				"sonde-nethttp-timeout": {Allocs: measure.Allocs(26)},
			}, peer.Timeout)
		}},
		{"nethttp-headers-64", "the same, 20 fields, 10 KB body", func(e *env) ([]measure.Line, error) {
			return adapter(e, serve.Headers, nil)
		}},
	}
}

// adapter compares the two Transports, and DoInto, which is what nethttp adds to.
func adapter(e *env, path string, targets map[string]measure.Targets, contexts ...peer.Context) ([]measure.Line, error) {
	const workers = 64
	j, err := e.job(path, workers)
	if err != nil {
		return nil, err
	}
	l := e.load(workers, 1)
	l.Targets = targets
	clients := []measure.Client{
		peer.Raw(j, peer.Context{}),
		peer.SondeDoInto(j, peer.Context{}),
		peer.SondeNetHTTP(j, peer.Context{}),
		peer.NetHTTP(j, peer.Context{}),
	}
	for _, c := range contexts {
		clients = append(clients, peer.SondeNetHTTP(j, c), peer.NetHTTP(j, c))
	}
	return e.measure(l, clients...), nil
}

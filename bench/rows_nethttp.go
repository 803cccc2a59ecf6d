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
				// Twice net/http's rate, and half of its processor time, which are .30, 3.7 and,
				// with a timeout, 4.1 beside raw.
				"sonde-nethttp":         {Rate: measure.AtLeast(.60), CPU: measure.AtMost(1.85), Allocs: measure.Allocs(10)},
				"sonde-nethttp-timeout": {CPU: measure.AtMost(2.05), Allocs: measure.Allocs(15)},
			}, peer.Timeout)
		}},
		{"nethttp-headers-64", "the same, 20 fields, 10 KB body", func(e *env) ([]measure.Line, error) {
			return adapter(e, serve.Headers, map[string]measure.Targets{
				// Half of net/http's, which is 4.1 beside raw.
				"sonde-nethttp": {CPU: measure.AtMost(2.05)},
			})
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

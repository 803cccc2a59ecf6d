package main

import (
	"fmt"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// smallRows are keep-alive GETs of small answers.
func smallRows() []row {
	rows := []row{{"small-64", "GET, 200-byte body, 64 connections", func(e *env) ([]measure.Line, error) {
		return small(e, serve.Small, 64, true, map[string]measure.Targets{
			"sonde-DoInto": {
				Rate: measure.AtLeast(.95), CPU: measure.AtMost(1.08), User: measure.AtMost(1.6), Allocs: measure.Allocs(0)},
			"sonde-Do": {Rate: measure.AtLeast(.85), CPU: measure.AtMost(1.25), Allocs: measure.Allocs(3)},
		})
	}}}
	for _, n := range []int{1, 8, 256} {
		rows = append(rows, row{fmt.Sprintf("small-%d", n), fmt.Sprintf("GET, 200-byte body, connections: %d", n),
			func(e *env) ([]measure.Line, error) { return small(e, serve.Small, n, false, nil) }})
	}
	return append(rows, row{"headers-64", "GET, 20 fields, 10 KB body, 64 connections",
		func(e *env) ([]measure.Line, error) {
			return small(e, serve.Headers, 64, false, map[string]measure.Targets{
				"sonde-DoInto": {Rate: measure.AtLeast(.95), CPU: measure.AtMost(1.08), Allocs: measure.Allocs(0)},
			})
		}})
}

// small compares the clients; all of them, or those that can be fast.
func small(e *env, path string, workers int, all bool, targets map[string]measure.Targets) ([]measure.Line, error) {
	j, err := e.job(path, workers)
	if err != nil {
		return nil, err
	}
	weight := 1
	if all {
		weight = 2
	}
	l := e.load(workers, weight)
	l.Targets = targets
	clients := []measure.Client{
		peer.Raw(j, peer.Context{}),
		peer.SondeDoInto(j, peer.Context{}),
		peer.SondeDo(j),
		peer.FastHTTP(j, peer.Context{}),
		peer.Hertz(j),
		peer.NetHTTP(j, peer.Context{}),
	}
	if all {
		clients = append(clients, peer.NetHTTP(j, peer.Timeout), peer.Resty(j), peer.Requests(j),
			peer.Again(peer.Raw(j, peer.Context{})))
	}
	return e.measure(l, clients...), nil
}

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
				"sonde-nethttp":         {Allocs: measure.Allocs(10)},
				"sonde-nethttp-timeout": {Allocs: measure.Allocs(15)},
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
	lines := e.measure(l, clients...)
	twice(lines, "sonde-nethttp", "net/http")
	twice(lines, "sonde-nethttp-timeout", "net/http-timeout")
	return lines, nil
}

// twice gives a client its targets: twice the rate of other in this run, half of its
// processor time, and half of its allocations where no number of them is set.
func twice(lines []measure.Line, client, other string) {
	line, beside := lineOf(lines, client), lineOf(lines, other)
	if line == nil || beside == nil {
		return
	}
	for i, f := range line.Figures {
		for _, theirs := range beside.Figures {
			switch {
			case f.Name != theirs.Name:
			case f.Name == "÷ raw":
				line.Figures[i] = measure.NewFigure(f.Name, f.Value, f.Spread, measure.AtLeast(2*theirs.Value))
			case f.Name == "CPU ÷ raw":
				line.Figures[i] = measure.NewFigure(f.Name, f.Value, f.Spread, measure.AtMost(theirs.Value/2))
			case f.Name == "allocs/op" && f.Target == nil:
				line.Figures[i] = measure.NewFigure(f.Name, f.Value, f.Spread, measure.Allocs(theirs.Value/2))
			}
		}
	}
}

func lineOf(lines []measure.Line, client string) *measure.Line {
	for i := range lines {
		if lines[i].Client == client {
			return &lines[i]
		}
	}
	return nil
}

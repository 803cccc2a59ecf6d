package main

import (
	"sonde"
	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// oneShotRows open a connection for each request.
func oneShotRows() []row {
	return []row{{"oneshot-64", "one connection per request, 64 at once", oneShot}}
}

func oneShot(e *env) ([]measure.Line, error) {
	const workers = 64
	j, err := e.job(serve.Close, workers)
	if err != nil {
		return nil, err
	}
	l := e.load(workers, 1)
	l.Warm = 1
	l.Targets = map[string]measure.Targets{"sonde-DoInto": {Rate: measure.AtLeast(.95), Allocs: measure.Allocs(32)}}
	return e.measure(l,
		peer.RawOneShot(j),
		peer.SondeDoInto(j, peer.Context{}, sonde.WithOneShot()),
		peer.FastHTTPOneShot(j),
		peer.HertzOneShot(j),
		peer.NetHTTPOneShot(j),
	), nil
}

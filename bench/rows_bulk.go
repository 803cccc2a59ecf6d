package main

import (
	"sonde/bench/internal/measure"
	"sonde/bench/internal/peer"
	"sonde/bench/internal/serve"
)

// bulkRows are large bodies on one connection.
func bulkRows() []row {
	return []row{
		{"download", "100 MB down into an io.Writer", download},
		{"upload", "100 MB up from a file, plain TCP", upload},
	}
}

// bulk makes the job and the load of one.
func (e *env) bulk(path string, targets measure.Targets) (*peer.Job, measure.Load, error) {
	j, err := peer.NewJob(peer.Job{Addr: e.site.Bulk, Path: path, Workers: 1, File: e.site.File, Size: e.site.Size})
	l := e.load(1, 2)
	l.Size, l.Warm, l.Sparse = e.site.Size, 1, 1
	l.Slice *= 2 // an operation takes some 50 ms
	l.Targets = map[string]measure.Targets{"sonde-Stream": targets, "sonde-DoInto": targets}
	return j, l, err
}

func download(e *env) ([]measure.Line, error) {
	j, l, err := e.bulk(serve.Down, measure.Targets{Rate: measure.AtLeast(.97), CPU: measure.AtMost(1.05)})
	if err != nil {
		return nil, err
	}
	return e.measure(l,
		peer.RawDownload(j),
		peer.Again(peer.RawDownload(j)),
		peer.SondeDownload(j),
		peer.FastHTTPDownload(j),
		peer.NetHTTPDownload(j, "net/http io.Copy", 0),
		peer.NetHTTPDownload(j, "net/http 256 KB reads", 256<<10),
	), nil
}

func upload(e *env) ([]measure.Line, error) {
	if !e.site.Has(serve.Up) {
		return skipped("this server answers before it has read the body"), nil
	}
	j, l, err := e.bulk(serve.Up, measure.Targets{Rate: measure.AtLeast(.97)})
	if err != nil {
		return nil, err
	}
	return e.measure(l,
		peer.RawUpload(j),
		peer.Again(peer.RawUpload(j)),
		peer.SondeUpload(j),
		peer.FastHTTPUpload(j),
		peer.NetHTTPUpload(j),
	), nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// idleEnv tells this binary that it is a client that opens connections and counts
// its memory. Its arguments are the client, the server's address and how many.
const idleEnv = "SONDE_BENCH_IDLE"

// idleRows say what connections cost that do nothing.
func idleRows() []row {
	return []row{{"idle", "10,000 idle connections: memory of the client each, after GC", idleMemory}}
}

// slack is how much sonde may take over raw, for each connection.
const slack = 256

func idleMemory(e *env) ([]measure.Line, error) {
	if !e.site.Has(serve.Wait) {
		return skipped("this server cannot make a client open as many"), nil
	}
	var lines []measure.Line
	var limit *measure.Bound
	for _, name := range idleClients {
		if name != "raw" && !e.wants(name) || name == "hertz" && e.repeat == 1 {
			continue
		}
		got, err := idleRun(e, name)
		if err != nil {
			lines = append(lines, measure.Line{Client: name, Note: "failed: " + err.Error()})
			continue
		}
		resident, spread := measure.Median(got.resident)
		line := measure.Line{Client: name}
		target, none := (*measure.Bound)(nil), (*measure.Bound)(nil)
		switch name {
		case "raw":
			limit = measure.AtMost(float64(int(resident) + slack))
		case "sonde":
			target, none = limit, measure.AtMost(0.01)
		}
		heap, _ := measure.Median(got.heap)
		goroutines, _ := measure.Median(got.goroutines)
		line.Figures = []measure.Figure{
			measure.NewFigure("resident B each", resident, spread, target),
			measure.NewFigure("heap B each", heap, 0, nil),
			measure.NewFigure("goroutines each", goroutines, 0, none),
		}
		lines = append(lines, line)
	}
	return lines, nil
}

type idleFigures struct{ resident, heap, goroutines []float64 }

// idleRun measures one client, in as many processes as figures are wanted.
func idleRun(e *env, name string) (got idleFigures, err error) {
	self, err := os.Executable()
	if err != nil {
		return got, err
	}
	for range e.repeat {
		cmd := process(self, name, e.site.Plain, strconv.Itoa(e.idle))
		cmd.Env = append(os.Environ(), idleEnv+"=1")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return got, err
		}
		var r idleReport
		if err := json.Unmarshal(out, &r); err != nil {
			return got, fmt.Errorf("the client's report: %w", err)
		}
		got.resident = append(got.resident, r.Resident)
		got.heap = append(got.heap, r.Heap)
		got.goroutines = append(got.goroutines, r.Goroutines)
	}
	return got, nil
}

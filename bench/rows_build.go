package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"sonde/bench/internal/measure"
)

// buildRows are sizes of programs that send one request.
func buildRows() []row {
	return []row{{"binary", "size of a program that sends one GET, unstripped", binarySizes}}
}

// binarySizes builds the programs in hello/, one a client.
func binarySizes(e *env) ([]measure.Line, error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return skipped("there is no go command"), nil
	}
	if _, err := os.Stat("hello"); err != nil {
		return skipped("not run in bench/"), nil
	}
	dir, err := os.MkdirTemp("", "sonde-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var lines []measure.Line
	for _, c := range []struct{ client, dir string }{
		{"raw", "raw"}, {"sonde", "sonde"}, {"net/http", "nethttp"}, {"fasthttp", "fasthttp"},
	} {
		if !e.wants(c.client) {
			continue
		}
		size, err := build(goTool, dir, "./hello/"+c.dir)
		if err != nil {
			lines = append(lines, measure.Line{Client: c.client, Note: "failed: " + err.Error()})
			continue
		}
		var target *measure.Bound
		if c.client == "sonde" {
			target = measure.AtMost(8)
		}
		lines = append(lines, measure.Line{Client: c.client,
			Figures: []measure.Figure{measure.NewFigure("MB", float64(size)/1e6, 0, target)}})
	}
	return lines, nil
}

// build builds a package into dir and returns the size of the program.
func build(goTool, dir, pkg string) (int64, error) {
	out := filepath.Join(dir, filepath.Base(pkg))
	cmd := process(goTool, "build", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, said)
	}
	info, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

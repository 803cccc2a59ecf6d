package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/serve"
)

// startRows are whole processes: from their start to their end.
func startRows() []row {
	return []row{{"start", "sonde get against curl: one request, one process", startTimes}}
}

// command is a program under test.
type command struct {
	name      string
	args      []string
	wall, cpu []float64 // ms
}

func startTimes(e *env) ([]measure.Line, error) {
	sonde, cleanup, why := builtCommand()
	if why != "" {
		return skipped(why), nil
	}
	defer cleanup()
	url := "http://" + e.site.Plain + serve.Small
	commands := []*command{
		{name: "curl", args: []string{"curl", "-s", "-o", os.DevNull, url}},
		{name: "sonde get", args: []string{sonde, "get", "-o", os.DevNull, url}},
	}
	for range 20 * e.repeat {
		for _, c := range commands {
			if err := c.once(); err != nil {
				return nil, err
			}
		}
	}
	ref, _ := measure.Median(commands[0].wall)
	var lines []measure.Line
	for _, c := range commands {
		wall, spread := measure.Median(c.wall)
		cpu, _ := measure.Median(c.cpu)
		lines = append(lines, measure.Line{Client: c.name, Figures: []measure.Figure{
			measure.NewFigure("wall ms", wall, spread, nil),
			measure.NewFigure("÷ curl", wall/ref, 0, nil),
			measure.NewFigure("CPU ms", cpu, 0, nil),
		}})
	}
	return lines, nil
}

// builtCommand builds cmd/sonde; why is what keeps the row from running.
func builtCommand() (path string, cleanup func(), why string) {
	if _, err := exec.LookPath("curl"); err != nil {
		return "", nil, "curl is not installed"
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return "", nil, "there is no go command"
	}
	if _, err := os.Stat("../cmd/sonde"); err != nil {
		return "", nil, "there is no ../cmd/sonde"
	}
	dir, err := os.MkdirTemp("", "sonde-bench-")
	if err != nil {
		return "", nil, err.Error()
	}
	path = filepath.Join(dir, "sonde")
	cmd := process(goTool, "build", "-o", path, "./cmd/sonde")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, "cmd/sonde does not build: " + string(out)
	}
	return path, func() { os.RemoveAll(dir) }, ""
}

// once runs the command and notes what it took.
func (c *command) once() error {
	cmd := process(c.args[0], c.args[1:]...)
	cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	c.wall = append(c.wall, time.Since(start).Seconds()*1e3)
	c.cpu = append(c.cpu, (cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Seconds()*1e3)
	return nil
}

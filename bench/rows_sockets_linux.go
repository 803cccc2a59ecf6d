package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sonde/bench/internal/measure"
	"sonde/bench/internal/sock"
)

// socketRows list many sockets.
func socketRows() []row {
	return []row{
		{"sockets", "10,000 sockets with TCP_INFO, listed and formatted, against ss -tin",
			socketsRow("-tin", false, measure.AtMost(1./3))},
		{"sockets-owners", "10,000 sockets with TCP_INFO and the processes that hold them, against ss -tinp",
			socketsRow("-tinp", true, measure.AtMost(.5))},
	}
}

func socketsRow(flags string, owners bool, target *measure.Bound) func(*env) ([]measure.Line, error) {
	return func(e *env) ([]measure.Line, error) {
		switch _, err := exec.LookPath("ss"); {
		case err != nil:
			return skipped("ss is not installed"), nil
		case owners && os.Geteuid() != 0:
			return skipped("only root sees who holds a socket"), nil
		}
		crowd, err := sock.NewCrowd(e.idle)
		if err != nil {
			return skipped(err.Error()), nil
		}
		defer crowd.Close()
		list, end, err := sock.Sonde(owners)
		if err != nil {
			return skipped("sonde cannot list sockets: " + err.Error()), nil
		}
		defer end()
		all := []lister{
			{name: "ss " + flags, list: sock.Command("ss", flags)},
			{name: "sonde", list: list, target: target},
			{name: "sonde, a process for it", list: sock.Process(owners)},
		}
		if command, remove, err := sondeCommand(); err == nil {
			defer remove()
			all = append(all, lister{name: "sonde sockets " + flags, list: sock.Command(command, "sockets", flags), target: target})
		}
		return e.listers(all)
	}
}

// sondeCommand builds the command.
func sondeCommand() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "sonde-bench-")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "sonde")
	cmd := process("go", "build", "-o", path, "./cmd/sonde")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("%w: %s", err, said)
	}
	return path, func() { os.RemoveAll(dir) }, nil
}

// lister is a way to list sockets; the first one is what others are compared with.
type lister struct {
	name   string
	list   sock.Lister
	target *measure.Bound
	ms     []float64
	ratios []float64
}

// listers lets them list in turns.
func (e *env) listers(all []lister) ([]measure.Line, error) {
	err := e.rounds(func(round int) error {
		for i := range all {
			l := &all[i]
			start := time.Now()
			n, err := l.list()
			spent := time.Since(start).Seconds() * 1e3
			if err == nil && n >= 0 && n < e.idle {
				err = fmt.Errorf("%d sockets, of %d", n, e.idle)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			l.ms = append(l.ms, spent)
			l.ratios = append(l.ratios, spent/all[0].ms[round])
		}
		return nil
	})
	var lines []measure.Line
	for i := range all {
		l := &all[i]
		ms, _ := measure.Median(l.ms)
		ratio, spread := measure.Median(l.ratios)
		lines = append(lines, measure.Line{Client: l.name, Figures: []measure.Figure{
			measure.NewFigure("ms", ms, 0, nil),
			measure.NewFigure("÷ ss", ratio, spread, l.target),
		}})
	}
	return lines, err
}

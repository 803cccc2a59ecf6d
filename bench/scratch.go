package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"runtime/pprof"
	"sync/atomic"
	"syscall"
	"time"

	"sonde/bench/internal/serve"
)

// ending is done when a signal ends the bench.
var ending, end = context.WithCancel(context.Background())

// process is a command that goes with the bench, and is not started any more then.
func process(name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ending, name, args...)
}

// scratch is one directory for all temporary files, also of what the bench starts:
// the large body alone is 100 MB. It goes with the bench, when a signal ends that in
// the middle of a row as well, and so does the server.
type scratch struct {
	dir  string
	site atomic.Pointer[serve.Site] // nil: it does not run yet
}

func newScratch() (*scratch, error) {
	dir, err := os.MkdirTemp("", "sonde-bench-")
	if err != nil {
		return nil, err
	}
	s := &scratch{dir: dir}
	os.Setenv("TMPDIR", dir)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		why := <-signals
		signal.Stop(signals) // the next one need not wait for this
		end()
		pprof.StopCPUProfile()
		if site := s.site.Load(); site != nil {
			site.Abort()
		}
		s.remove()
		os.Exit(128 + int(why.(syscall.Signal))) // as shells say it
	}()
	return s, nil
}

// remove removes the directory; what still ends may be writing there.
func (s *scratch) remove() {
	for range 50 {
		if os.RemoveAll(s.dir) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

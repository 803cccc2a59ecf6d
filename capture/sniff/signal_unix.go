//go:build unix

package sniff

import (
	"os"
	"os/signal"
	"syscall"
)

// ReportSignal returns what Config.Report takes in a command: each SIGUSR1. The
// function ends that.
func ReportSignal() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	return c, func() { signal.Stop(c) }
}

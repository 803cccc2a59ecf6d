//go:build unix

package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestGetSignals: a script sees which signal ended the command, as from any other.
func TestGetSignals(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		cmd := exec.Command(os.Args[0], "get", "http://"+ln.Addr().String())
		cmd.Env = append(os.Environ(), commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := ln.Accept() // it waits for an answer from now on
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		cmd.Process.Signal(sig)
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != want {
			t.Errorf("%v: %v, want exit code %d", sig, err, want)
		}
	}
}

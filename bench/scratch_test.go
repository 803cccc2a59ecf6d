package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sonde/bench/internal/serve"
)

// runEnv makes the test binary a whole bench, with its arguments.
const runEnv = "SONDE_BENCH_TEST_RUN"

// TestInterrupted: a bench that is ended in the middle of a row, by a signal to it
// alone, leaves neither files nor processes.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
	for _, server := range []string{serve.Epoll, serve.Nginx} {
		for _, end := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(server+" "+end.String(), func(t *testing.T) {
				if server == serve.Nginx {
					requireNginx(t)
				}
				interrupted(t, server, end)
			})
		}
	}
}

func interrupted(t *testing.T, server string, end syscall.Signal) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(self, "-row", "^small-1$", "-budget", "1m", "-server", server)
	cmd.Env = append(os.Environ(), runEnv+"=1", "TMPDIR="+dir)
	out, in, err := os.Pipe() // whoever lives on keeps it open
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stderr = in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.SetReadDeadline(time.Now().Add(time.Minute))
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || !strings.Contains(line, "small-1") {
		cmd.Process.Kill()
		t.Fatalf("%q, %v", line, err)
	}
	cmd.Process.Signal(end)
	if rest, err := io.ReadAll(said); err != nil {
		cmd.Process.Kill()
		t.Errorf("some process lives on: %v, %s", err, rest)
	}
	var status *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &status) || status.ExitCode() != 128+int(end) {
		t.Errorf("it ended with %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

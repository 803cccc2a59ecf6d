package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWatchReaderStops: when nobody reads the report any more, as with head, the watch
// ends, and the program that it runs does too.
func TestWatchReaderStops(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	cmd := exec.Command(os.Args[0], "watch", "--port", port, "--json", "--interval", "20ms", "--", "sh", "-c", "echo pid $$ >&2; exec sleep 60")
	cmd.Env = append(os.Environ(), commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
	diag, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := 0
	for lines := bufio.NewScanner(diag); child == 0 && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			child, _ = strconv.Atoi(text)
		}
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("no line: %v", err)
	}
	out.Close()
	stuck := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer stuck.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if child == 0 {
		t.Fatal("the program did not say its number")
	}
	if syscall.Kill(child, syscall.SIGKILL) == nil {
		t.Errorf("process %d went on", child)
	}
}

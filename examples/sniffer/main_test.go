//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSniffer runs the program on lo and connects to a port until it has seen
// enough.
func TestSniffer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a packet socket")
	}
	program := filepath.Join(t.TempDir(), "sniffer")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback here:", err)
	}
	defer l.Close()
	// so many that other traffic on lo leaves room for ours.
	cmd := exec.Command(program, "lo", "5000")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if c, err := net.Dial("tcp4", l.Addr().String()); err == nil {
			c.Close()
		}
		select {
		case err := <-done:
			if want := fmt.Sprintf("> 127.0.0.1:%d, ", l.Addr().(*net.TCPAddr).Port); err != nil || !strings.Contains(out.String(), want) {
				t.Errorf("%v, no %q in:\n%s", err, want, out.String())
			}
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
	cmd.Process.Kill()
	<-done
	t.Errorf("not enough packets in 30 s:\n%s", out.String())
}

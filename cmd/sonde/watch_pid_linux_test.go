package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWatchPid: the connections of one process and its children are judged, those
// of others are left out; and when it dies, waited for or not, there is a report.
func TestWatchPid(t *testing.T) {
	needPackets(t)
	needCurl(t)
	s := startServer(t)
	port := s.url[strings.LastIndexByte(s.url, ':')+1:]

	// The target waits for a line before its requests, and for another before it ends.
	target := exec.Command("sh", "-c", "read go; curl -s '"+s.url+"/hello?[1-3]' >&2; echo done; read end")
	orders, err := target.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := target.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Start(); err != nil {
		t.Fatal(err)
	}
	defer target.Wait() // only now: the watch sees it dead and not waited for
	defer target.Process.Kill()

	watch := exec.Command(sondeBinary(t), "watch", "-i", "lo", "--port", port, "--pid", strconv.Itoa(target.Process.Pid), "--interval", "20ms")
	var out bytes.Buffer
	watch.Stdout = &out
	lines, err := watch.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	progress := bufio.NewReader(lines)
	if _, err := progress.ReadString('\n'); err != nil { // it has begun
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { io.Copy(io.Discard, progress); close(done) }()

	// A stranger: this process, whose connection is there to the end.
	c, err := net.Dial("tcp", s.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	io.WriteString(orders, "go\n")
	if _, err := bufio.NewReader(answers).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	orders.Close()
	<-done
	if err := watch.Wait(); err != nil {
		t.Error(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	if !strings.Contains(text, "healthy (3 requests on 1 connection,") || !strings.Contains(text, "1 connection was of other processes") {
		t.Errorf("%s", out.String())
	}
}

// TestWatchPidGone: a process that is not there is no one to follow.
func TestWatchPidGone(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Skip(err)
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	if _, diag, code := outputs(t, "watch", "-i", "lo", "--pid", pid); code != 1 || !strings.Contains(diag, "there is no process "+pid) {
		t.Errorf("code %d, %q", code, diag)
	}
}

// TestWatchPageNowhere: a page that cannot be written is told before the watch, and
// the command does not run in vain.
func TestWatchPageNowhere(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	_, diag, code := outputs(t, "watch", "-i", "lo", "--html", "/nonexistent/page.html", "--", "touch", ran)
	if _, err := os.Stat(ran); code != 1 || !strings.Contains(diag, "no such file") || err == nil {
		t.Errorf("code %d, %q, ran: %v", code, diag, err)
	}
}

// TestFamily: who belongs to a process, also when it was started after the latest
// look.
func TestFamily(t *testing.T) {
	f := newFamily(os.Getpid())
	child := exec.Command("sh", "-c", "sleep 60 & echo $!; wait")
	names, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	line, err := bufio.NewReader(names).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		p, _ := os.FindProcess(grandchild)
		p.Kill()
	}()
	if !f.has(os.Getpid()) || !f.has(grandchild) || f.has(1) || f.has(os.Getppid()) {
		t.Errorf("before a look: %v", f.members)
	}
	// What the command runs belongs to it before anybody has told its number.
	if run := newFamily(0); !run.has(child.Process.Pid) || !run.has(grandchild) || run.has(os.Getpid()) || run.has(1) {
		t.Errorf("of a command: %v", run.members)
	}
	f.refresh()
	if !f.has(child.Process.Pid) || !f.has(grandchild) || f.has(1) {
		t.Errorf("behind a look: %v", f.members)
	}
}

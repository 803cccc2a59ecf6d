package httpview_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sonde/capture"
	"sonde/capture/decode"
	"sonde/capture/httpview"
)

// need skips a test without the tools that it compares with.
func need(t *testing.T, tools ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("capturing on lo needs root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}

// record captures a TCP port of lo with tcpdump while talk runs, and returns the
// file's name. On a busy machine tcpdump may lose packets: then it is done again.
func record(t *testing.T, port int, talk func()) string {
	t.Helper()
	for range 5 {
		if file, whole := recordOnce(t, port, talk); whole {
			return file
		}
	}
	t.Skip("tcpdump loses packets")
	return ""
}

func recordOnce(t *testing.T, port int, talk func()) (file string, whole bool) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "lo.pcap")
	cmd := exec.Command("tcpdump", "-i", "lo", "-U", "--immediate-mode", "-Z", "root", "-s", "66000", "-B", "65536", "-w", file,
		"tcp", "port", strconv.Itoa(port))
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.Contains(lines.Text(), "listening") {
		lines.Scan()
	}
	talk()
	settle(file)
	cmd.Process.Signal(os.Interrupt)
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), "dropped by kernel") {
			whole = strings.HasPrefix(lines.Text(), "0 ")
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal("tcpdump:", err)
	}
	return file, whole
}

// settle waits until a file does not grow any more.
func settle(file string) {
	for size, quiet := int64(-1), 0; quiet < 5; quiet++ {
		time.Sleep(100 * time.Millisecond)
		if info, err := os.Stat(file); err == nil && info.Size() != size {
			size, quiet = info.Size(), 0
		}
	}
}

// view reads a capture file.
func view(t *testing.T, file string, c httpview.Config) (all []*httpview.Exchange) {
	t.Helper()
	src, err := capture.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	c.Exchange = func(x *httpview.Exchange) { all = append(all, x) }
	v := httpview.New(c)
	var raw capture.Packet
	var p decode.Packet
	for {
		if err := src.Next(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p.Decode(raw.Link, raw.Data)
		v.Packet(&p, raw.Time)
	}
	v.Close()
	return all
}

// tshark returns the fields of the packets that filter selects, one row each.
func tshark(t *testing.T, file, filter string, options []string, fields ...string) (rows [][]string) {
	t.Helper()
	args := append([]string{"-r", file, "-Y", filter, "-T", "fields", "-E", "separator=\t", "-E", "occurrence=a", "-E", "aggregator=|"}, options...)
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("tshark: %v: %s", err, exit.Stderr)
		}
		t.Fatal("tshark:", err)
	}
	for line := range bytes.Lines(out) {
		rows = append(rows, strings.Split(strings.TrimRight(string(line), "\n"), "\t"))
	}
	return rows
}

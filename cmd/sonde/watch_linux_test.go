package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sonde/capture"
)

// needPackets skips where packets may not be captured.
func needPackets(t *testing.T) {
	t.Helper()
	l, err := capture.Open(capture.Config{Interface: "lo"})
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// outputs runs a command with pipes instead of a terminal.
func outputs(t *testing.T, args ...string) (out, diag string, code int) {
	t.Helper()
	files := [2]*os.File{}
	for n := range files {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[n] = f
	}
	code = run(args, streams{strings.NewReader(""), files[0], files[1]})
	var texts [2]string
	for n, f := range files {
		f.Seek(0, io.SeekStart)
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[n] = string(b)
	}
	return texts[0], texts[1], code
}

// sondeBinary is the command as a program: TestMain put it into the path.
func sondeBinary(t *testing.T) string {
	t.Helper()
	name, err := exec.LookPath("sonde")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// verdictObject is the last line of --json.
type verdictObject struct {
	Verdict struct {
		Healthy                     bool
		Requests, Connections, Peak int
		Causes                      []struct{ Cause, Side, Evidence, Fix string }
		Certain                     bool
		Limits                      []string
	}
}

func verdictOf(t *testing.T, out string) verdictObject {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	d := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	d.DisallowUnknownFields()
	var v verdictObject
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %q", err, out)
	}
	return v
}

func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
}

// TestWatchCurl: a command is run and judged, and its output kept apart.
func TestWatchCurl(t *testing.T) {
	needPackets(t)
	needCurl(t)
	s := startServer(t)
	port := s.url[strings.LastIndexByte(s.url, ':')+1:]
	each := "for i in 1 2 3 4 5; do curl -s " + s.url + "/hello; done"
	tests := []struct {
		name     string
		args     []string
		causes   []string
		conns    int
		requests int
	}{
		{"one run of curl", []string{"curl", "-s", s.url + "/hello", s.url + "/hello", s.url + "/hello"}, nil, 1, 3},
		{"curl for each", []string{"sh", "-c", each}, []string{"client-per-request"}, 5, 5},
		{"curl asks close", []string{"curl", "-s", "-H", "Connection: close", s.url + "/hello", s.url + "/hello", s.url + "/hello"}, []string{"client-asks-close"}, 3, 3},
		{"curl with HTTP/1.0", []string{"curl", "-0", "-s", s.url + "/hello", s.url + "/hello", s.url + "/hello"}, []string{"http10"}, 3, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			html := filepath.Join(t.TempDir(), "page.html")
			args := append([]string{"watch", "-i", "lo", "--port", port, "--json", "--html", html, "--"}, tt.args...)
			out, diag, code := outputs(t, args...)
			if code != 0 {
				t.Fatalf("code %d: %s", code, diag)
			}
			if strings.Count(out, "\n") != 1 || !strings.Contains(diag, "Hello") {
				t.Errorf("standard output is %q, standard error %q", out, diag)
			}
			v := verdictOf(t, out).Verdict
			if v.Requests != tt.requests || v.Connections != tt.conns || v.Peak != 1 || v.Healthy != (len(tt.causes) == 0) || !v.Certain {
				t.Errorf("%+v", v)
			}
			for n, c := range v.Causes {
				if n >= len(tt.causes) || c.Cause != tt.causes[n] || c.Side != "client" || c.Evidence == "" || c.Fix == "" {
					t.Errorf("cause %d is %+v", n, c)
				}
			}
			if len(v.Causes) < len(tt.causes) {
				t.Errorf("causes %v, want %v", v.Causes, tt.causes)
			}
			page, err := os.ReadFile(html)
			if err != nil || strings.Count(string(page), `class="row"`) != tt.conns || bytes.Contains(page, []byte("<script")) {
				t.Errorf("page: %v, %s", err, page)
			}
		})
	}
}

// TestWatchCode: a command that fails is reported, and its code is told.
func TestWatchCode(t *testing.T) {
	needPackets(t)
	out, diag, code := outputs(t, "watch", "-i", "lo", "--port", "1", "--", "sh", "-c", "echo told; exit 3")
	if code != 1 || !strings.Contains(out, "told\n") || !strings.Contains(out, "no request was seen") || !strings.Contains(diag, "exit status 3") {
		t.Errorf("code %d, %q, %q", code, out, diag)
	}
}

// TestWatchInterrupted: Ctrl-C ends with a report, and ends the command too.
func TestWatchInterrupted(t *testing.T) {
	needPackets(t)
	s := startServer(t)
	port := s.url[strings.LastIndexByte(s.url, ':')+1:]
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := exec.Command(sondeBinary(t), "watch", "-i", "lo", "--port", port, "--", "sh", "-c", "echo > "+ready+"; exec sleep 60")
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			break
		} else if time.Since(start) > 20*time.Second {
			cmd.Process.Kill()
			t.Fatal("the command was not started")
		}
	}
	c, err := net.Dial("tcp", s.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	io.ReadAll(c)
	c.Close()
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, diag.String())
	}
	if !strings.Contains(out.String(), "healthy (1 request on 1 connection") {
		t.Errorf("%q, %q", out.String(), diag.String())
	}
}

// TestWatchFile: a capture made elsewhere is judged, also one that is cut short.
func TestWatchFile(t *testing.T) {
	needPackets(t)
	needCurl(t)
	s := startServer(t)
	port := s.url[strings.LastIndexByte(s.url, ':')+1:]
	file := filepath.Join(t.TempDir(), "all.pcap")
	live, err := capture.Open(capture.Config{Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for range 4 {
		if out, err := exec.Command("curl", "-s", s.url+"/hello").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	live.Stop()
	w, err := capture.Create(file, capture.FileConfig{WriterConfig: capture.WriterConfig{Format: capture.PCAP, Interfaces: live.Interfaces()}})
	if err != nil {
		t.Fatal(err)
	}
	var p capture.Packet
	for live.Next(&p) == nil {
		if err := w.WritePacket(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out, diag, code := outputs(t, "watch", "-r", file, "--port", port, "--json")
	if v := verdictOf(t, out).Verdict; code != 0 || v.Requests != 4 || v.Connections != 4 || len(v.Causes) != 1 || v.Causes[0].Cause != "client-per-request" {
		t.Errorf("code %d, %+v, %s", code, v, diag)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, whole[:len(whole)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, _ = outputs(t, "watch", "-r", file, "--port", port, "--json")
	if v := verdictOf(t, out).Verdict; v.Certain || len(v.Limits) == 0 || !strings.Contains(v.Limits[0], "cut short") {
		t.Errorf("cut short: %+v", v)
	}
	out, diag, code = outputs(t, "watch", "-r", file, "--port", port)
	if code != 0 || !strings.Contains(out, "cut short") || !strings.Contains(out, "client-per-request") {
		t.Errorf("code %d, %q, %q", code, out, diag)
	}
}

// TestWatchTable: on a terminal there is a table that is written over, and it fits.
func TestWatchTable(t *testing.T) {
	needPackets(t)
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("NO_COLOR", "")
	text, code := terminal(t, 80, "watch", "-i", "lo", "--port", "1", "--interval", "20ms", "--for", "300ms")
	if code != 0 || !strings.Contains(text, "avoidable") || !strings.Contains(text, "A\r\x1b[") || !strings.Contains(text, "\x1b[1m") {
		t.Errorf("code %d: %q", code, text)
	}
	t.Setenv("NO_COLOR", "1")
	text, _ = terminal(t, 40, "watch", "-i", "lo", "--port", "1", "--interval", "20ms", "--for", "300ms")
	if strings.Contains(text, "\x1b[1m") {
		t.Errorf("colour in spite of NO_COLOR: %q", text)
	}
}

// TestWatchInterfaceGoes: an interface that vanishes ends the watch with a report.
func TestWatchInterfaceGoes(t *testing.T) {
	needPackets(t)
	const script = `ip link add d0 type veth peer name d1 && ip link set d0 up || exit 77
		(sleep 0.5; ip link del d0) &
		exec "$0" watch -i d0 --for 60s`
	cmd := exec.Command("unshare", "--net", "sh", "-c", script, sondeBinary(t))
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case !errors.As(err, &exit), exit.ExitCode() == 77:
		t.Skipf("no interface of our own: %v, %s", err, diag.String())
	case exit.ExitCode() != 1 || !strings.Contains(out.String(), "ended early"):
		t.Errorf("%v, %q, %q", err, out.String(), diag.String())
	}
}

// TestWatchWithoutPackets: without the capability the sockets are asked, and the
// report says what is missing.
func TestWatchWithoutPackets(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a capability up")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("no setpriv")
	}
	blind := func(args ...string) (out, diag string) {
		args = append([]string{"--bounding-set", "-net_raw", "--inh-caps", "-net_raw", sondeBinary(t), "watch", "-i", "lo"}, args...)
		cmd := exec.Command("setpriv", args...)
		var o, d bytes.Buffer
		cmd.Stdout, cmd.Stderr = &o, &d
		if err := cmd.Run(); err != nil {
			t.Errorf("%v: %q, %q", err, o.String(), d.String())
		}
		return o.String(), d.String()
	}
	out, diag := blind("--port", "1", "--for", "200ms")
	if !strings.Contains(out, "sockets alone") || !strings.Contains(diag, "setcap") {
		t.Errorf("%q, %q", out, diag)
	}
	// Connections that are shorter than the time between two looks may well be called
	// healthy. Then the verdict says what that is worth, in JSON too.
	needCurl(t)
	s := startServer(t)
	port := s.url[strings.LastIndexByte(s.url, ':')+1:]
	out, _ = blind("--port", port, "--json", "--", "sh", "-c", "for i in 1 2 3 4 5; do curl -s "+s.url+"/hello; done")
	if v := verdictOf(t, out).Verdict; v.Certain || !strings.Contains(strings.Join(v.Limits, " "), "between two looks are missing") {
		t.Errorf("%+v", v)
	}
}

// TestWatchNothing: a capture without any HTTP has a report all the same.
func TestWatchNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.pcapng")
	w, err := capture.Create(file, capture.FileConfig{WriterConfig: capture.WriterConfig{Interfaces: []capture.Interface{{Link: capture.LinkEthernet}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out, diag, code := outputs(t, "watch", "-r", file); code != 0 || !strings.Contains(out, "no request was seen") {
		t.Errorf("code %d, %q, %q", code, out, diag)
	}
	const want = `{"verdict":{"healthy":true,"requests":0,"connections":0,"peak":0,"causes":[],"certain":false,"limits":["No request was seen."]}}` + "\n"
	if out, diag, code := outputs(t, "watch", "-r", file, "--json"); code != 0 || out != want {
		t.Errorf("code %d, %q, %q", code, out, diag)
	}
}

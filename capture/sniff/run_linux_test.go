package sniff

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"sonde/capture"
	"sonde/internal/netnstest"
)

func TestMain(m *testing.M) {
	if os.Getenv("SONDE_SNIFF_CHILD") != "" {
		os.Exit(childDrop())
	}
	netnstest.Alone()
	os.Exit(m.Run())
}

func needRoot(t *testing.T) {
	t.Helper()
	l, err := capture.Open(capture.Config{Interface: "lo"})
	if err != nil {
		t.Skip("needs root for packet sockets:", err)
	}
	l.Close()
}

// lockedBuffer is an output that may be looked at while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// until waits for text in an output.
func (l *lockedBuffer) until(t *testing.T, text string) {
	t.Helper()
	for range 500 {
		if strings.Contains(l.String(), text) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %q in 5 s:\n%s", text, l.String())
}

// portProgram is a filter for packets of a TCP or UDP port over IPv4 in Ethernet
// frames.
type portProgram struct{ raw []bpf.RawInstruction }

func (p portProgram) Raw() []bpf.RawInstruction { return p.raw }
func (p portProgram) Match(b []byte, _ int) bool {
	return bytes.Contains(b, []byte("wanted"))
}

func compilePort(port int) Compile {
	return func(string, capture.LinkType, int, bool) (Program, error) {
		raw, err := bpf.Assemble([]bpf.Instruction{
			bpf.LoadMemShift{Off: 14},
			bpf.LoadIndirect{Off: 14, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(port), SkipTrue: 2},
			bpf.LoadIndirect{Off: 16, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(port), SkipTrue: 1},
			bpf.RetConstant{Val: capture.MaxSnapLen},
			bpf.RetConstant{Val: 0},
		})
		return portProgram{raw}, err
	}
}

// running is a Run in the background.
type running struct {
	out, err lockedBuffer
	stop     context.CancelFunc
	done     chan error
}

func start(t *testing.T, cfg Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stop: cancel, done: make(chan error, 1)}
	cfg.Out, cfg.Err, cfg.KeepPrivileges, cfg.Style.Numeric = &r.out, &r.err, true, true
	go func() { r.done <- Run(ctx, cfg) }()
	t.Cleanup(cancel)
	r.err.until(t, "listening on lo")
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Run does not end")
	}
}

func TestRunLive(t *testing.T) {
	needRoot(t)
	to, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	port := to.LocalAddr().(*net.UDPAddr).Port
	report := make(chan os.Signal, 1)
	r := start(t, Config{Interface: "lo", Filter: "port", Compile: compilePort(port), Report: report})
	c, err := net.Dial("udp4", to.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		c.Write([]byte("hello"))
	}
	r.out.until(t, fmt.Sprintf("> 127.0.0.1.%d: UDP, length 5\n", port))
	report <- syscall.SIGUSR1
	r.err.until(t, "packets captured")
	r.end(t)
	if n := strings.Count(r.out.String(), "\n"); n != 3 {
		t.Errorf("%d lines, want 3:\n%s", n, r.out.String())
	}
	if !strings.HasSuffix(r.err.String(), "3 packets captured\n3 packets received by filter\n0 packets dropped by kernel\n") {
		t.Errorf("at the end: %s", r.err.String())
	}
}

// TestRunHTTPS captures a TLS connection into a file that decrypts itself, for
// tshark and for us.
func TestRunHTTPS(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	file, keys := filepath.Join(dir, "tls.pcapng"), filepath.Join(dir, "keys")
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { io.WriteString(w, "answer") }))
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	log, err := os.Create(keys)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := start(t, Config{Interface: "lo", Write: file, KeyLog: keys, Filter: "port", Compile: compilePort(port)})
	client := server.Client()
	client.Transport.(*http.Transport).TLSClientConfig.KeyLogWriter = log
	client.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS13
	resp, err := client.Get(server.URL + "/see-through")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	client.CloseIdleConnections()
	time.Sleep(50 * time.Millisecond)
	r.end(t)

	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file with secrets: %v, %v", info.Mode(), err)
	}
	var out bytes.Buffer
	if err := Run(context.Background(), Config{Read: file, HTTP: true, Out: &out, Err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "/see-through") || !strings.Contains(out.String(), "200") {
		t.Errorf("we see\n%s", out.String())
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	text, err := exec.Command("tshark", "-r", file, "-d", fmt.Sprintf("tcp.port==%d,tls", port),
		"-Y", "http.request || http2.headers.path", "-T", "fields", "-e", "http.request.uri", "-e", "http2.headers.path").Output()
	if err != nil || !strings.Contains(string(text), "/see-through") {
		t.Errorf("tshark sees %q, %v", text, err)
	}
}

func TestRunQuietEnd(t *testing.T) {
	err := Run(context.Background(), Config{Read: "testdata/eth.pcap", Out: brokenPipe{}, Err: io.Discard})
	if err != nil {
		t.Errorf("nobody reads: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestRunFiles(t *testing.T) {
	copied := filepath.Join(t.TempDir(), "copy.pcapng")
	run := func(cfg Config) string {
		t.Helper()
		var out bytes.Buffer
		cfg.Out, cfg.Err, cfg.Style.Numeric, cfg.Style.Time = &out, io.Discard, true, TimeNone
		if err := Run(context.Background(), cfg); err != nil {
			t.Error(err)
		}
		return out.String()
	}
	if out := run(Config{Read: "testdata/eth.pcap", Write: copied}); out != "" {
		t.Errorf("writing prints %q", out)
	}
	a, b := run(Config{Read: "testdata/eth.pcap"}), run(Config{Read: copied})
	if a != b || a == "" {
		t.Error("the copy prints otherwise")
	}
	if n := strings.Count(run(Config{Read: copied, Count: 4}), "\n"); n != 4 {
		t.Errorf("-c 4 prints %d lines", n)
	}
	if got, want := run(Config{Read: copied, CountOnly: true}), fmt.Sprintf("%d packets\n", strings.Count(a, "\n")); got != want {
		t.Errorf("--count prints %q, want %q", got, want)
	}
	everything := run(Config{Read: copied, Write: "-"})
	if !strings.HasPrefix(everything, "\n\r\r\n") {
		t.Errorf("-w - starts with %q", everything[:min(len(everything), 8)])
	}
	none := func(string, capture.LinkType, int, bool) (Program, error) { return portProgram{}, nil }
	if out := run(Config{Read: copied, Filter: "x", Compile: none}); out != "" {
		t.Errorf("a filter that matches nothing lets through\n%s", out)
	}
	if out := run(Config{Read: copied, HTTP: true}); !strings.Contains(out, "/nosuch") || strings.Count(out, "\n") != 2 {
		t.Errorf("--http prints\n%s", out)
	}
	if out := run(Config{Read: copied, Following: true, Follow: 1}); !strings.Contains(out, "> GET /nosuch HTTP/1.1") || !strings.Contains(out, "< HTTP/1.0 404") {
		t.Errorf("--follow prints\n%s", out)
	}
	for line := range strings.Lines(run(Config{Read: copied, JSON: true})) {
		if !strings.HasPrefix(line, `{"n":`) || !strings.HasSuffix(line, "}\n") {
			t.Errorf("--json prints %q", line)
		}
	}
}

func TestRunRefusals(t *testing.T) {
	tests := []struct {
		cfg  Config
		want string
	}{
		{Config{Read: "x", Interface: "lo"}, "either"},
		{Config{Filter: "tcp"}, "nothing to compile"},
		{Config{Read: "testdata/eth.pcap", CountOnly: true, HTTP: true}, "exclude"},
		{Config{Read: "testdata/eth.pcap", Following: true, JSON: true}, "JSON"},
		{Config{Read: "testdata/none"}, "no such file"},
		{Config{Interface: "nosuchdevice"}, "nosuchdevice"},
		{Config{Interface: "4711"}, "number 4711"},
	}
	for _, tt := range tests {
		tt.cfg.Err, tt.cfg.KeepPrivileges = io.Discard, true
		if err := Run(context.Background(), tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.cfg, err, tt.want)
		}
	}
	if Advice(errors.New("x")) != "" || !strings.Contains(Advice(fmt.Errorf("x: %w", os.ErrPermission)), "setcap cap_net_raw=ep /") {
		t.Error("advice")
	}
}

// TestDropPrivileges runs in a process of its own, built without cgo, as the
// command is.
func TestDropPrivileges(t *testing.T) {
	needRoot(t)
	program := filepath.Join(t.TempDir(), "child")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("no test binary without cgo: %v\n%s", err, out)
	}
	for _, user := range []string{"-", "+", "nobody"} {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "SONDE_SNIFF_CHILD="+user)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("user %s: %v\n%s", user, err, out)
		}
	}
}

// childDrop opens a capture, drops everything, and looks at each thread.
func childDrop() int {
	l, err := capture.Open(capture.Config{Interface: "lo"})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for range 8 { // some more threads
		go func() { syscall.Pause() }()
	}
	const tasks = "/proc/self/task/*/status"
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(time.Millisecond) {
		if threads, _ := filepath.Glob(tasks); len(threads) > 8 {
			break
		}
	}
	user := os.Getenv("SONDE_SNIFF_CHILD")
	keep := 0
	switch user {
	case "+": // files rotate
		user, keep = "", mayWrite
	case "-":
		user = ""
	}
	if err := dropPrivileges(user, uint32(keep)); err != nil {
		fmt.Println(err)
		return 1
	}
	left := fmt.Sprintf("%016x", keep)
	threads, _ := filepath.Glob(tasks)
	for _, name := range threads {
		text, _ := os.ReadFile(name)
		for _, want := range []string{"CapPrm:\t" + left, "CapEff:\t" + left, "CapInh:\t0000000000000000", "NoNewPrivs:\t1"} {
			if !strings.Contains(string(text), want) {
				fmt.Printf("%s: no %q in\n%s", name, want, text)
				return 1
			}
		}
	}
	if _, err := capture.Open(capture.Config{Interface: "lo"}); !errors.Is(err, os.ErrPermission) || len(threads) < 8 {
		fmt.Println("another capture opens:", err, len(threads))
		return 1
	}
	if user != "" && os.Geteuid() == 0 {
		fmt.Println("still root")
		return 1
	}
	_, err = l.Stats() // the open one works on
	l.Close()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

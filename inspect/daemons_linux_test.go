package inspect_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sonde/internal/porttest"
)

// daemon is a server or a proxy of somebody else's.
type daemon struct {
	program string
	args    func(dir, conf string, port int) []string
	conf    func(dir string, port int) string // its configuration file
}

// programPath is where a program is, also one for root.
func programPath(name string) string {
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	return ""
}

// start runs it on a free port of 127.0.0.1 until the test is over. The test is
// skipped where it is not installed.
func (d daemon) start(t *testing.T) (port int) {
	t.Helper()
	path := programPath(d.program)
	if path == "" {
		t.Skip("no " + d.program)
	}
	for range 3 { // a port that was free may be taken in the meantime
		dir := t.TempDir()
		os.Chmod(dir, 0o777) // some are somebody else than root
		os.Chmod(filepath.Dir(dir), 0o755)
		port = freePort(t)
		conf := filepath.Join(dir, "conf")
		if err := os.WriteFile(conf, []byte(d.conf(dir, port)), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, d.args(dir, conf, port)...)
		cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true} // some have children
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		stop := func() {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
			left, _ := filepath.Glob("/dev/shm/" + squidName(port) + "-*")
			for _, name := range left {
				os.Remove(name)
			}
		}
		if listens(port, ended) {
			t.Cleanup(stop)
			return port
		}
		stop()
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Logf("%s did not start: %s %s", d.program, said.String(), log)
	}
	t.Fatalf("%s does not start", d.program)
	return 0
}

func freePort(t *testing.T) int {
	t.Helper()
	ports, err := porttest.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// listens waits until somebody answers at a port, or the process has ended.
func listens(port int, ended <-chan struct{}) bool {
	for start := time.Now(); time.Since(start) < 20*time.Second; {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

// nginx is one with settings of its server, and what its location does.
func nginx(settings, location string) daemon {
	return daemon{
		program: "nginx",
		args:    func(_, conf string, _ int) []string { return []string{"-c", conf} },
		conf: func(dir string, port int) string {
			return fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/log;
events {}
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
	uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server { listen 127.0.0.1:%[2]d; %[3]s location / { %[4]s } }
}
`, dir, port, settings, location)
		},
	}
}

// squidName keeps one squid's shared memory apart from another's.
func squidName(port int) string { return fmt.Sprint("sondewatch", port) }

// squid is one with more settings.
func squid(settings string) daemon {
	return daemon{
		program: "squid",
		args: func(_, conf string, port int) []string {
			return []string{"-N", "-n", squidName(port), "-f", conf}
		},
		conf: func(dir string, port int) string {
			user := ""
			if os.Getuid() == 0 {
				user = "cache_effective_user proxy" // squid does not run as root
			}
			return fmt.Sprintf(`http_port 127.0.0.1:%d
%s
http_access allow all
pid_filename none
cache deny all
cache_mem 1 MB
cache_log %[3]s/log
access_log none
coredump_dir %[3]s
shutdown_lifetime 0 seconds
pinger_enable off
%s
`, port, user, dir, settings)
		},
	}
}

// tinyproxy never keeps a connection.
var tinyproxy = daemon{
	program: "tinyproxy",
	args:    func(_, conf string, _ int) []string { return []string{"-d", "-c", conf} },
	conf: func(dir string, port int) string {
		return fmt.Sprintf("Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nAllow 127.0.0.1\nLogLevel Error\nLogFile %q\n", port, dir+"/log")
	},
}

// hugeFile is a folder with an index.html that no socket buffer holds.
func hugeFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	os.Chmod(dir, 0o755)
	os.Chmod(filepath.Dir(dir), 0o755)
	f, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(64 << 20); err != nil { // a hole
		t.Fatal(err)
	}
	return dir
}

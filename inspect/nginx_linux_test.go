package inspect_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sonde/inspect"
)

// TestNginx: the settings of a real server, told by what they do.
func TestNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("no nginx")
	}
	tests := []struct {
		name, settings, program, want string
		side                          inspect.Side
		proxied                       bool // the leg behind nginx is watched
	}{
		{name: "defaults", program: "well"},
		{name: "request limit", settings: "keepalive_requests 4;", program: "many", want: "server-request-limit", side: inspect.Server},
		{name: "no keep-alive", settings: "keepalive_timeout 0;", program: "well", want: "server-asks-close", side: inspect.Server},
		{name: "idle timeout", settings: "keepalive_timeout 100ms;", program: "pauses", want: "server-idle-timeout", side: inspect.Server},
		{name: "upstream by HTTP/1.0", program: "well", proxied: true, want: "http10", side: inspect.Client},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			location := `return 200 "hello\n";`
			s := serve(t, serverOptions{})
			if tt.proxied {
				location = "proxy_http_version 1.0; proxy_pass " + s.URL + ";"
			}
			port := startNginx(t, nginx, tt.settings, location)
			s.URL = fmt.Sprintf("http://127.0.0.1:%d/", port)
			watched := port
			if tt.proxied {
				watched = portOf(t, s.Listener.Addr().String())
			}
			calmly(t, func() []string {
				w := watchPort(t, watched, ear{})
				s.run(t, tt.program)
				v := &w.report().Verdict
				faults := wrongCauses(v, tt.want)
				if len(v.Causes) > 0 && v.Causes[0].Side != tt.side {
					faults = append(faults, "on the side of the "+v.Causes[0].Side.String())
				}
				return faults
			})
		})
	}
}

// startNginx runs nginx with settings on a free port until the test is over.
func startNginx(t *testing.T, nginx, settings, location string) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/log;
events {}
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
	uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server { listen 127.0.0.1:%[2]d; %[3]s location / { %[4]s } }
}
`, dir, port, settings, location)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return port
		}
		if time.Since(start) > 20*time.Second {
			log, _ := os.ReadFile(dir + "/log")
			t.Skipf("nginx does not start: %s", log)
		}
	}
}

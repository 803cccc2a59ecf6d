package sonde_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
	"sonde/internal/porttest"
	"sonde/trace"
)

// webRoot is a directory with files to serve.
func webRoot(t *testing.T) string {
	dir := t.TempDir()
	for name, size := range map[string]int{"small": 5, "empty": 0, "large": 5 << 20} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("x", size)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(dir, 0o755)
	return dir
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	ports, err := porttest.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(ports[0])
}

// run starts a server and waits until it listens on port.
func run(t *testing.T, port, name string, args ...string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("not installed here:", name)
	}
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 400 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			return "http://127.0.0.1:" + port
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal(name, "does not listen")
	return ""
}

// TestAttackServers: real servers: Go's, nginx and Python's.
func TestAttackServers(t *testing.T) {
	servers := []struct {
		name  string
		start func(t *testing.T, root string) string
		kept  bool // it keeps connections
		posts bool // it limits uploads to 1 MB
	}{
		{"go", func(t *testing.T, root string) string {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			files := http.FileServer(http.Dir(root))
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "POST" {
					if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<20)); err != nil {
						w.WriteHeader(413)
					}
					return
				}
				files.ServeHTTP(w, r)
			})}
			go s.Serve(ln)
			t.Cleanup(func() { s.Close() })
			return "http://" + ln.Addr().String()
		}, true, true},
		{"nginx", func(t *testing.T, root string) string {
			port, dir := freePort(t), t.TempDir()
			user := ""
			if os.Getuid() == 0 {
				user = "user root;"
			}
			conf := filepath.Join(dir, "nginx.conf")
			text := fmt.Sprintf(`daemon off; master_process off; %s pid %s/pid; error_log %s/error.log;
				events { worker_connections 64; }
				http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f;
				uwsgi_temp_path %s/u; scgi_temp_path %s/s; keepalive_timeout 30 20; client_max_body_size 1m;
				server { listen 127.0.0.1:%s; root %s; location /few { keepalive_requests 2; return 200 "few"; } } }`,
				user, dir, dir, dir, dir, dir, dir, dir, port, root)
			if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return run(t, port, "nginx", "-p", dir, "-c", conf)
		}, true, true},
		{"python", func(t *testing.T, root string) string {
			port := freePort(t)
			return run(t, port, "python3", "-m", "http.server", "-b", "127.0.0.1", "-d", root, port)
		}, false, false},
	}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			url := s.start(t, webRoot(t))
			c := newClient(t, sonde.Config{})
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 5 {
						r, err := c.Get(background, url+"/small")
						if err != nil || string(r.Body) != "xxxxx" {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if n := c.Pool().Stats().Opened; s.kept && n > 4 || !s.kept && n != 20 {
				t.Errorf("%d connections: %v", n, c.Pool().Stats().Reasons.Map())
			}
			if r, err := c.Get(background, url+"/large"); err != nil || len(r.Body) != 5<<20 {
				t.Error(err)
			}
			if r, err := c.Get(background, url+"/empty"); err != nil || len(r.Body) != 0 {
				t.Error(err)
			}
			if r, err := c.Head(background, url+"/large"); err != nil || len(r.Body) != 0 || !r.Header.Is("Content-Length", "5242880") {
				t.Error(err)
			}
			var status *sonde.StatusError
			if _, err := c.Get(background, url+"/none"); !errors.As(err, &status) || status.Status != 404 {
				t.Error(err)
			}
			if s.posts {
				large := make([]byte, 20<<20)
				for name, body := range map[string]sonde.Body{
					"bytes": sonde.Bytes(large), "chunked": sonde.Func(-1, func() (io.ReadCloser, error) {
						return io.NopCloser(strings.NewReader(string(large))), nil
					}),
				} {
					for _, expect := range []bool{false, true} {
						opts := []sonde.Option{}
						if expect {
							opts = append(opts, sonde.WithExpectContinue())
						}
						if _, err := c.Post(background, url+"/none", body, opts...); !errors.As(err, &status) || status.Status.Class() != 4 {
							t.Errorf("%s, expect %v: %v", name, expect, err)
						}
					}
				}
			}
			if s.name == "nginx" {
				c.Pool().CloseIdle()
				for range 6 {
					if r, err := c.Get(background, url+"/few"); err != nil || string(r.Body) != "few" {
						t.Error(err)
					}
				}
				if n := c.Pool().Stats().Reasons[trace.ServerAsked]; n < 3 {
					t.Errorf("nginx asked %d times", n)
				}
			}
			if st := c.Pool().Stats(); st.Active != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

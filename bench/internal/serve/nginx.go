package serve

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const nginxConf = `daemon off;
%[1]s
worker_processes %[2]d;
worker_rlimit_nofile 16384;
error_log %[3]s/error.log;
pid %[3]s/nginx.pid;
events { worker_connections 8192; }
http {
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path %[3]s; proxy_temp_path %[3]s; fastcgi_temp_path %[3]s;
  uwsgi_temp_path %[3]s; scgi_temp_path %[3]s;
  sendfile on;
  open_file_cache max=10;
  server {
    listen %[4]s backlog=4096;
    listen %[5]s ssl backlog=4096;
    listen %[6]s backlog=4096;
    ssl_certificate %[3]s/cert.pem;
    ssl_certificate_key %[3]s/key.pem;
    ssl_protocols TLSv1.3;
    root %[3]s;
    location = /close { keepalive_timeout 0; }
    location = /headers {
%[7]s    }
  }
}
`

// startNginx runs nginx in the foreground with the same bodies, from files. Fields
// are as many as nginx makes of them.
func (s *Site) startNginx() error {
	cert, key, err := certificate()
	if err != nil {
		return err
	}
	var addrs [3]string
	for i := range addrs {
		if addrs[i], err = freeAddr(); err != nil {
			return err
		}
	}
	s.Plain, s.TLS, s.Bulk = addrs[0], addrs[1], addrs[2]
	s.lacks = []string{Wait, Up} // it answers Up before it has read the body
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	conf := fmt.Sprintf(nginxConf, user, 1, s.dir, s.Plain, s.TLS, s.Bulk, nginxFields())
	for name, content := range map[string]string{
		"nginx.conf": conf, "cert.pem": string(cert), "key.pem": string(key),
		Small: text(smallBody), Close: text(smallBody), Headers: text(largeBody),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	s.cmd = exec.Command("nginx", "-p", s.dir, "-e", filepath.Join(s.dir, "error.log"), "-c", filepath.Join(s.dir, "nginx.conf"))
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.trust(cert); err != nil {
		return err
	}
	return awaitListener(s.Plain)
}

// nginxFields are the many fields as directives, but those that nginx itself gives
// to a file.
func nginxFields() string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(manyFields()), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Last-Modified", "Etag", "Accept-Ranges":
		default:
			fmt.Fprintf(&b, "      add_header %s '%s';\n", name, value)
		}
	}
	return b.String()
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func awaitListener(addr string) error {
	for range 100 {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("nginx does not listen at " + addr)
}

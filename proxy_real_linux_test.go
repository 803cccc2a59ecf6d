package sonde_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sonde"
	"sonde/auth"
	"sonde/internal/porttest"
)

// realProxy is a proxy of somebody else's, which a test starts.
type realProxy struct {
	program string
	// start says how: with which arguments, given a folder that anybody may write to
	// and ports that are free.
	start func(t *testing.T, dir string, port []int) []string
	ports int
	// proxies are what is then there to be tried, by name.
	proxies func(t *testing.T, port []int) map[string]*sonde.Proxy
}

// realProxies are those of Debian's packages. .ci/run installs them.
var realProxies = []realProxy{
	{program: "squid", ports: 3, start: startSquid, proxies: func(t *testing.T, port []int) map[string]*sonde.Proxy {
		_, trust := certificates(t)
		return map[string]*sonde.Proxy{
			"squid http":   mustProxy(t, at("http", port[0]), sonde.ProxyConfig{}),
			"squid tunnel": mustProxy(t, at("http", port[0]), sonde.ProxyConfig{Tunnel: true}),
			"squid https":  mustProxy(t, at("https", port[1]), sonde.ProxyConfig{TLS: trust}),
			"squid digest": mustProxy(t, at("http", port[2]), sonde.ProxyConfig{Auth: auth.Digest("me", "secret")}),
		}
	}},
	{program: "tinyproxy", ports: 1, start: startTinyproxy, proxies: func(t *testing.T, port []int) map[string]*sonde.Proxy {
		return map[string]*sonde.Proxy{
			"tinyproxy http":   mustProxy(t, at("http", port[0], "me:secret@"), sonde.ProxyConfig{}),
			"tinyproxy tunnel": mustProxy(t, at("http", port[0], "me:secret@"), sonde.ProxyConfig{Tunnel: true}),
		}
	}},
	{program: "privoxy", ports: 1, start: startPrivoxy, proxies: func(t *testing.T, port []int) map[string]*sonde.Proxy {
		return map[string]*sonde.Proxy{"privoxy http": mustProxy(t, at("http", port[0]), sonde.ProxyConfig{})}
	}},
	{program: "microsocks", ports: 1, start: func(_ *testing.T, _ string, port []int) []string {
		return []string{"-i", "127.0.0.1", "-p", fmt.Sprint(port[0]), "-u", "me", "-P", "secret"}
	}, proxies: func(t *testing.T, port []int) map[string]*sonde.Proxy {
		return map[string]*sonde.Proxy{
			"microsocks socks5":  mustProxy(t, at("socks5", port[0], "me:secret@"), sonde.ProxyConfig{}),
			"microsocks socks5h": mustProxy(t, at("socks5h", port[0], "me:secret@"), sonde.ProxyConfig{}),
		}
	}},
	// It leads to the next proxy, which is one of our own.
	{program: "nghttpx", ports: 1, start: startNghttpx, proxies: func(t *testing.T, port []int) map[string]*sonde.Proxy {
		_, trust := certificates(t)
		return map[string]*sonde.Proxy{"nghttpx https": mustProxy(t, at("https", port[0]), sonde.ProxyConfig{TLS: trust})}
	}},
	{program: "danted", ports: 1, start: startDante, proxies: func(t *testing.T, port []int) map[string]*sonde.Proxy {
		return map[string]*sonde.Proxy{"dante socks5h": mustProxy(t, at("socks5h", port[0]), sonde.ProxyConfig{})}
	}},
}

func at(scheme string, port int, user ...string) string {
	return fmt.Sprintf("%s://%s127.0.0.1:%d", scheme, strings.Join(user, ""), port)
}

// run starts p, and returns what there is to be tried. The test is skipped where
// it is not installed.
func (p *realProxy) run(t *testing.T) map[string]*sonde.Proxy {
	path := programPath(p.program)
	if path == "" {
		t.Skipf("%s is not installed", p.program)
	}
	for range 3 { // a port that was free may be taken in the meantime
		dir := t.TempDir()
		os.Chmod(dir, 0o777)
		os.Chmod(filepath.Dir(dir), 0o755)
		port := freePorts(t, p.ports)
		cmd := exec.Command(path, p.start(t, dir, port)...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // some have children
		var out lockedBuffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); cmd.Wait() }()
		stop := func() {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
			leftovers, _ := filepath.Glob("/dev/shm/" + squidName(port) + "-*")
			for _, name := range leftovers {
				os.Remove(name)
			}
		}
		if answers(port, ended) {
			t.Cleanup(stop)
			return p.proxies(t, port)
		}
		stop()
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Logf("%s did not start: %s %s", p.program, out.String(), log)
	}
	t.Fatalf("%s does not start", p.program)
	return nil
}

// programPath is where a program is, also one for root.
func programPath(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path := "/usr/sbin/" + name; exec.Command(path).Path != "" {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

func freePorts(t *testing.T, n int) []int {
	ports, err := porttest.Free(n)
	if err != nil {
		t.Fatal(err)
	}
	return ports
}

// answers waits until something listens on all ports, or the program has ended.
func answers(ports []int, ended <-chan struct{}) bool {
	for _, port := range ports {
		for {
			c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
			if err == nil {
				c.Close()
				break
			}
			select {
			case <-ended:
				return false
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return true
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func writeFile(t *testing.T, dir, name, text string) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// pemFiles are the test's certificate and its key in files.
func pemFiles(t *testing.T, dir string) (cert, key string) {
	server, _ := certificates(t)
	one := server.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(one.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert = writeFile(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.Certificate[0]})))
	key = writeFile(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return cert, key
}

// squidName keeps one squid's shared memory apart from another's.
func squidName(port []int) string { return fmt.Sprint("sonde", port[0]) }

func startSquid(t *testing.T, dir string, port []int) []string {
	cert, key := pemFiles(t, dir)
	user := ""
	if os.Getuid() == 0 {
		user = "cache_effective_user proxy" // squid does not run as root
	}
	users := writeFile(t, dir, "users", "me:secret\n")
	return []string{"-N", "-n", squidName(port), "-f", writeFile(t, dir, "conf", fmt.Sprintf(`
http_port 127.0.0.1:%d
https_port 127.0.0.1:%d tls-cert=%s tls-key=%s
http_port 127.0.0.1:%d name=asks
%s
auth_param digest program /usr/lib/squid/digest_file_auth %s
auth_param digest children 1 startup=0 idle=1
auth_param digest realm squid
acl asking myportname asks
acl known proxy_auth REQUIRED
http_access allow asking known
http_access deny asking
http_access allow all
pid_filename none
cache deny all
cache_mem 1 MB
cache_log %s/log
access_log none
coredump_dir %s
shutdown_lifetime 0 seconds
pinger_enable off
`, port[0], port[1], cert, key, port[2], user, users, dir, dir))}
}

func startTinyproxy(t *testing.T, dir string, port []int) []string {
	return []string{"-d", "-c", writeFile(t, dir, "conf", fmt.Sprintf(`
Port %d
Listen 127.0.0.1
Timeout 60
MaxClients 50
Allow 127.0.0.1
BasicAuth me secret
LogLevel Error
LogFile "%s/log"
`, port[0], dir))}
}

func startPrivoxy(t *testing.T, dir string, port []int) []string {
	return []string{"--no-daemon", writeFile(t, dir, "conf", fmt.Sprintf(`
listen-address 127.0.0.1:%d
confdir %s
logdir %s
keep-alive-timeout 30
`, port[0], dir, dir))}
}

func startDante(t *testing.T, dir string, port []int) []string {
	as := ""
	if os.Getuid() == 0 {
		as = "user.privileged: root\nuser.unprivileged: root"
	}
	return []string{"-p", filepath.Join(dir, "pid"), "-f", writeFile(t, dir, "conf", fmt.Sprintf(`
logoutput: %s/log
internal: 127.0.0.1 port = %d
external: 127.0.0.1
clientmethod: none
socksmethod: none
%s
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`, dir, port[0], as))}
}

func startNghttpx(t *testing.T, dir string, port []int) []string {
	cert, key := pemFiles(t, dir)
	next := newProxyPeer(t, func(*proxyPeer) {})
	return []string{
		"--conf=" + writeFile(t, dir, "conf", ""), "--no-ocsp", "--http2-proxy", "--workers=1",
		fmt.Sprintf("--frontend=127.0.0.1,%d", port[0]),
		fmt.Sprintf("--backend=127.0.0.1,%d", next.ln.Addr().(*net.TCPAddr).Port),
		"--accesslog-file=/dev/null", "--errorlog-file=" + filepath.Join(dir, "log"), key, cert,
	}
}

// TestProxyReal is the table for proxies of other people's.
func TestProxyReal(t *testing.T) {
	for _, p := range realProxies {
		t.Run(p.program, func(t *testing.T) { table(t, p.run(t)) })
	}
}

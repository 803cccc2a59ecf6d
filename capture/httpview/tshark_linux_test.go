package httpview_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde/capture/httpview"
	"sonde/capture/keylog"
)

// handler answers in as many ways as there are of ending a message.
func handler(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	switch r.URL.Path {
	case "/empty":
		w.WriteHeader(http.StatusNoContent)
	case "/same":
		w.WriteHeader(http.StatusNotModified)
	case "/big":
		w.Write(bytes.Repeat([]byte("0123456789"), 30_000))
	case "/chunked":
		for range 5 {
			io.WriteString(w, "some text")
			w.(http.Flusher).Flush()
		}
	case "/trailer":
		w.Header().Set("Trailer", "Sum")
		io.WriteString(w, "text")
		w.Header().Set("Sum", "4")
	case "/hint":
		w.Header().Set("Link", "</style>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hinted")
	case "/last":
		w.Header().Set("Connection", "close")
		io.WriteString(w, "the last one")
	default:
		http.NotFound(w, r)
	}
}

var paths = []string{"/empty", "/same", "/big", "/chunked", "/trailer", "/hint", "/none?x=1&y=2", "/big", "/empty"}

// traffic sends requests of all kinds, and some at once.
func traffic(t *testing.T, url string, tr *http.Transport) {
	c := &http.Client{Transport: tr, Timeout: 10 * time.Second}
	do := func(method, path string, body io.Reader) {
		req, err := http.NewRequest(method, url+path, body)
		if err != nil {
			t.Error(err)
			return
		}
		if method == "PUT" {
			req.Header.Set("Expect", "100-continue")
		}
		res, err := c.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	for _, p := range paths {
		do("GET", p, nil)
	}
	do("HEAD", "/big", nil)
	do("POST", "/chunked", strings.NewReader("some bytes"))
	do("POST", "/none", io.MultiReader(strings.NewReader("of unknown "), strings.NewReader("length")))
	do("PUT", "/empty", strings.NewReader("expected"))
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { do("GET", paths[i], nil) })
	}
	wg.Wait()
	do("GET", "/last", nil)
	c.CloseIdleConnections()
}

func portOf(t *testing.T, addr net.Addr) int { return addr.(*net.TCPAddr).Port }

// serve starts a server, with TLS if there is a configuration.
func serve(t *testing.T, p *http.Protocols, c *tls.Config) (url string, port int) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(handler))
	s.Config.Protocols, s.TLS = p, c
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if c != nil {
		s.EnableHTTP2 = p.HTTP2()
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.URL, portOf(t, s.Listener.Addr())
}

func protocols(set ...func(*http.Protocols, bool)) *http.Protocols {
	p := new(http.Protocols)
	for _, f := range set {
		f(p, true)
	}
	return p
}

// same compares what was found with what tshark says, order aside.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s\n%s\ntshark\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// compare1 compares the HTTP/1 exchanges of a file with tshark's.
func compare1(t *testing.T, file string, all []*httpview.Exchange, options ...string) {
	t.Helper()
	var got, want []string
	for _, x := range all {
		if x.Problem != "" || x.Missing != 0 {
			t.Errorf("%s", x.AppendText(nil))
		}
		got = append(got, fmt.Sprint(x.Conn, " ", x.Method, " ", x.Target))
		for range x.Informational {
			got = append(got, fmt.Sprint(x.Conn, " ", "1xx"))
		}
		// tshark takes the time between the packets that complete the messages.
		if len(x.Informational) == 0 {
			got = append(got, fmt.Sprintf("%d %d %.6f", x.Conn, x.Status, float64(x.End-x.Sent)/1e9))
		} else {
			got = append(got, fmt.Sprintf("%d %d", x.Conn, x.Status))
		}
	}
	for _, r := range tshark(t, file, "http.request", options, "tcp.stream", "http.request.method", "http.request.uri") {
		want = append(want, strings.Join(r, " "))
	}
	informed := map[string]bool{}
	for _, r := range tshark(t, file, "http.response", options, "tcp.stream", "http.response.code", "http.time") {
		for _, code := range strings.Split(r[1], "|") {
			seconds, err := strconv.ParseFloat(strings.Split(r[2], "|")[0], 64)
			switch {
			case code[0] == '1':
				want = append(want, r[0]+" 1xx")
				informed[r[0]] = true
			case informed[r[0]] || err != nil: // it counts from one of several answers
				informed[r[0]] = false
				want = append(want, r[0]+" "+code)
			default:
				want = append(want, fmt.Sprintf("%s %s %.6f", r[0], code, seconds))
			}
		}
	}
	same(t, "HTTP/1", got, want)
}

// compare2 compares the HTTP/2 exchanges of a file with tshark's.
func compare2(t *testing.T, file string, all []*httpview.Exchange, options ...string) {
	t.Helper()
	var got, want []string
	for _, x := range all {
		if x.Problem != "" || x.Missing != 0 || x.Stream == 0 || x.Proto != "HTTP/2" {
			t.Errorf("%s", x.AppendText(nil))
		}
		got = append(got, fmt.Sprint(x.Conn, " ", x.Method, " ", x.Target), fmt.Sprint(x.Conn, " ", x.Status))
		for _, s := range x.Informational {
			got = append(got, fmt.Sprint(x.Conn, " ", s))
		}
	}
	for _, r := range tshark(t, file, "http2.headers.method", options, "tcp.stream", "http2.headers.method", "http2.headers.path") {
		methods, paths := strings.Split(r[1], "|"), strings.Split(r[2], "|")
		for i := range methods {
			want = append(want, r[0]+" "+methods[i]+" "+paths[i])
		}
	}
	for _, r := range tshark(t, file, "http2.headers.status", options, "tcp.stream", "http2.headers.status") {
		for _, s := range strings.Split(r[1], "|") {
			want = append(want, r[0]+" "+s)
		}
	}
	same(t, "HTTP/2", got, want)
	// Where a packet has one header frame only, the stream is known too.
	got, want = nil, nil
	one := map[string]bool{}
	for _, r := range tshark(t, file, "http2.headers.path", options, "tcp.stream", "http2.streamid", "http2.headers.path") {
		if !strings.Contains(r[1], "|") {
			want = append(want, strings.Join(r, " "))
			one[r[0]+" "+r[1]] = true
		}
	}
	for _, x := range all {
		if id := fmt.Sprint(x.Conn, " ", x.Stream); one[id] {
			got = append(got, id+" "+x.Target)
		}
	}
	same(t, "streams", got, want)
}

// sizes checks what the handler is known to send.
func sizes(t *testing.T, all []*httpview.Exchange) {
	t.Helper()
	if len(all) != 20 {
		t.Errorf("%d exchanges, 20 were made", len(all))
	}
	want := map[string]int64{"/big": 300_000, "/chunked": 45, "/trailer": 4, "/hint": 6, "/empty": 0, "/same": 0, "/last": 12}
	bodies := map[string]int64{"/chunked": 10, "/none": 17, "/empty": 8}
	for _, x := range all {
		if n, ok := want[x.Target]; ok && x.Method != "HEAD" && x.ResponseBody != n {
			t.Errorf("%s %s: %d bytes, want %d", x.Method, x.Target, x.ResponseBody, n)
		}
		if x.Method != "GET" && x.Method != "HEAD" && x.RequestBody != bodies[x.Target] {
			t.Errorf("%s %s: sent %d bytes, want %d", x.Method, x.Target, x.RequestBody, bodies[x.Target])
		}
		if x.Target == "/trailer" && httpview.Get(x.ResponseTrailer, "sum") != "4" {
			t.Errorf("trailer: %v", x.ResponseTrailer)
		}
		if d, ok := x.TimeToFirstByte(); !ok || d < 0 || x.End < x.FirstByte || x.FirstByte < x.Start {
			t.Errorf("times of %s", x.AppendText(nil))
		}
	}
}

func TestAgainstTshark(t *testing.T) {
	need(t, "tcpdump", "tshark")
	h1, h2, h2c := (*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2, (*http.Protocols).SetUnencryptedHTTP2
	tests := []struct {
		name      string
		protocols *http.Protocols
		version   uint16 // of TLS
		cipher    uint16
		as        string // what tshark is to take the port for
	}{
		{"HTTP1", protocols(h1), 0, 0, "http"},
		{"HTTP2 in clear", protocols(h2c), 0, 0, "http2"},
		{"HTTP1 in TLS 1.2 AES-128", protocols(h1), tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "tls"},
		{"HTTP1 in TLS 1.2 AES-256", protocols(h1), tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "tls"},
		{"HTTP2 in TLS 1.2 ChaCha20", protocols(h2), tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "tls"},
		{"HTTP1 in TLS 1.3", protocols(h1), tls.VersionTLS13, 0, "tls"},
		{"HTTP2 in TLS 1.3", protocols(h2), tls.VersionTLS13, 0, "tls"},
	}
	for i, tt := range tests {
		if raceDetector && i%3 != 0 {
			continue // most of the time is tshark's own
		}
		t.Run(tt.name, func(t *testing.T) {
			var config *tls.Config
			client := &tls.Config{InsecureSkipVerify: true}
			keys := filepath.Join(t.TempDir(), "keys")
			if tt.version != 0 {
				config = &tls.Config{MinVersion: tt.version, MaxVersion: tt.version}
				if tt.cipher != 0 {
					config.CipherSuites = []uint16{tt.cipher}
				}
				f, err := os.Create(keys)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				client.KeyLogWriter = f
			}
			url, port := serve(t, tt.protocols, config)
			tr := &http.Transport{Protocols: tt.protocols, TLSClientConfig: client, MaxIdleConnsPerHost: 6, DisableCompression: true}
			file := record(t, port, func() { traffic(t, url, tr) })

			var c httpview.Config
			options := []string{"-d", fmt.Sprintf("tcp.port==%d,%s", port, tt.as)}
			if tt.version != 0 {
				log, err := keylog.Open(keys)
				if err != nil {
					t.Fatal(err)
				}
				c.Keys = log
				options = append(options, "-o", "tls.keylog_file:"+keys)
			}
			// Go's client gives up handshakes that it does not need any more.
			c.Unread = func(u *httpview.Unread) { t.Logf("%s", u.AppendText(nil)) }
			all := view(t, file, c)
			sizes(t, all)
			if tt.protocols.HTTP1() {
				compare1(t, file, all, options...)
			} else {
				compare2(t, file, all, options...)
			}
		})
	}
}

// TestCurl lets curl choose the TLS 1.3 suite, which Go does not.
func TestCurl(t *testing.T) {
	need(t, "tcpdump", "tshark", "curl")
	url, port := serve(t, protocols((*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2), &tls.Config{})
	for i, cipher := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"} {
		version := []string{"--http1.1", "--http2"}[i%2]
		if raceDetector && i != 1 {
			continue
		}
		t.Run(cipher+version, func(t *testing.T) {
			keys := filepath.Join(t.TempDir(), "keys")
			file := record(t, port, func() {
				cmd := exec.Command("curl", "-sk", version, "--tls13-ciphers", cipher, "--tlsv1.3",
					url+"/big", url+"/empty", "-o", "/dev/null", "-o", "/dev/null")
				cmd.Env = append(os.Environ(), "SSLKEYLOGFILE="+keys)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("curl: %v: %s", err, out)
				}
			})
			log, err := keylog.Open(keys)
			if err != nil {
				t.Fatal(err)
			}
			all := view(t, file, httpview.Config{Keys: log})
			options := []string{"-d", fmt.Sprintf("tcp.port==%d,tls", port), "-o", "tls.keylog_file:" + keys}
			if version == "--http2" {
				compare2(t, file, all, options...)
			} else {
				compare1(t, file, all, options...)
			}
			if len(all) != 2 || all[0].ResponseBody != 300_000 || all[0].TLS.Version != tls.VersionTLS13 {
				t.Errorf("%d exchanges", len(all))
			}
		})
	}
}

// TestNginx has another server, with its own ways of sending.
func TestNginx(t *testing.T) {
	need(t, "tcpdump", "tshark", "curl", "nginx")
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := portOf(t, l.Addr())
	l.Close()
	os.Chmod(dir, 0o755)
	os.WriteFile(filepath.Join(dir, "file.txt"), bytes.Repeat([]byte("line of text\n"), 5000), 0o644)
	conf := filepath.Join(dir, "nginx.conf")
	os.WriteFile(conf, fmt.Appendf(nil, `daemon off; pid %[1]s/pid; error_log stderr; user root;
events {}
http {
	access_log off; types { text/plain txt; } gzip on; gzip_types text/plain;
	client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
	server { listen 127.0.0.1:%[2]d; root %[1]s; }
}`, dir, port), 0o644)
	ctx, stop := context.WithCancel(t.Context())
	nginx := exec.CommandContext(ctx, "nginx", "-c", conf, "-p", dir)
	if err := nginx.Start(); err != nil {
		t.Skip("nginx does not start:", err)
	}
	defer nginx.Wait()
	defer stop()
	nginx.Cancel = func() error { return nginx.Process.Signal(os.Interrupt) }
	for range 50 {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	file := record(t, port, func() {
		for _, args := range [][]string{
			{url + "/file.txt", url + "/none", url + "/file.txt"},
			{"--compressed", url + "/file.txt"},
			{"-r", "10-20", url + "/file.txt"},
			{"-I", url + "/file.txt"},
			{"-X", "DELETE", url + "/file.txt"},
			{"-0", url + "/file.txt"},
		} {
			exec.Command("curl", append([]string{"-s"}, args...)...).Run()
		}
	})
	all := view(t, file, httpview.Config{})
	if len(all) != 8 {
		t.Errorf("%d exchanges, 8 were made", len(all))
	}
	compare1(t, file, all, "-d", fmt.Sprintf("tcp.port==%d,http", port))
}

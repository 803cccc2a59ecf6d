package inspect_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"sonde/inspect"
	"sonde/internal/watchtest"
)

// TestProxies: a proxy that ends connections is named beside what it does, on the
// leg that is watched; one that keeps them is healthy, and without a proxy none is
// named.
func TestProxies(t *testing.T) {
	t.Parallel()
	direct := daemon{}
	const forward = `proxy_http_version 1.1; proxy_pass http://$http_host; add_header Via "1.1 nginx" always;`
	tests := []struct {
		name, program, want string
		side                inspect.Side
		proxy               daemon
		server              serverOptions
		behind              bool // the leg behind the proxy is watched
	}{
		{name: "squid", program: "through", proxy: squid("")},
		{name: "squid, its leg to the server", program: "through", proxy: squid(""), behind: true},
		{name: "squid, by CONNECT", program: "through", proxy: squid(""), server: serverOptions{tls: true}},
		{name: "squid without keep-alive", program: "through", proxy: squid("client_persistent_connections off"),
			want: "server-asks-close proxy-between", side: inspect.Server},
		{name: "squid without keep-alive to the server", program: "through", proxy: squid("server_persistent_connections off"), behind: true,
			want: "client-asks-close proxy-between", side: inspect.Client},
		{name: "nginx with a short idle timeout", program: "through-pauses", proxy: nginx("keepalive_timeout 100ms;", forward),
			want: "server-idle-timeout proxy-between", side: inspect.Server},
		{name: "nginx with an idle timeout that is long enough", program: "through-pauses", proxy: nginx("", forward)},
		{name: "tinyproxy", program: "through", proxy: tinyproxy, want: "server-asks-close proxy-between", side: inspect.Server},
		{name: "tinyproxy, its leg to the server", program: "through", proxy: tinyproxy, behind: true, want: "client-asks-close proxy-between", side: inspect.Client},
		{name: "squid, and a client that asks close", program: "through-once", proxy: squid(""), want: "client-asks-close", side: inspect.Client},
		{name: "no proxy", program: "well", proxy: direct},
		{name: "no proxy, server without keep-alive", program: "well", proxy: direct, server: serverOptions{noKeep: true},
			want: "server-asks-close", side: inspect.Server},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.server)
			words := []string{s.URL}
			port := portOf(t, s.Listener.Addr().String())
			if tt.proxy.program != "" {
				proxy := tt.proxy.start(t)
				words = append(words, fmt.Sprintf("http://127.0.0.1:%d", proxy))
				if !tt.behind {
					port = proxy
				}
			}
			watchtest.Calmly(t, func() []string {
				w := watchtest.Start(t, watchtest.Ear{}, port)
				watchtest.Run(t, tt.program, words...)
				v := &w.Report().Verdict
				faults := watchtest.Wrong(v, tt.want)
				if len(v.Causes) > 0 && v.Causes[0].Side != tt.side {
					faults = append(faults, "on the side of the "+v.Causes[0].Side.String())
				}
				return faults
			})
		})
	}
}

// TestCurl: what people do with curl.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	const each = "for i in 1 2 3 4 5 6; do %s; done"
	tests := []struct {
		name, script, want string // of the script $URL, $ADDR and $PORT are known
		server             serverOptions
		conns              int
	}{
		{name: "one process", script: "curl $URL?[1-12]", conns: 1},
		{name: "one process, at once", script: "curl -Z --parallel-max 4 $URL?[1-12]", want: "", conns: -1},
		{name: "a process for each", script: fmt.Sprintf(each, "curl $URL"), want: "client-per-request", conns: 6},
		{name: "HTTP/1.0", script: "curl --http1.0 $URL?[1-6]", want: "http10", conns: 6},
		{name: "HTTP/1.0 with keep-alive", script: "curl --http1.0 -H 'Connection: keep-alive' $URL?[1-6]", conns: 1},
		{name: "asks close", script: "curl -H 'Connection: close' $URL?[1-6]", want: "client-asks-close", conns: 6},
		{name: "server asks close", script: "curl $URL?[1-6]", want: "server-asks-close", server: serverOptions{noKeep: true}, conns: 6},
		{name: "names apart", script: "curl " + resolveAll("a b c d e") + " http://{a,b,c,d,e}.example.org:$PORT/", want: "names-apart", conns: 5},
		{name: "one name", script: "curl " + resolveAll("a") + " http://a.example.org:$PORT/[1-5]", conns: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watchtest.Calmly(t, func() (faults []string) {
				s := serve(t, tt.server)
				address := s.Listener.Addr().String()
				port := portOf(t, address)
				script := strings.NewReplacer("$URL", s.URL+"/", "$ADDR", address, "$PORT", fmt.Sprint(port),
					"curl ", curl+" -q -sS --noproxy '*' -o /dev/null ").Replace(tt.script)
				w := watchtest.Start(t, watchtest.Ear{}, port)
				if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
					t.Errorf("%s: %v: %s", script, err, out)
				}
				v := &w.Report().Verdict
				if tt.conns >= 0 && v.Connections != tt.conns {
					faults = append(faults, fmt.Sprintf("%d connections, want %d", v.Connections, tt.conns))
				}
				side := inspect.Client
				if tt.want == "server-asks-close" {
					side = inspect.Server
				}
				return append(faults, judged(s, v, tt.want, side)...)
			})
		})
	}
}

// resolveAll makes curl find names at 127.0.0.1.
func resolveAll(names string) string {
	var all []string
	for _, name := range strings.Fields(names) {
		all = append(all, "--resolve "+name+".example.org:$PORT:127.0.0.1")
	}
	return strings.Join(all, " ")
}

// TestCurlThroughProxy: curl by a proxy that keeps connections, and by one that does
// not.
func TestCurlThroughProxy(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	tests := []struct {
		name, want string
		proxy      daemon
	}{
		{"squid", "", squid("")},
		{"squid without keep-alive", "server-asks-close proxy-between", squid("client_persistent_connections off")},
		{"tinyproxy", "server-asks-close proxy-between [retries]", tinyproxy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, serverOptions{})
			port := tt.proxy.start(t)
			watchtest.Calmly(t, func() []string {
				w := watchtest.Start(t, watchtest.Ear{}, port)
				out, err := exec.Command(curl, "-q", "-sS", "-o", "/dev/null", "--noproxy", "", "-x", fmt.Sprintf("http://127.0.0.1:%d", port), s.URL+"/[1-6]").CombinedOutput()
				if err != nil {
					t.Errorf("%v: %s", err, out)
				}
				return watchtest.Wrong(&w.Report().Verdict, tt.want)
			})
		})
	}
}

// TestNginx: the settings of a real server, told by what they do.
func TestNginx(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, settings, location, program, want string
		side                                    inspect.Side
		proxied                                 bool // the leg behind nginx is watched
	}{
		{name: "defaults", program: "well"},
		{name: "request limit", settings: "keepalive_requests 4;", program: "many", want: "server-request-limit", side: inspect.Server},
		{name: "request limit that is high enough", settings: "keepalive_requests 400;", program: "many"},
		{name: "no keep-alive", settings: "keepalive_timeout 0;", program: "well", want: "server-asks-close", side: inspect.Server},
		{name: "idle timeout", settings: "keepalive_timeout 100ms;", program: "pauses", want: "server-idle-timeout", side: inspect.Server},
		{name: "idle timeout that is long enough", settings: "keepalive_timeout 5s;", program: "pauses"},
		{name: "uploads refused, lingering", settings: "client_max_body_size 1k;", program: "uploads", want: "server-asks-close", side: inspect.Server},
		{name: "uploads refused, reset", settings: "client_max_body_size 1k; lingering_close off;", program: "uploads",
			want: "server-asks-close", side: inspect.Server},
		{name: "nobody reads, reset", settings: "send_timeout 150ms; reset_timedout_connection on; root $DIR;", location: "sendfile off;",
			program: "stuck-forever", want: "bodies-not-closed", side: inspect.Client},
		{name: "upstream by HTTP/1.0", program: "well", proxied: true, want: "http10", side: inspect.Client},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			location, s := `return 200 "hello\n";`, serve(t, serverOptions{})
			if tt.location != "" {
				location = tt.location
			}
			if tt.proxied {
				location = "proxy_http_version 1.0; proxy_pass " + s.URL + ";"
			}
			port := nginx(strings.ReplaceAll(tt.settings, "$DIR", hugeFile(t)), location).start(t)
			watched := port
			if tt.proxied {
				watched = portOf(t, s.Listener.Addr().String())
			}
			watchtest.Calmly(t, func() []string {
				w := watchtest.Start(t, watchtest.Ear{}, watched)
				watchtest.Run(t, tt.program, fmt.Sprintf("http://127.0.0.1:%d/", port))
				v := &w.Report().Verdict
				faults := watchtest.Wrong(v, tt.want)
				if len(v.Causes) > 0 && v.Causes[0].Side != tt.side {
					faults = append(faults, "on the side of the "+v.Causes[0].Side.String())
				}
				return faults
			})
		})
	}
}

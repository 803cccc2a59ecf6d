package sonde_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sonde"
)

// clientTraceOfArguments is a clientTrace that notes what hooks are told, too. It has
// no PutIdleConn, which net/http calls whenever its goroutine comes to it.
func (c *calledHooks) clientTraceOfArguments() *httptrace.ClientTrace {
	h := c.clientTrace()
	h.GetConn = func(hostPort string) { c.add("GetConn %s", hostPort) }
	h.DNSDone = func(i httptrace.DNSDoneInfo) { c.add("DNSDone %v", i.Addrs) }
	h.ConnectStart = func(network, addr string) { c.add("ConnectStart %s %s", network, addr) }
	h.ConnectDone = func(network, addr string, err error) { c.add("ConnectDone %s %s %v", network, addr, err) }
	h.WroteHeaderField = func(key string, values []string) { c.add("WroteHeaderField %s %q", key, values) }
	h.PutIdleConn = nil
	return h
}

// sortedFields are calls with the fields of a head in the order of the alphabet:
// net/http sends User-Agent before the caller's fields, sonde behind them.
func sortedFields(calls []string) string {
	isField := func(s string) bool { return strings.HasPrefix(s, "WroteHeaderField") }
	for from := 0; from < len(calls); from++ {
		to := from
		for to < len(calls) && isField(calls[to]) {
			to++
		}
		slices.Sort(calls[from:to])
		from = to
	}
	return strings.Join(calls, "\n")
}

// forwarding is an HTTP proxy that answers for origins, and makes tunnels.
func forwarding(w http.ResponseWriter, r *http.Request) {
	if r.Method != "CONNECT" {
		io.WriteString(w, "hello")
		return
	}
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(502)
		return
	}
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { io.Copy(to, from); to.Close() }()
	go func() { io.Copy(from, to); from.Close() }()
}

// TestHookArgumentsAsNetHTTP: hooks are told the same over net/http and over sonde,
// through proxies as well: GetConn gets the proxy's address there.
func TestHookArgumentsAsNetHTTP(t *testing.T) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	plain, secure := httptest.NewServer(hello), httptest.NewTLSServer(hello)
	defer plain.Close()
	defer secure.Close()
	between := httptest.NewServer(http.HandlerFunc(forwarding))
	defer between.Close()
	trust := secure.Client().Transport.(*http.Transport).TLSClientConfig
	for _, tt := range []struct{ name, url, proxy string }{
		{"an address", plain.URL, ""},
		{"a name", strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), ""},
		{"a proxy that forwards", plain.URL, between.URL},
		{"a proxy that makes a tunnel", secure.URL, between.URL},
	} {
		tr := &http.Transport{TLSClientConfig: trust.Clone(), DisableCompression: true}
		cfg := sonde.Config{TLS: trust, UserAgent: "Go-http-client/1.1", NoDecoding: true}
		if tt.proxy != "" {
			u, _ := url.Parse(tt.proxy)
			p, err := sonde.NewProxy(tt.proxy, sonde.ProxyConfig{})
			if err != nil {
				t.Fatal(err)
			}
			tr.Proxy, cfg.Proxy = http.ProxyURL(u), sonde.FixedProxy(p)
		}
		c := newClient(t, cfg)
		var mine, theirs calledHooks
		req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(background, theirs.clientTraceOfArguments()), "GET", tt.url, nil)
		req.Header["X-Twice"], req.Header["X-Empty"] = []string{"1", "2"}, []string{""}
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		tr.CloseIdleConnections()
		ctx := httptrace.WithClientTrace(background, mine.clientTraceOfArguments())
		own := sonde.NewRequest(sonde.GET, tt.url,
			sonde.WithHeader("X-Twice", "1"), sonde.WithAddedHeader("X-Twice", "2"), sonde.WithHeader("X-Empty", ""))
		if _, err := c.Do(ctx, own); err != nil {
			t.Fatal(err)
		}
		if want, got := sortedFields(theirs.take()), sortedFields(mine.take()); want != got {
			t.Errorf("%s: over net/http\n%s\nover sonde\n%s", tt.name, want, got)
		}
	}
}

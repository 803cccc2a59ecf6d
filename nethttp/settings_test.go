//lint:file-ignore SA1019 old dial functions still count

package nethttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde/nethttp"
)

// settings has a test for each field of http.Transport.
var settings = map[string]func(*testing.T){
	"Proxy":                  testProxy,
	"OnProxyConnectResponse": testConnect,
	"ProxyConnectHeader":     testConnect,
	"GetProxyConnectHeader":  testConnect,
	"DialContext":            testDial,
	"Dial":                   testDial,
	"DialTLSContext":         testDialTLS,
	"DialTLS":                testDialTLS,
	"TLSClientConfig":        testTLSConfig,
	"TLSHandshakeTimeout":    testHandshakeTimeout,
	"DisableKeepAlives":      testNoKeepAlive,
	"DisableCompression":     testNoCompression,
	"MaxIdleConns":           testIdle,
	"MaxIdleConnsPerHost":    testIdle,
	"MaxConnsPerHost":        testMaxConns,
	"IdleConnTimeout":        testIdleTimeout,
	"ResponseHeaderTimeout":  testHeadTimeout,
	"ExpectContinueTimeout":  testContinue,
	"MaxResponseHeaderBytes": testMaxHead,
	"WriteBufferSize":        testBufferSizes,
	"ReadBufferSize":         testBufferSizes,
	"ForceAttemptHTTP2":      testProtocols,
	"TLSNextProto":           testNextProto,
	"Protocols":              testProtocols,
	"HTTP2":                  testProtocols,
}

func TestSettings(t *testing.T) {
	fields := reflect.TypeFor[http.Transport]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if !f.IsExported() {
			continue
		}
		test := settings[f.Name]
		if test == nil {
			t.Errorf("%s has no test", f.Name)
			continue
		}
		t.Run(f.Name, test)
	}
}

func testProxy(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	})
	to, _ := url.Parse(proxy.URL)
	to.User = url.UserPassword("u", "p")
	rt := over(t, &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
		if r.Header.Get("X-Fail") != "" {
			return nil, errors.New("no proxy today")
		}
		return to, nil
	}})
	if _, body := get(t, rt, "http://origin.test/path?q"); body != "http://origin.test/path?q Basic dTpw" {
		t.Errorf("the proxy got %q", body)
	}
	req, _ := http.NewRequest("GET", "http://origin.test/", nil)
	req.Header.Set("X-Fail", "1")
	if _, err := rt.RoundTrip(req); err == nil || err.Error() != "no proxy today" {
		t.Error(err)
	}
}

// connectProxy is a proxy for CONNECT, which tells of each.
func connectProxy(t *testing.T, told chan<- http.Header) *url.URL {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		told <- r.Header.Clone()
		if r.Header.Get("X-Refuse") != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		up, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		defer up.Close()
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 Fine\r\nX-Via: me\r\n\r\n")
		var wg sync.WaitGroup
		wg.Go(func() { io.Copy(up, conn); up.(*net.TCPConn).CloseWrite() })
		io.Copy(conn, up)
		conn.Close()
		wg.Wait()
	})
	u, _ := url.Parse(s.URL)
	return u
}

func secureServer(t *testing.T) (*httptest.Server, *tls.Config) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+r.TLS.NegotiatedProtocol)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, &tls.Config{RootCAs: pool}
}

func testConnect(t *testing.T) {
	told := make(chan http.Header, 4)
	proxy := connectProxy(t, told)
	origin, trust := secureServer(t)
	responses := 0
	tr := &http.Transport{
		Proxy: http.ProxyURL(proxy), TLSClientConfig: trust,
		ProxyConnectHeader: http.Header{"X-Mine": {"1"}},
		OnProxyConnectResponse: func(_ context.Context, p *url.URL, req *http.Request, resp *http.Response) error {
			if responses++; resp.Header.Get("X-Via") != "me" || req.Method != "CONNECT" || p.Host != proxy.Host {
				t.Error(resp.Header, req.Method, p)
			}
			return nil
		},
	}
	if _, body := get(t, over(t, tr), origin.URL); !strings.HasPrefix(body, "HTTP/1.1") || responses != 1 {
		t.Error(body, responses)
	}
	if h := <-told; h.Get("X-Mine") != "1" || h.Get("User-Agent") != "Go-http-client/1.1" {
		t.Error(h)
	}

	refusal := errors.New("refused by the callback")
	tr.OnProxyConnectResponse = func(context.Context, *url.URL, *http.Request, *http.Response) error { return refusal }
	if err := failing(t, over(t, tr), origin.URL); err != refusal {
		t.Error(err)
	}
	<-told

	tr.OnProxyConnectResponse = nil
	tr.GetProxyConnectHeader = func(_ context.Context, _ *url.URL, target string) (http.Header, error) {
		return http.Header{"X-Refuse": {target}}, nil
	}
	if err := failing(t, over(t, tr), origin.URL); err.Error() != "Forbidden" {
		t.Errorf("%q", err)
	}
	if h := <-told; h.Get("X-Refuse") != origin.Listener.Addr().String() || h.Get("X-Mine") != "" {
		t.Error(h)
	}
}

func testDial(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(100 * time.Millisecond) })
	var asked []string
	dial := func(network, addr string) (net.Conn, error) {
		asked = append(asked, network+" "+addr)
		conn, err := net.Dial(network, s.Listener.Addr().String())
		if err == nil && strings.HasPrefix(addr, "late") {
			conn.SetDeadline(time.Now().Add(20 * time.Millisecond))
		}
		return conn, err
	}
	for _, tr := range []*http.Transport{
		{Dial: dial},
		{DialContext: func(_ context.Context, n, a string) (net.Conn, error) { return dial(n, a) }},
	} {
		asked = nil
		get(t, over(t, tr), "http://Some.Name:81/")
		if len(asked) != 1 || asked[0] != "tcp Some.Name:81" {
			t.Error(asked)
		}
		// A deadline that the function set is the connection's.
		var late net.Error
		if err := failing(t, over(t, tr), "http://late/"); !errors.As(err, &late) || !late.Timeout() {
			t.Error(err)
		}
	}
	get(t, over(t, &http.Transport{DialContext: new(net.Dialer).DialContext}), s.URL)
	no := errors.New("no such thing")
	if err := failing(t, over(t, &http.Transport{Dial: func(string, string) (net.Conn, error) { return nil, no }}), s.URL); err != no {
		t.Error(err)
	}
}

// bare hides what TLS a connection has.
type bare struct{ net.Conn }

func testDialTLS(t *testing.T) {
	s, trust := secureServer(t)
	trust.ServerName = "example.com"
	dial := func(network, addr string) (net.Conn, error) {
		return tls.Dial(network, s.Listener.Addr().String(), trust)
	}
	for _, tr := range []*http.Transport{
		{DialTLS: dial},
		{DialTLSContext: func(_ context.Context, n, a string) (net.Conn, error) { return dial(n, a) }},
	} {
		if resp, _ := get(t, over(t, tr), "https://whatever.test/"); resp.TLS == nil || !resp.TLS.HandshakeComplete {
			t.Error(resp.TLS)
		}
	}
	hidden := func(network, addr string) (net.Conn, error) {
		c, err := dial(network, addr)
		return bare{c}, err
	}
	if resp, _ := get(t, over(t, &http.Transport{DialTLS: hidden}), "https://whatever.test/"); resp.TLS != nil {
		t.Error("there is a state of TLS that nobody can know")
	}
}

func testTLSConfig(t *testing.T) {
	s, trust := secureServer(t)
	// As http.DefaultTransport.Clone has it once it was used.
	trust.NextProtos = []string{"h2", "http/1.1"}
	rt := over(t, &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true})
	resp, body := get(t, rt, s.URL)
	if !strings.HasPrefix(body, "HTTP/1.1 ") || resp.TLS.NegotiatedProtocol == "h2" {
		t.Errorf("%q over %q", body, resp.TLS.NegotiatedProtocol)
	}
	again, _ := get(t, rt, s.URL)
	if again.TLS != resp.TLS || resp.TLS.DidResume {
		t.Error("the state of TLS is not the connection's own")
	}
	var unknown x509.UnknownAuthorityError
	if err := failing(t, over(t, &http.Transport{}), s.URL); !errors.As(err, &unknown) {
		t.Error(err)
	}
}

// silent accepts and says nothing.
func silent(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

func testHandshakeTimeout(t *testing.T) {
	err := failing(t, over(t, &http.Transport{TLSHandshakeTimeout: 20 * time.Millisecond}), "https://"+silent(t))
	if e, ok := err.(net.Error); !ok || !e.Timeout() || err.Error() != "net/http: TLS handshake timeout" {
		t.Error(err)
	}
}

// connections is a server that says which connection a request came on, and with
// which Connection field.
func connections(t *testing.T) *httptest.Server {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.RemoteAddr+" "+r.Header.Get("Connection"))
	})
}

func testNoKeepAlive(t *testing.T) {
	s := connections(t)
	rt := over(t, &http.Transport{DisableKeepAlives: true})
	_, one := get(t, rt, s.URL)
	_, two := get(t, rt, s.URL)
	if one == two || !strings.HasSuffix(one, " close") {
		t.Error(one, two)
	}
	rt = over(t, &http.Transport{})
	_, one = get(t, rt, s.URL)
	if _, two = get(t, rt, s.URL); one != two || strings.HasSuffix(one, " close") {
		t.Error(one, two)
	}
}

func testNoCompression(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Accept-Encoding")) })
	if _, body := get(t, over(t, &http.Transport{DisableCompression: true}), s.URL); body != "" {
		t.Error(body)
	}
	if _, body := get(t, over(t, &http.Transport{}), s.URL); body != "gzip" {
		t.Error(body)
	}
}

func testIdle(t *testing.T) {
	first, second := connections(t), connections(t)
	for _, c := range []struct {
		tr   *http.Transport
		want int
	}{
		{&http.Transport{}, 2}, {&http.Transport{MaxIdleConns: 1}, 1},
		{&http.Transport{MaxIdleConnsPerHost: 1}, 2}, {&http.Transport{MaxIdleConnsPerHost: -1}, 0},
	} {
		rt := over(t, c.tr)
		get(t, rt, first.URL)
		get(t, rt, second.URL)
		if n := rt.Client().Pool().Stats().Idle; n != c.want {
			t.Errorf("%d connections are idle, want %d", n, c.want)
		}
	}
	// By default two stay for one host.
	rt := over(t, &http.Transport{})
	var all sync.WaitGroup
	hold := make(chan bool)
	var here sync.WaitGroup
	here.Add(3)
	s := serve(t, func(http.ResponseWriter, *http.Request) { here.Done(); <-hold })
	for range 3 {
		all.Go(func() { get(t, rt, s.URL) })
	}
	here.Wait()
	close(hold)
	all.Wait()
	if n := rt.Client().Pool().Stats().Idle; n != http.DefaultMaxIdleConnsPerHost {
		t.Errorf("%d connections are idle", n)
	}
}

func testMaxConns(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
	})
	rt := over(t, &http.Transport{MaxConnsPerHost: 2})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { get(t, rt, s.URL) })
	}
	all.Wait()
	if most > 2 {
		t.Errorf("%d requests at once", most)
	}
}

func testIdleTimeout(t *testing.T) {
	s := connections(t)
	rt := over(t, &http.Transport{IdleConnTimeout: 20 * time.Millisecond})
	_, one := get(t, rt, s.URL)
	time.Sleep(25 * time.Millisecond)
	if _, two := get(t, rt, s.URL); one == two {
		t.Error("a connection was used past its idle time")
	}
}

func testHeadTimeout(t *testing.T) {
	err := failing(t, over(t, &http.Transport{ResponseHeaderTimeout: 20 * time.Millisecond}), "http://"+silent(t))
	if e, ok := err.(net.Error); !ok || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) ||
		err.Error() != "net/http: timeout awaiting response headers" {
		t.Error(err)
	}
}

func testContinue(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan string, 1)
	go func() { // says nothing before it has the body
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		body, _ := io.ReadAll(req.Body)
		served <- string(body)
		io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	}()
	rt := over(t, &http.Transport{ExpectContinueTimeout: 10 * time.Millisecond})
	req, _ := http.NewRequest("PUT", "http://"+l.Addr().String(), strings.NewReader("the body"))
	req.Header.Set("Expect", "100-continue")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if body := <-served; body != "the body" {
		t.Error(body)
	}
}

func testMaxHead(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", strings.Repeat("x", 5000)) })
	get(t, over(t, &http.Transport{}), s.URL)
	err := failing(t, over(t, &http.Transport{MaxResponseHeaderBytes: 4000}), s.URL)
	if err.Error() != "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 4000 bytes; aborted" {
		t.Error(err)
	}
}

func testBufferSizes(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	rt := over(t, &http.Transport{ReadBufferSize: 1, WriteBufferSize: 1})
	req, _ := http.NewRequest("POST", s.URL, strings.NewReader("0123456789"))
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "0123456789" {
		t.Errorf("%q", b)
	}
}

func testProtocols(t *testing.T) {
	s, trust := secureServer(t)
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetHTTP2(true)
	for _, tr := range []*http.Transport{
		{ForceAttemptHTTP2: true}, {Protocols: both}, {HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 3}},
	} {
		tr.TLSClientConfig = trust
		if resp, _ := get(t, over(t, tr), s.URL); resp.ProtoMajor != 1 {
			t.Error(resp.Proto)
		}
	}
	for _, set := range []func(*http.Protocols){
		func(p *http.Protocols) { p.SetHTTP2(true) }, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		only := new(http.Protocols)
		set(only)
		err := failing(t, nethttp.New(&http.Transport{TLSClientConfig: trust, Protocols: only}), s.URL)
		if !strings.Contains(err.Error(), "allow HTTP/2 alone") {
			t.Error(err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func testNextProto(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{NextProtos: []string{"own/1"}}
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"own/1": func(_ *http.Server, c *tls.Conn, _ http.Handler) { io.WriteString(c, "hello") },
	}
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	rt := over(t, &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: []string{"own/1"}},
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{
			"own/1": func(authority string, c *tls.Conn) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Body: c, ContentLength: -1}, nil
				})
			},
		},
	})
	req, _ := http.NewRequest("GET", s.URL, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != "hello" {
		t.Errorf("%q %v", got, err)
	}
}

package sonde_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/auth"
	"sonde/internal/porttest"
)

// tableOrigin is the server of the table: it does what the path says.
type tableOrigin struct {
	*httptest.Server
	arrived chan string   // the paths of requests that hang
	over    chan struct{} // closed at the end
}

func newTableOrigin(t *testing.T, secure bool) *tableOrigin {
	o := &tableOrigin{arrived: make(chan string, 100), over: make(chan struct{})}
	o.Server = httptest.NewUnstartedServer(http.HandlerFunc(o.serve))
	if secure {
		o.TLS, _ = certificates(t)
		o.StartTLS()
	} else {
		o.Start()
	}
	t.Cleanup(func() {
		close(o.over) // not every proxy tells that the client has gone
		o.Close()
	})
	return o
}

func (o *tableOrigin) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Proxy-Authorization") != "" {
		w.WriteHeader(http.StatusTeapot) // nobody takes that for a success
		return
	}
	switch r.URL.Path {
	case "/hang":
		o.arrived <- r.URL.Path
		select {
		case <-r.Context().Done():
		case <-o.over:
		}
	case "/once": // the connection ends without a word
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nonce")
		rw.Flush()
		conn.Close()
	case "/echo":
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		w.Header().Set("X-Expect", r.Header.Get("Expect"))
		io.Copy(w, r.Body)
	default:
		fmt.Fprintf(w, "%s %s for %s", r.Method, r.URL.RequestURI(), r.Host)
	}
}

// proxyCases are the cases that each kind of proxy and origin must pass.
var proxyCases = map[string]func(t *testing.T, c *sonde.Client, o *tableOrigin){
	"GET":              proxyGet,
	"upload":           proxyUpload,
	"100-continue":     proxyContinue,
	"cancel":           proxyCancel,
	"timeout":          proxyTimeout,
	"retry":            proxyRetry,
	"nobody is there":  proxyNobody,
	"many at one time": proxyMany,
}

func proxyGet(t *testing.T, c *sonde.Client, o *tableOrigin) {
	host := o.URL[strings.Index(o.URL, "//")+2:]
	for i := range 3 {
		r, err := c.Get(background, o.URL+"/a/b?c=d")
		if err != nil {
			t.Fatal(err)
		}
		if want := "GET /a/b?c=d for " + host; string(r.Body) != want {
			t.Errorf("the origin was asked %q, want %q", r.Body, want)
		}
		if i > 0 && strings.HasPrefix(o.URL, "https") && !r.ConnInfo().Reused {
			t.Errorf("request %d took a new connection: %v", i, r.ConnInfo().Why)
		}
		if r.ConnInfo().Proxy == "" {
			t.Error("no proxy")
		}
	}
}

func proxyUpload(t *testing.T, c *sonde.Client, o *tableOrigin) {
	data := bytes.Repeat([]byte("some bytes of a body "), 20_000)
	for _, length := range []int64{int64(len(data)), -1} {
		r, err := c.Put(background, o.URL+"/echo", sonde.Reader(bytes.NewReader(data), length))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r.Body, data) {
			t.Errorf("%d bytes came back of %d", len(r.Body), len(data))
		}
	}
}

func proxyContinue(t *testing.T, c *sonde.Client, o *tableOrigin) {
	r, err := c.Post(background, o.URL+"/echo", sonde.Text("content"), sonde.WithExpectContinue())
	if err != nil || string(r.Body) != "content" {
		t.Errorf("%v, %v", r, err)
	}
}

func proxyCancel(t *testing.T, c *sonde.Client, o *tableOrigin) {
	ctx, cancel := context.WithCancelCause(background)
	defer cancel(nil)
	go func() {
		select {
		case <-o.arrived:
			cancel(errMine)
		case <-ctx.Done():
		}
	}()
	within(t, 15*time.Second, func() {
		if _, err := c.Get(ctx, o.URL+"/hang"); !errors.Is(err, errMine) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func proxyTimeout(t *testing.T, c *sonde.Client, o *tableOrigin) {
	// On a busy machine a proxy may take longer than that to ask the origin.
	for wait := 300 * time.Millisecond; wait < 15*time.Second; wait *= 2 {
		within(t, 30*time.Second, func() {
			_, err := c.Get(background, o.URL+"/hang", sonde.WithTimeouts(sonde.Timeouts{FirstByte: wait}))
			if e, ok := errors.AsType[*sonde.Error](err); !ok || e.Op != sonde.OpFirstByte || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
		select {
		case <-o.arrived:
			return
		default:
		}
	}
	t.Error("the origin was never asked")
}

func proxyRetry(t *testing.T, c *sonde.Client, o *tableOrigin) {
	for range 4 {
		r, err := c.Get(background, o.URL+"/once")
		if s, ok := errors.AsType[*sonde.StatusError](err); ok && s.Status == 502 {
			continue // on a busy machine squid gives its own connection up too early
		}
		if err != nil || string(r.Body) != "once" {
			t.Errorf("%v", err)
		}
	}
}

func proxyNobody(t *testing.T, c *sonde.Client, o *tableOrigin) {
	scheme, _, _ := strings.Cut(o.URL, ":")
	_, err := c.Get(background, scheme+"://127.0.0.1:"+porttest.Closed+"/")
	_, status := errors.AsType[*sonde.StatusError](err)
	pe, ok := errors.AsType[*sonde.ProxyError](err)
	if !status && (!ok || pe.Status == 0 && pe.Reply == 0 && !errors.Is(err, io.ErrUnexpectedEOF)) {
		t.Errorf("error %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("credentials in %v", err)
	}
}

func proxyMany(t *testing.T, c *sonde.Client, o *tableOrigin) {
	errs := make(chan error)
	const n = 16
	for i := range n {
		go func() {
			r, err := c.Get(background, fmt.Sprintf("%s/%d", o.URL, i))
			if err == nil && !strings.HasPrefix(string(r.Body), fmt.Sprintf("GET /%d for", i)) {
				err = fmt.Errorf("request %d got %q", i, r.Body)
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// table runs all cases.
func table(t *testing.T, proxies map[string]*sonde.Proxy) {
	_, trust := certificates(t)
	for _, name := range slices.Sorted(maps.Keys(proxies)) {
		for _, scheme := range []string{"http", "https"} {
			o := newTableOrigin(t, scheme == "https")
			for _, test := range slices.Sorted(maps.Keys(proxyCases)) {
				t.Run(name+"/"+scheme+"/"+test, func(t *testing.T) {
					c := newClient(t, sonde.Config{TLS: trust, Proxy: sonde.FixedProxy(proxies[name])})
					proxyCases[test](t, c, o)
				})
			}
		}
	}
}

// TestProxyTable is the table for proxies of our own.
func TestProxyTable(t *testing.T) {
	_, trust := certificates(t)
	open := newProxyPeer(t, func(*proxyPeer) {})
	closed := newProxyPeer(t, func(p *proxyPeer) { p.User, p.Password = "me", "secret" })
	secure := newProxyPeer(t, func(p *proxyPeer) { p.secure() })
	digest := newProxyPeer(t, func(p *proxyPeer) { p.Digest = true })
	first := mustProxy(t, closed.at("socks5h"), sonde.ProxyConfig{})
	table(t, map[string]*sonde.Proxy{
		"http":           mustProxy(t, open.at("http"), sonde.ProxyConfig{}),
		"http basic":     mustProxy(t, closed.at("http"), sonde.ProxyConfig{}),
		"http tunnel":    mustProxy(t, closed.at("http"), sonde.ProxyConfig{Tunnel: true}),
		"http digest":    mustProxy(t, digest.at("http"), sonde.ProxyConfig{Auth: auth.Digest("me", "secret")}),
		"https":          mustProxy(t, secure.at("https"), sonde.ProxyConfig{TLS: trust}),
		"socks5":         mustProxy(t, open.at("socks5"), sonde.ProxyConfig{}),
		"socks5h basic":  mustProxy(t, closed.at("socks5h"), sonde.ProxyConfig{}),
		"https in socks": mustProxy(t, secure.at("https"), sonde.ProxyConfig{TLS: trust, Via: first}),
	})
}

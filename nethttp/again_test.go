package nethttp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sonde"
)

// TestAfterAnother: what a request leaves for the next one changes nothing of that,
// whatever either is.
func TestAfterAnother(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		w.Write(b)
	})
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}
	ours, theirs := over(t, &http.Transport{DialContext: dial}), &http.Transport{DialContext: dial}
	defer theirs.CloseIdleConnections()
	post := func(body io.Reader) func() *http.Request {
		return func() *http.Request { r, _ := http.NewRequest("POST", "http://a/post", body); return r }
	}
	get := func(url string, edit func(*http.Request)) func() *http.Request {
		return func() *http.Request {
			r, _ := http.NewRequest("GET", url, nil)
			if edit != nil {
				edit(r)
			}
			return r
		}
	}
	kinds := []func() *http.Request{
		get("http://a/", nil),
		get("http://a/x?y", func(r *http.Request) { r.Header.Set("X-One", "1") }),
		get("http://a:81/", nil),
		get("http://b/", nil),
		get("http://a/", func(r *http.Request) { r.Host = "other" }),
		get("http://a/", func(r *http.Request) { r.Close = true }),
		get("http://a/", func(r *http.Request) { r.Method = "HEAD" }),
		get("http://a/", func(r *http.Request) { r.Method, r.Header = "POST", http.Header{"Idempotency-Key": nil} }),
		func() *http.Request { return post(strings.NewReader("short"))() },
		func() *http.Request { return post(strings.NewReader("a longer one"))() },
		func() *http.Request { return post(bytes.NewReader(make([]byte, 20<<10)))() },
		func() *http.Request { return post(iotestReader{strings.NewReader("of unknown length")})() },
		func() *http.Request { return post(nil)() },
	}
	send := func(rt http.RoundTripper, kind int) string {
		resp, err := rt.RoundTrip(kinds[kind]())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return fmt.Sprintf("%v %v %q %v", resp.StatusCode, resp.ContentLength, b, err)
	}
	var want []string
	for kind := range kinds {
		want = append(want, send(theirs, kind))
	}
	for first := range kinds {
		for second := range kinds {
			if got := send(ours, first); got != want[first] {
				t.Errorf("%d: %s\nwant %s", first, got, want[first])
			}
			if got := send(ours, second); got != want[second] {
				t.Errorf("%d after %d: %s\nwant %s", second, first, got, want[second])
			}
		}
	}
}

// TestFieldNames: names are keys as net/http has them, in whatever case they come and
// whatever came before, and repeated ones keep their order.
func TestFieldNames(t *testing.T) {
	names := []string{"etag", "ETag", "ETAG", "Etag", "x-a", "X-A", "X-a", "x_y", "a", "A", strings.Repeat("long-", 20) + "name",
		"x-request-id", "X-Request-Id", "x-Request-iD", "Sec-Websocket-Accept", "sec-webSocket-accept"}
	var text strings.Builder
	want := make(http.Header)
	text.WriteString("HTTP/1.1 200 OK\r\n")
	for i, name := range slices.Concat(names, names[:4]) {
		fmt.Fprintf(&text, "%s: %d\r\n", name, i)
		want[textproto.CanonicalMIMEHeaderKey(name)] = append(want[textproto.CanonicalMIMEHeaderKey(name)], fmt.Sprint(i))
	}
	text.WriteString("Content-Length: 0\r\n\r\n")
	want.Set("Content-Length", "0")
	url, rt := canned(t, text.String()), over(t, nil)
	for range 3 {
		resp, _ := get(t, rt, url)
		if fmt.Sprint(resp.Header) != fmt.Sprint(want) {
			t.Errorf("%v\nwant %v", resp.Header, want)
		}
		// What one caller does to them, the next does not see.
		resp.Header["Etag"][0] = "changed"
		resp.Header["X-A"] = append(resp.Header["X-A"], "more")
		resp.Header.Set("New", "1")
	}
}

// TestCancelRequestAlone: it ends the request that it is given, however often that is
// under way, and no other, such as the one that came after one that is over.
func TestCancelRequestAlone(t *testing.T) {
	arrived, free := make(chan bool), make(chan bool)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			arrived <- true
			select {
			case <-free:
			case <-r.Context().Done():
			}
		}
		io.WriteString(w, "done")
	})
	rt := over(t, nil)
	over, _ := http.NewRequest("GET", s.URL, nil)
	if resp, err := rt.RoundTrip(over); err != nil {
		t.Fatal(err)
	} else if resp.Body.Close(); rt.Client().Pool().Stats().Idle != 1 {
		t.Error(rt.Client().Pool().Stats().Idle, "idle connections")
	}
	ended := make(chan error)
	start := func(req *http.Request) {
		go func() {
			resp, err := rt.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			ended <- err
		}()
		<-arrived
	}
	other, _ := http.NewRequest("GET", s.URL+"/wait", nil)
	twice, _ := http.NewRequest("GET", s.URL+"/wait", nil)
	start(other)
	start(twice)
	start(twice)
	rt.CancelRequest(over)
	rt.CancelRequest(twice)
	for range 2 {
		if err := <-ended; err == nil || err.Error() != "net/http: request canceled" {
			t.Error(err)
		}
	}
	close(free)
	if err := <-ended; err != nil {
		t.Error("the other one:", err)
	}
	rt.CancelRequest(other)
	get(t, rt, s.URL)
}

// TestDialsServe: with many requests and few connections that may be idle, no dial is
// cancelled because something else has served its request, and there are no more of
// them than net/http may have: one for each request.
func TestDialsServe(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	var dials, cancelled atomic.Int64
	rt := over(t, &http.Transport{MaxIdleConnsPerHost: 2, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			cancelled.Add(1)
		}
		return conn, err
	}})
	const workers, each = 64, 20
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range each {
				req, _ := http.NewRequest("GET", s.URL, nil)
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	all.Wait()
	if n := cancelled.Load(); n != 0 || dials.Load() > workers*each {
		t.Errorf("%d dials, %d of them cancelled", dials.Load(), n)
	}
}

// TestResponseHeldAlone: a response that is kept does not change when others come.
func TestResponseHeldAlone(t *testing.T) {
	var n atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Number", fmt.Sprint(n.Add(1)))
		io.WriteString(w, strings.Repeat(fmt.Sprint(n.Load()%10), 300))
	})
	rt := over(t, nil)
	var kept []*http.Response
	for range 20 {
		req, _ := http.NewRequest("GET", s.URL, nil)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, resp)
	}
	for i, resp := range kept {
		b, err := io.ReadAll(resp.Body)
		if want := strings.Repeat(fmt.Sprint((i+1)%10), 300); string(b) != want || err != nil || resp.Header.Get("X-Number") != fmt.Sprint(i+1) {
			t.Errorf("response %d is %v %q %v", i+1, resp.Header, b, err)
		}
		resp.Body.Close()
	}
}

// TestMiddlewareStaysOut: what a Client's middleware does to calls of its own, it does
// to no RoundTrip.
func TestMiddlewareStaysOut(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("X-A")) })
	calls := 0
	counts := func(next sonde.Handler) sonde.Handler {
		return func(ctx context.Context, r *sonde.Request) (*sonde.Exchange, error) {
			calls++
			return next(ctx, r)
		}
	}
	rt, err := over(t, nil).With(func(c *sonde.Config) {
		c.Middleware, c.AttemptMiddleware = []sonde.Middleware{counts}, []sonde.Middleware{counts}
	})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("GET", s.URL, nil)
	req.Header.Set("X-A", "1")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); string(b) != "1" || err != nil || calls != 0 {
		t.Errorf("%q %v, %d calls of middleware", b, err, calls)
	}
	if _, err := rt.Client().Get(context.Background(), s.URL); err != nil || calls != 2 {
		t.Errorf("a call of the Client's: %v, %d calls of middleware", err, calls)
	}
}

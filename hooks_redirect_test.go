package sonde_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"time"

	"sonde"
	"sonde/trace"
)

// TestHooksOfRedirectsAsNetHTTP: each request of a chain of redirects has its own
// hooks called, as over net/http. A difference is named: net/http adds Referer.
func TestHooksOfRedirectsAsNetHTTP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if next, found := strings.CutPrefix(r.URL.Path, "/to"); found {
			w.Header().Set("Location", next)
			w.WriteHeader(307)
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "hello")
	}))
	defer srv.Close()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	c := newClient(t, sonde.Config{UserAgent: "Go-http-client/1.1"})
	for _, step := range []struct{ method, path, body string }{
		{"GET", "/to/end", ""},
		{"GET", "/to/to/end", ""},
		{"POST", "/to/end", "some body"},
	} {
		var mine, theirs calledHooks
		req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(background, theirs.clientTrace()),
			step.method, srv.URL+step.path, strings.NewReader(step.body))
		opts := []sonde.Option{}
		if step.body == "" {
			req.Body, req.ContentLength = nil, 0
		} else {
			opts = append(opts, sonde.WithBody(sonde.Text(step.body).WithMediaType("")))
		}
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		ctx := httptrace.WithClientTrace(background, mine.clientTrace())
		if _, err := c.Do(ctx, sonde.NewRequest(sonde.Method(step.method), srv.URL+step.path, opts...)); err != nil {
			t.Fatal(err)
		}
		hops := strings.Count(step.path, "/to") + 1
		want, got := hookCounts(t, &theirs, hops), hookCounts(t, &mine, hops)
		if !slices.Equal(want, got) {
			t.Errorf("%s %s:\nnet/http %s\nsonde    %s", step.method, step.path,
				strings.Join(want, "\n         "), strings.Join(got, "\n         "))
		}
	}
}

// hookCounts are the hooks that were called of a chain of n requests: in order,
// then those whose place among the others is open.
func hookCounts(t *testing.T, c *calledHooks, n int) (steps []string) {
	t.Helper()
	put := func(s string) bool { return strings.HasPrefix(s, "PutIdleConn") }
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		seen := 0
		for _, s := range c.all {
			if put(s) {
				seen++
			}
		}
		c.mu.Unlock()
		if seen == n {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections were put back, not %d", seen, n)
		}
	}
	var late []string
	for _, s := range c.take() {
		switch {
		case s == "WroteHeaderField Accept-Encoding", s == "WroteHeaderField Referer":
		case strings.HasPrefix(s, "WroteRequest"), put(s):
			late = append(late, s)
		default:
			steps = append(steps, s)
		}
	}
	slices.Sort(late)
	return append(steps, late...)
}

// TestRedirectHook: the hook is called before the next request, with the status
// and where it leads.
func TestRedirectHook(t *testing.T) {
	p := newPeer(t, func(c *peerConn) {
		c.head()
		c.say("HTTP/1.1 302 Found\r\nLocation: /next?q=1\r\nContent-Length: 0\r\n\r\n")
		c.serve(okAnswer)
	})
	c := newClient(t, sonde.Config{})
	var calls calledHooks
	ctx := trace.With(background, &trace.Hooks{
		GetConn:  func(string) { calls.add("GetConn") },
		Redirect: func(status int, url string) { calls.add("Redirect %d %s", status, strings.TrimPrefix(url, p.url())) },
	})
	if _, err := c.Get(ctx, p.url()); err != nil {
		t.Fatal(err)
	}
	if got := calls.take(); !slices.Equal(got, []string{"GetConn", "Redirect 302 /next?q=1", "GetConn"}) {
		t.Errorf("%q", got)
	}
}

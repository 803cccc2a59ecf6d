package sonde_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"time"

	"sonde"
)

// failingHooks are calledHooks that say only whether there was an error: its words
// differ.
func failingHooks(c *calledHooks, ctx context.Context) context.Context {
	h := c.clientTrace()
	h.DNSDone = func(i httptrace.DNSDoneInfo) { c.add("DNSDone ok=%v", i.Err == nil) }
	h.ConnectDone = func(network, addr string, err error) { c.add("ConnectDone %s %s ok=%v", network, addr, err == nil) }
	h.TLSHandshakeDone = func(s tls.ConnectionState, err error) { c.add("TLSHandshakeDone ok=%v", err == nil) }
	h.WroteRequest = func(i httptrace.WroteRequestInfo) { c.add("WroteRequest ok=%v", i.Err == nil) }
	return httptrace.WithClientTrace(ctx, h)
}

// TestHooksOfFailuresAsNetHTTP: the same hooks over net/http and over sonde where
// the call fails. Differences named: PutIdleConn, which net/http calls on another
// goroutine or not at all for a connection that broke; sonde says so always.
func TestHooksOfFailuresAsNetHTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server here")
	}}
	tr := &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}
	defer tr.CloseIdleConnections()
	c := newClient(t, sonde.Config{Resolver: resolver, UserAgent: "Go-http-client/1.1"})
	for _, tt := range []struct {
		name, url string
		cancel    string // by this hook
	}{
		{"connect refused", gone.URL, ""},
		{"no such name", "http://name.test./", ""},
		{"certificate", secure.URL, ""},
		{"no answer", plain.URL, ""},
		{"cancel waiting", plain.URL + "/hang", "WroteRequest"},
		{"cancel before", plain.URL + "/hang", "now"},
	} {
		var mine, theirs calledHooks
		run := func(calls *calledHooks, call func(context.Context) error) {
			ctx, cancel := context.WithCancel(failingHooks(calls, background))
			defer cancel()
			switch tt.cancel {
			case "now":
				cancel()
			case "WroteRequest":
				ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
					WroteRequest: func(httptrace.WroteRequestInfo) { time.AfterFunc(50*time.Millisecond, cancel) },
				})
			}
			if call(ctx) == nil {
				t.Error(tt.name, "did not fail")
			}
		}
		run(&theirs, func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, "GET", tt.url, nil)
			if err != nil {
				return err
			}
			_, err = tr.RoundTrip(req)
			return err
		})
		run(&mine, func(ctx context.Context) error { return doGet(ctx, c, tt.url) })
		time.Sleep(20 * time.Millisecond) // net/http's own goroutines
		want, got := withoutPut(theirs.take()), withoutPut(mine.take())
		if !slices.Equal(want, got) || len(got) == 0 && tt.cancel != "now" {
			t.Errorf("%s:\nnet/http %s\nsonde    %s", tt.name,
				strings.Join(want, "\n         "), strings.Join(got, "\n         "))
		}
	}
}

// withoutPut are the hooks that both call in an order that is not open.
func withoutPut(all []string) []string {
	return slices.DeleteFunc(all, func(s string) bool {
		return strings.HasPrefix(s, "PutIdleConn") || s == "WroteHeaderField Accept-Encoding"
	})
}

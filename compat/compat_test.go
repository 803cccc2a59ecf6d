package compat

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"sonde/nethttp"
)

// both runs do over either Transport, and compares what they return.
func both(t *testing.T, do func(t *testing.T, rt http.RoundTripper) any) {
	t.Helper()
	settings := http.DefaultTransport.(*http.Transport).Clone()
	settings.Proxy = nil
	t.Cleanup(settings.CloseIdleConnections)
	ours := nethttp.New(settings)
	t.Cleanup(ours.CloseIdleConnections)
	var got, want any
	t.Run("net-http", func(t *testing.T) { want = do(t, settings) })
	t.Run("nethttp", func(t *testing.T) { got = do(t, ours) })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("nethttp:\n%+v\nnet/http:\n%+v", got, want)
	}
	if n := ours.Client().Pool().Stats().Opened; n == 0 {
		t.Error("nothing went over nethttp")
	}
}

// serve is a server, closed with the test.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

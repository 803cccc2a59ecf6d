package nethttp_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"testing"
)

// TestProxyAnew: a Transport.Proxy that parses its URL anew for each request has as
// many connections as one that returns the same.
func TestProxyAnew(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Proxy-Authorization"))
	})
	at, _ := url.Parse(proxy.URL)
	user := "me"
	rt := over(t, &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		return url.Parse("http://" + user + ":secret@" + at.Host)
	}})
	get := func() (body string, reused bool) {
		req, _ := http.NewRequest("GET", "http://x.test/", nil)
		req = req.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
		}))
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		all, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(all), reused
	}
	for i := range 3 {
		if body, reused := get(); body != "Basic bWU6c2VjcmV0" || reused != (i > 0) {
			t.Errorf("request %d: %s, reused %v", i, body, reused)
		}
	}
	user = "you"
	if body, reused := get(); body == "Basic bWU6c2VjcmV0" || reused {
		t.Errorf("another user: %s, reused %v", body, reused)
	}
}

package inspect_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sonde/internal/watchtest"
)

// TestHiddenHTTP2: how many requests HTTP/2 carries inside of TLS is an estimate, and
// the verdict says so; HTTP/1.1 that is asked for by the same client is counted.
func TestHiddenHTTP2(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "fine") }))
		s.EnableHTTP2 = http2
		s.StartTLS()
		t.Cleanup(s.Close)
		w := watchtest.Start(t, watchtest.Ear{}, portOf(t, s.Listener.Addr().String()))
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		for range 5 {
			r, err := client.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		client.CloseIdleConnections()
		v := &w.Report().Verdict
		said := strings.Contains(strings.Join(v.Limits, " "), "spoke HTTP/2 inside of TLS, or seemed to")
		if v.Certain == http2 || said != http2 || !v.Healthy || !http2 && v.Requests != 5 {
			t.Errorf("HTTP/2 %v: %+v", http2, v)
		}
	}
}

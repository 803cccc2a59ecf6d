package compat

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
)

func TestElastic(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		calls := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if calls++; calls < 3 {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			io.WriteString(w, r.Method+" "+r.RequestURI+" "+r.Header.Get("Content-Encoding")+" ")
			if err == nil {
				w.Write(body)
			}
		})
		u, _ := url.Parse(s.URL)
		var got []any
		for _, compress := range []bool{false, true} {
			c, err := elastictransport.New(elastictransport.Config{
				URLs: []*url.URL{u}, Transport: rt, Username: "u", Password: "p", CompressRequestBody: compress,
			})
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequest("POST", "/index/_search?size=1", strings.NewReader(`{"query":{"match_all":{}}}`))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Perform(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			got = append(got, resp.Status, string(body), err, calls)
		}
		return got
	})
}

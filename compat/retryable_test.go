package compat

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

func TestRetryableHTTP(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		var seen []string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			seen = append(seen, r.Method+" "+string(body))
			if len(seen) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, strings.Repeat("busy ", 100))
				return
			}
			w.Write(body)
		})
		c := retryablehttp.NewClient()
		c.HTTPClient, c.Logger = &http.Client{Transport: rt}, nil
		c.RetryWaitMin, c.RetryWaitMax = time.Millisecond, time.Millisecond
		req, err := retryablehttp.NewRequestWithContext(context.Background(), "PUT", s.URL, []byte("payload"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return []any{seen, resp.Status, string(body), err}
	})
}

func TestRetryableHTTPGivesUp(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		n := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			n++
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
		})
		c := retryablehttp.NewClient()
		c.HTTPClient, c.Logger, c.RetryMax = &http.Client{Transport: rt}, nil, 2
		c.RetryWaitMin, c.RetryWaitMax = time.Millisecond, time.Millisecond
		_, err := c.Post(s.URL, "text/plain", strings.NewReader("x"))
		if err == nil {
			t.Fatal("no error")
		}
		return []any{n, strings.ReplaceAll(err.Error(), s.URL, "URL")}
	})
}

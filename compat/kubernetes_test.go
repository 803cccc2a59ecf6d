package compat

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/transport"
)

func TestKubernetesWrappers(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			for _, name := range []string{"Authorization", "User-Agent", "Impersonate-User", "Impersonate-Group"} {
				io.WriteString(w, strings.Join(r.Header[name], ",")+"; ")
			}
			w.Write(body)
		})
		var got []any
		for _, c := range []*transport.Config{
			{UserAgent: "agent", BearerToken: "token"},
			{Username: "user", Password: "password", Impersonate: transport.ImpersonationConfig{UserName: "other", Groups: []string{"a", "b"}}},
		} {
			wrapped, err := transport.HTTPWrappersForConfig(c, transport.DebugWrappers(rt))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := (&http.Client{Transport: wrapped}).Post(s.URL+"/api/v1/pods", "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			got = append(got, resp.Status, string(body), err)
		}
		return got
	})
}

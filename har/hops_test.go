package har_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sonde"
	"sonde/auth"
	"sonde/har"
)

// TestHops: redirects, refusals that credentials answered and answers that were
// asked for again are entries of their own, each with the request that was sent.
func TestHops(t *testing.T) {
	tries := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := r.Header.Get("Authorization") != ""
		switch {
		case r.URL.Path == "/form":
			io.Copy(io.Discard, r.Body)
			http.Redirect(w, r, "/busy?q=1", http.StatusSeeOther)
		case r.URL.Path == "/busy" && tries == 0:
			tries++
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
		case r.URL.Path == "/busy":
			http.Redirect(w, r, "/private", http.StatusFound)
		case !known:
			w.Header().Set("WWW-Authenticate", `Digest realm="x", nonce="n", qop="auth", algorithm=SHA-256`)
			w.WriteHeader(401)
		default:
			io.WriteString(w, "in")
		}
	}))
	defer srv.Close()
	r := har.New(har.Config{RequestBodies: true, ResponseBodies: true})
	c, err := sonde.New(sonde.Config{
		Middleware: []sonde.Middleware{r.Middleware},
		Retry:      sonde.Retry{Max: 3, Base: -1},
		Auth:       auth.Digest("ada", "open sesame"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := c.Post(context.Background(), srv.URL+"/form", sonde.Text("some text"))
	if err != nil || string(resp.Body) != "in" {
		t.Fatal(resp, err)
	}
	var got []string
	for _, e := range read(t, r).Log.Entries {
		post, known := "", ""
		if e.Request.PostData != nil {
			post = " " + e.Request.PostData.Text
		}
		for _, h := range e.Request.Headers {
			if h.Name == "Authorization" {
				known = " authorized"
			}
		}
		got = append(got, fmt.Sprintf("%s %s%s%s: %d%s %s", e.Request.Method, strings.TrimPrefix(e.Request.URL, srv.URL), post, known,
			e.Response.Status, strings.ReplaceAll(" "+e.Response.RedirectURL, srv.URL, ""), e.Response.Content.Text))
	}
	want := []string{
		"POST /form some text: 303 /busy?q=1 ",
		"GET /busy?q=1: 503  ",
		"GET /busy?q=1: 302 /private ",
		"GET /private: 401  ",
		"GET /private authorized: 200  in",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("entries\n%s\nnot\n%s", g, w)
	}
}

// TestLocationRedacted: a redirect that is not followed has no credentials in the
// archive, however it is written.
func TestLocationRedacted(t *testing.T) {
	to := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}))
	defer srv.Close()
	r := har.New(har.Config{})
	client, err := sonde.New(sonde.Config{Middleware: []sonde.Middleware{r.Middleware}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, to = range []string{"http://u:topsecret@h/", "http://u:top secret@h/", `http:\\u:topsecret@h/`} {
		if _, err := client.Get(t.Context(), srv.URL, sonde.WithoutRedirects()); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if _, err := r.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "secret") || strings.Count(text, `"redirectURL": "http:`) != 3 {
		t.Error(text)
	}
}

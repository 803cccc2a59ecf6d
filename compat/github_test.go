package compat

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-github/v74/github"
)

func TestGitHub(t *testing.T) {
	both(t, func(t *testing.T, rt http.RoundTripper) any {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-RateLimit-Remaining", "41")
			w.Header().Set("X-RateLimit-Limit", "60")
			switch {
			case r.URL.Path != "/repos/o/r/issues":
				w.WriteHeader(http.StatusNotFound)
				io.WriteString(w, `{"message": "Not Found", "documentation_url": "https://x.test"}`)
			case r.Method == "POST":
				body, _ := io.ReadAll(r.Body)
				w.WriteHeader(http.StatusCreated)
				fmt.Fprintf(w, `{"number": 7, "title": %q}`, body)
			default:
				page := r.URL.Query().Get("page")
				if page == "" {
					w.Header().Set("Link", `<http://`+r.Host+`/repos/o/r/issues?page=2>; rel="next"`)
				}
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				fmt.Fprintf(z, `[{"number": 1, "title": "page %s"}]`, page)
				z.Close()
			}
		})
		c := github.NewClient(&http.Client{Transport: rt}).WithAuthToken("secret")
		c.BaseURL, _ = url.Parse(s.URL + "/")
		var got []any
		opts := &github.IssueListByRepoOptions{}
		for {
			issues, resp, err := c.Issues.ListByRepo(context.Background(), "o", "r", opts)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, issues[0].GetNumber(), issues[0].GetTitle(), resp.Rate.Remaining, resp.NextPage)
			if resp.NextPage == 0 {
				break
			}
			opts.ListOptions.Page = resp.NextPage
		}
		title := "new"
		issue, _, err := c.Issues.Create(context.Background(), "o", "r", &github.IssueRequest{Title: &title})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Repositories.Get(context.Background(), "no", "where")
		var refused *github.ErrorResponse
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return append(got, issue.GetNumber(), issue.GetTitle(), refused.Message, refused.Response.StatusCode)
	})
}

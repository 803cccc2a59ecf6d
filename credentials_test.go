package sonde_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sonde"
	"sonde/auth"
)

// TestCredentialsOrder: what comes before what.
func TestCredentialsOrder(t *testing.T) {
	var h hops
	s := redirecting(t, &h)
	withUser := strings.Replace(s.URL, "//", "//url:pw@", 1) + "/"
	var byHeader sonde.Header
	byHeader.Set("Authorization", "Config header")
	basic := func(user string) string { return "GET / Authorization=" + basicOf(user) }
	by := sonde.Config{Auth: auth.Basic("config", "pw")}
	for name, tt := range map[string]struct {
		cfg  sonde.Config
		url  string
		opts []sonde.Option
		want string
	}{
		"config":                  {by, s.URL + "/", nil, basic("config:pw")},
		"url":                     {by, withUser, nil, basic("url:pw")},
		"url alone":               {sonde.Config{}, withUser, nil, basic("url:pw")},
		"request":                 {by, withUser, []sonde.Option{sonde.WithAuth(auth.Basic("request", "pw"))}, basic("request:pw")},
		"none":                    {by, withUser, []sonde.Option{sonde.WithAuth(nil)}, "GET /"},
		"hand":                    {by, withUser, []sonde.Option{sonde.WithHeader("Authorization", "By hand"), sonde.WithAuth(auth.Basic("a", "b"))}, "GET / Authorization=By hand"},
		"hand, empty":             {by, withUser, []sonde.Option{sonde.WithHeader("Authorization", "")}, "GET / Authorization="},
		"basic":                   {by, withUser, []sonde.Option{sonde.WithBasicAuth("hand", "pw")}, basic("hand:pw")},
		"bearer":                  {by, withUser, []sonde.Option{sonde.WithBearer("t0ken")}, "GET / Authorization=Bearer t0ken"},
		"config's header":         {sonde.Config{Auth: by.Auth, Header: byHeader}, withUser, nil, "GET / Authorization=Config header"},
		"bare":                    {sonde.Config{Auth: by.Auth, Bare: true}, withUser, nil, "GET /"},
		"exact":                   {by, withUser, []sonde.Option{sonde.WithExactHeader(sonde.Header{})}, basic("url:pw")},
		"no user":                 {by, strings.Replace(s.URL, "//", "//@", 1) + "/", nil, basic("config:pw")},
		"user without a password": {by, strings.Replace(s.URL, "//", "//url@", 1) + "/", nil, basic("url:")},
		"escaped":                 {by, strings.Replace(s.URL, "//", "//u%40x:p%3A%C3%A4@", 1) + "/", nil, basic("u@x:p:ä")},
	} {
		c := newClient(t, tt.cfg)
		if _, err := c.Get(context.Background(), tt.url, tt.opts...); err != nil {
			t.Fatal(name, err)
		}
		if got := h.take(); len(got) != 1 || strings.Join(strings.Fields(got[0]), " ") != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func basicOf(userPassword string) string {
	r := &http.Request{Header: http.Header{}}
	user, password, _ := strings.Cut(userPassword, ":")
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// TestCredentialsStay: what was meant for one origin stays there.
func TestCredentialsStay(t *testing.T) {
	var here, there hops
	a, b := redirecting(t, &here), redirecting(t, &there)
	to := func(from, target string) string { return from + "/to?status=307&to=" + url.QueryEscape(target) }
	withUser := strings.Replace(a.URL, "//", "//url:pw@", 1)
	bound := auth.Map(map[string]sonde.Authenticator{a.URL: auth.Basic("a", "1"), b.URL: auth.Basic("b", "2")})
	last := func(h *hops) string {
		all := h.take()
		if len(all) == 0 {
			return "nothing"
		}
		_, field, _ := strings.Cut(all[len(all)-1], "Authorization=")
		return field
	}
	for name, tt := range map[string]struct {
		auth        sonde.Authenticator
		url         string
		here, there string // the last Authorization that each saw
	}{
		"basic leaves":            {auth.Basic("x", "y"), to(a.URL, b.URL), basicOf("x:y"), ""},
		"basic stays":             {auth.Basic("x", "y"), to(a.URL, a.URL+"/z"), basicOf("x:y"), "nothing"},
		"basic comes back":        {auth.Basic("x", "y"), to(a.URL, to(b.URL, a.URL+"/z")), "", ""},
		"bearer leaves":           {auth.Bearer("x"), to(a.URL, b.URL), "Bearer x", ""},
		"bound":                   {bound, to(a.URL, b.URL), basicOf("a:1"), basicOf("b:2")},
		"bound elsewhere":         {auth.ForOrigin(b.URL, auth.Basic("b", "2")), to(a.URL, b.URL), "", basicOf("b:2")},
		"url leaves":              {nil, to(withUser, b.URL), basicOf("url:pw"), ""},
		"url, relative":           {nil, to(withUser, "/z"), basicOf("url:pw"), "nothing"},
		"url, absolute":           {nil, to(withUser, a.URL+"/z"), basicOf("url:pw"), "nothing"},
		"the redirect brings one": {nil, to(a.URL, strings.Replace(b.URL, "//", "//new:pw@", 1)), "", basicOf("new:pw")},
	} {
		c := newClient(t, sonde.Config{Auth: tt.auth})
		if _, err := c.Get(context.Background(), tt.url); err != nil {
			t.Fatal(name, err)
		}
		if x, y := last(&here), last(&there); x != tt.here || y != tt.there {
			t.Errorf("%s: %q and %q, want %q and %q", name, x, y, tt.here, tt.there)
		}
	}
}

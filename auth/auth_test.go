package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sonde"
	"sonde/auth"
)

// asked is a request to rawURL, not refused yet.
func asked(rawURL string) *sonde.AuthRequest {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err)
	}
	return &sonde.AuthRequest{Method: sonde.GET, URL: u, Host: u.Host, Target: u.RequestURI()}
}

// refused is the same after a refusal with the challenges of WWW-Authenticate.
func refused(a *sonde.AuthRequest, challenges ...string) *sonde.AuthRequest {
	var h sonde.Header
	for _, c := range challenges {
		if err := h.Add("WWW-Authenticate", c); err != nil {
			panic(err)
		}
	}
	sent, _ := a.Fields()
	return &sonde.AuthRequest{
		Method: a.Method, URL: a.URL, Host: a.Host, Target: a.Target, Header: a.Header, Body: a.Body, Proxy: a.Proxy,
		Challenges: h.Challenges("WWW-Authenticate"), Refused: a.Refused + 1, Sent: sent,
	}
}

// given is what x sets, one field; "" for nothing.
func given(t *testing.T, x sonde.Authenticator, a *sonde.AuthRequest) string {
	t.Helper()
	if err := x.Authenticate(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	h, err := a.Fields()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range h.All() {
		if name != "Authorization" && name != "Proxy-Authorization" {
			t.Fatalf("field %s", name)
		}
		return value
	}
	return ""
}

func TestBasic(t *testing.T) {
	for _, tt := range []struct{ user, password, want string }{
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // RFC 7617 §2
		{"test", "123£", "Basic dGVzdDoxMjPCow=="},                       // RFC 7617 §2.1
		{"", "", "Basic Og=="},
		{"a", "b:c", "Basic YTpiOmM="},
	} {
		if got := given(t, auth.Basic(tt.user, tt.password), asked("https://a/")); got != tt.want {
			t.Errorf("%q, %q: %s, want %s", tt.user, tt.password, got, tt.want)
		}
	}
	proxy := asked("http://proxy:3128/")
	proxy.Proxy = true
	if err := auth.Basic("a", "b").Authenticate(context.Background(), proxy); err != nil {
		t.Fatal(err)
	}
	if h, _ := proxy.Fields(); h.Len() != 1 || !h.Has("Proxy-Authorization") {
		t.Error("for a proxy:", h)
	}
	for _, wrong := range [][2]string{{"a:b", "secret"}, {"a\nb", "secret"}, {"a", "secret\r\nX: y"}} {
		err := auth.Basic(wrong[0], wrong[1]).Authenticate(context.Background(), asked("https://a/"))
		if err == nil || strings.Contains(err.Error(), "secret") || len(wrong[0]) > 1 && strings.Contains(err.Error(), wrong[0]) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestRefusals: what is refused once is not sent again.
func TestRefusals(t *testing.T) {
	for name, x := range map[string]sonde.Authenticator{"basic": auth.Basic("a", "b"), "bearer": auth.Bearer("c")} {
		a := asked("https://a/")
		if given(t, x, a) == "" {
			t.Error(name, "is not sent in advance")
		}
		if got := given(t, x, refused(a, name+` realm="x"`)); got != "" {
			t.Errorf("%s is sent again: %s", name, got)
		}
		if got := given(t, x, refused(asked("https://a/"), "Other, "+name+` realm="x"`)); got == "" {
			t.Error(name, "is not sent when it is asked for")
		}
		if got := given(t, x, refused(asked("https://a/"), "Other")); got != "" {
			t.Errorf("%s is sent although another one is asked for: %s", name, got)
		}
	}
}

func TestBearer(t *testing.T) {
	if got := given(t, auth.Bearer("mF_9.B5f-4.1JqM"), asked("https://a/")); got != "Bearer mF_9.B5f-4.1JqM" { // RFC 6750 §2.1
		t.Error(got)
	}
	for _, wrong := range []string{"", "secret 1", "secret\n", `"secret"`, "secret,1", "secreté"} {
		err := auth.Bearer(wrong).Authenticate(context.Background(), asked("https://a/"))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestBearerFunc(t *testing.T) {
	var calls []string
	token := "old"
	failed := errors.New("no token")
	x := auth.BearerFunc(func(_ context.Context, refused string) (string, error) {
		calls = append(calls, refused)
		if refused != "" && refused == token {
			token = "new"
		}
		if token == "fail" {
			return "", failed
		}
		return token, nil
	})
	a := asked("https://a/")
	if got := given(t, x, a); got != "Bearer old" {
		t.Error(got)
	}
	again := refused(a) // also without a challenge: many services send none
	if got := given(t, x, again); got != "Bearer new" {
		t.Error(got)
	}
	if got := given(t, x, refused(again, "Bearer")); got != "" {
		t.Error("a second refusal is answered:", got)
	}
	if got := given(t, x, refused(asked("https://a/"), "Basic")); got != "" {
		t.Error("another scheme is answered:", got)
	}
	if got := strings.Join(calls, ","); got != ",old" {
		t.Errorf("called with %q", got)
	}
	token = "fail"
	if err := x.Authenticate(context.Background(), asked("https://a/")); !errors.Is(err, failed) {
		t.Error(err)
	}
	token = ""
	if got := given(t, x, asked("https://a/")); got != "" {
		t.Error(got)
	}
}

// covers is whether x says that its credentials are for rawURL.
func covers(x sonde.Authenticator, rawURL string) bool {
	c, ok := x.(interface{ Covers(*url.URL) bool })
	return ok && c.Covers(asked(rawURL).URL)
}

func TestOrigins(t *testing.T) {
	x := auth.Map(map[string]sonde.Authenticator{
		"https://API.example.com": auth.Basic("one", ""),
		"http://localhost:8080/":  auth.Basic("two", ""),
		"https://[::1]:443":       auth.Basic("three", ""),
	})
	one, two, three := "Basic b25lOg==", "Basic dHdvOg==", "Basic dGhyZWU6"
	for _, tt := range []struct{ url, want string }{
		{"https://api.example.com/x", one},
		{"https://api.example.com:443/", one},
		{"https://api.EXAMPLE.com/", one},
		{"http://api.example.com/", ""},
		{"https://api.example.com:444/", ""},
		{"https://www.api.example.com/", ""},
		{"https://api.example.com.evil.example/", ""},
		{"https://example.com/", ""},
		{"http://localhost:8080/y", two},
		{"http://localhost/", ""},
		{"https://[::1]/", three},
	} {
		if got := given(t, x, asked(tt.url)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.url, got, tt.want)
		}
		if covers(x, tt.url) != (tt.want != "") {
			t.Errorf("Covers %s: %v", tt.url, tt.want == "")
		}
	}
	a := asked("https://api.example.com/")
	if a.Proxy = true; given(t, x, a) != "" {
		t.Error("a proxy gets credentials of an origin")
	}
	if covers(auth.Basic("a", "b"), "https://a/") {
		t.Error("Basic covers other origins")
	}
}

func TestWrongOrigins(t *testing.T) {
	basic := auth.Basic("a", "b")
	for _, tt := range []struct {
		origin string
		x      sonde.Authenticator
	}{
		{"example.com", basic}, {"", basic}, {"https://example.com/path", basic}, {"https://example.com?q", basic},
		{"ftp://example.com", basic}, {"https://", basic}, {"https://user:secret@example.com", basic},
		{"https://example.com", nil}, {"http://%zz", basic},
	} {
		x := auth.ForOrigin(tt.origin, tt.x)
		err := x.Authenticate(context.Background(), asked("https://example.com/"))
		if err == nil || strings.Contains(err.Error(), "secret") || covers(x, "https://example.com") {
			t.Errorf("%q: %v", tt.origin, err)
		}
	}
	twice := auth.Map(map[string]sonde.Authenticator{"https://a": basic, "https://a:443": basic})
	if err := twice.Authenticate(context.Background(), asked("https://a/")); err == nil {
		t.Error("an origin twice is taken")
	}
}

func TestAny(t *testing.T) {
	x := auth.Any(auth.Digest("a", "b"), auth.Basic("a", "b"))
	first := asked("https://a/")
	if got := given(t, x, first); got != "" {
		t.Error("sent in advance, unasked:", got)
	}
	both := refused(first, `Basic realm="x", Digest realm="x", nonce="n", qop="auth"`)
	if got := given(t, x, both); !strings.HasPrefix(got, "Digest ") {
		t.Error(got)
	}
	if got := given(t, x, refused(both, `Basic realm="x", Digest realm="x", nonce="m", qop="auth"`)); got != "" {
		t.Error("what Digest was refused is sent in clear:", got)
	}

	if got := given(t, x, refused(asked("https://b/"), `Basic realm="x"`)); !strings.HasPrefix(got, "Basic ") {
		t.Error(got)
	}
	if got := given(t, x, asked("https://b/y")); !strings.HasPrefix(got, "Basic ") {
		t.Error("not in advance the second time:", got)
	}
	if got := given(t, x, asked("https://c/")); got != "" {
		t.Error("another origin:", got)
	}
	if got := given(t, x, refused(asked("https://c/"), "Negotiate")); got != "" {
		t.Error(got)
	}
	for i := range 1000 { // bounded, and still right
		given(t, x, refused(asked(fmt.Sprintf("https://h%d/", i)), "Basic"))
	}
	if got := given(t, x, asked("https://h999/")); !strings.HasPrefix(got, "Basic ") {
		t.Error(got)
	}
	if err := auth.Any(nil).Authenticate(context.Background(), refused(asked("https://a/"), "Basic")); err == nil {
		t.Error("a nil Authenticator is taken")
	}
}

func TestFunc(t *testing.T) {
	x := auth.Func(func(_ context.Context, a *sonde.AuthRequest) error {
		if a.Refused == 0 {
			return nil
		}
		a.Set("Authorization", "Echo "+a.Challenges[0].Token)
		return nil
	})
	if got := given(t, x, refused(asked("https://a/"), "Echo dGVzdA==")); got != "Echo dGVzdA==" {
		t.Error(got)
	}
}

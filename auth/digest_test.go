package auth_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sonde"
	"sonde/auth"
)

// params are the parameters of a Digest value.
func params(t *testing.T, value string) *sonde.Challenge {
	t.Helper()
	var h sonde.Header
	if err := h.Add("A", value); err != nil {
		t.Fatal(err)
	}
	all := h.Challenges("A")
	if len(all) != 1 || all[0].Scheme != "digest" {
		t.Fatalf("%q is no Digest", value)
	}
	return &all[0]
}

// TestDigestVectors: the examples of the RFCs.
func TestDigestVectors(t *testing.T) {
	const circle = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s,` +
		` nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	const circleCnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	const doe = `Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256,` +
		` nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",` +
		` charset=UTF-8, userhash=true`
	for _, tt := range []struct {
		name, user, password, url, challenge, cnonce string
		want                                         map[string]string
	}{
		{"RFC 7616 3.9.1 MD5", "Mufasa", "Circle of Life", "http://www.example.org/dir/index.html",
			fmt.Sprintf(circle, "MD5"), circleCnonce,
			map[string]string{"response": "8ca523f5e9506fed4657c9700eebdbec", "nc": "00000001", "qop": "auth",
				"uri": "/dir/index.html", "username": "Mufasa", "algorithm": "MD5",
				"opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"}},
		{"RFC 7616 3.9.1 SHA-256", "Mufasa", "Circle of Life", "http://www.example.org/dir/index.html",
			fmt.Sprintf(circle, "SHA-256"), circleCnonce,
			map[string]string{"response": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"}},
		// With the values of erratum 4897: those in the text are of another hash.
		{"RFC 7616 3.9.2", "Jäsøn Doe", "Secret, or not?", "http://api.example.org/doe.json",
			doe, "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
			map[string]string{"response": "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
				"username": "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", "userhash": "true"}},
		{"RFC 2617 3.5", "Mufasa", "Circle Of Life", "http://www.nowhere.org/dir/index.html",
			`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"0a4f113b", map[string]string{"response": "6629fae49393a05397450978507c4ef1", "algorithm": ""}},
		// With the response of erratum 749.
		{"RFC 2069 2.4", "Mufasa", "CircleOfLife", "http://www.nowhere.org/dir/index.html",
			`Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			"unused", map[string]string{"response": "1949323746fe6a43ef61f9606e7febea", "cnonce": "", "nc": "", "qop": ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := auth.WithCnonce(auth.Digest(tt.user, tt.password), func() string { return tt.cnonce })
			got := params(t, given(t, x, refused(asked(tt.url), tt.challenge)))
			for name, want := range tt.want {
				if got.Param(name) != want {
					t.Errorf("%s: %s, want %s", name, got.Param(name), want)
				}
			}
		})
	}
}

// verifier is a server's side of Digest, written for itself.
type verifier struct {
	user, password, realm string
	hash                  func() hash.Hash
	session               bool
	first                 *sonde.Challenge // of a session
}

func (v *verifier) h(s ...string) string {
	h := v.hash()
	io.WriteString(h, strings.Join(s, ":"))
	return hex.EncodeToString(h.Sum(nil))
}

// wrong says what is wrong with an answer to a request, "" if nothing is.
func (v *verifier) wrong(c *sonde.Challenge, a *sonde.AuthRequest, body string, userhash bool) string {
	name := c.Param("username")
	if ext := c.Param("username*"); ext != "" {
		plain, err := url.PathUnescape(strings.TrimPrefix(ext, "UTF-8''"))
		if err != nil || name != "" || userhash {
			return "username*"
		}
		name = plain
	}
	want := v.user
	if userhash {
		want = v.h(v.user, v.realm)
	}
	if name != want || c.Param("realm") != v.realm || c.Param("uri") != a.Target {
		return "username, realm or uri"
	}
	a1 := v.h(v.user, v.realm, v.password)
	if v.session {
		if v.first == nil {
			v.first = c
		}
		a1 = v.h(a1, v.first.Param("nonce"), v.first.Param("cnonce"))
	}
	a2 := []string{string(a.Method), a.Target}
	if c.Param("qop") == "auth-int" {
		a2 = append(a2, v.h(body))
	}
	response := v.h(a1, c.Param("nonce"), c.Param("nc"), c.Param("cnonce"), c.Param("qop"), v.h(a2...))
	if c.Param("qop") == "" {
		response = v.h(a1, c.Param("nonce"), v.h(a2...))
	}
	if c.Param("response") != response {
		return "response"
	}
	return ""
}

// TestDigestVerified: every algorithm, qop and kind of name, three requests each.
func TestDigestVerified(t *testing.T) {
	hashes := map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New, "SHA-512-256": sha512.New512_256}
	for algorithm, h := range hashes {
		for _, session := range []string{"", "-sess", "-SESS"} {
			for _, qop := range []string{"", "auth", "auth-int", "auth-int,auth"} {
				for _, user := range []string{"ada", `a"d\a`, "Jäsøn Doe"} {
					for _, userhash := range []bool{false, true} {
						name := fmt.Sprint(algorithm, session, " qop=", qop, " ", user, " userhash=", userhash)
						t.Run(name, func(t *testing.T) {
							v := &verifier{user, "Ünter: 7", `a "realm" \ here`, h, session != "", nil}
							challenge := `Digest realm="a \"realm\" \\ here", nonce="abc", algorithm=` + algorithm + session
							if qop != "" {
								challenge += `, qop="` + qop + `"`
							}
							if userhash {
								challenge += ", userhash=true"
							}
							threeRequests(t, v, challenge, qop, userhash)
						})
					}
				}
			}
		}
	}
}

func threeRequests(t *testing.T, v *verifier, challenge, qop string, userhash bool) {
	x := auth.Digest(v.user, v.password)
	cnonces := map[string]bool{}
	for i := 1; i <= 3; i++ {
		a := asked("http://localhost:81/a%20b?c=d")
		a.Method, a.Body = sonde.POST, sonde.Text("content")
		if i == 1 {
			a = refused(a, challenge)
		}
		value := given(t, x, a)
		c := params(t, value)
		if wrong := v.wrong(c, a, "content", userhash); wrong != "" {
			t.Fatalf("request %d: wrong %s in %s", i, wrong, value)
		}
		if nc := c.Param("nc"); qop != "" && nc != fmt.Sprintf("%08x", i) {
			t.Fatalf("nc %s in request %d", nc, i)
		}
		if want := strings.TrimPrefix(qop, "auth-int,"); c.Param("qop") != want {
			t.Fatalf("qop %s", c.Param("qop"))
		}
		cnonces[c.Param("cnonce")] = true
	}
	if want := map[bool]int{true: 3, false: 1}[qop != "" && !v.session]; len(cnonces) != want {
		t.Errorf("%d different cnonces", len(cnonces))
	}
}

func TestDigestStrongest(t *testing.T) {
	x := auth.Digest("a", "b")
	offer := func(algorithms ...string) []string {
		var all []string
		for i, al := range algorithms {
			all = append(all, fmt.Sprintf(`Digest realm="x", nonce="%d", qop="auth", algorithm=%s`, i, al))
		}
		return all
	}
	for _, tt := range []struct {
		offered []string
		want    string
	}{
		{[]string{"MD5", "SHA-256", "SHA-512-256"}, "SHA-512-256"},
		{[]string{"SHA-256-sess", "MD5", "SHA-256"}, "SHA-256-sess"},
		{[]string{"SHA-1", "MD5", "token"}, "MD5"},
		{[]string{"sha-256", "md5"}, "sha-256"},
		{[]string{"SHA-1"}, ""},
		{[]string{"SHA-256-session", "-sess"}, ""},
	} {
		got := given(t, x, refused(asked("http://a/"), offer(tt.offered...)...))
		if got == "" && tt.want == "" {
			continue
		}
		if c := params(t, got); c.Param("algorithm") != tt.want {
			t.Errorf("%v: %s", tt.offered, c.Param("algorithm"))
		}
	}
	for _, no := range []string{`Digest realm="x", qop="auth"`, `Digest realm="x", nonce="n", qop="other"`, `Basic realm="x"`} {
		if got := given(t, x, refused(asked("http://b/"), no)); got != "" {
			t.Errorf("%s is answered: %s", no, got)
		}
	}
}

func TestDigestRefusals(t *testing.T) {
	challenge := func(nonce, more string) string {
		return fmt.Sprintf(`Digest realm="x", nonce="%s", qop="auth"%s`, nonce, more)
	}
	x := auth.Digest("a", "b")
	first := asked("http://a/")
	if got := given(t, x, first); got != "" {
		t.Fatal("in advance:", got)
	}
	second := refused(first, challenge("1", ""))
	if given(t, x, second) == "" {
		t.Fatal("no answer")
	}
	stale := refused(second, challenge("2", ", stale=TRUE"))
	if c := params(t, given(t, x, stale)); c.Param("nonce") != "2" || c.Param("nc") != "00000001" {
		t.Error("stale:", c.Params)
	}
	if got := given(t, x, refused(stale, challenge("3", ", stale=false"))); got != "" {
		t.Error("wrong credentials are sent again:", got)
	}
	if got := given(t, x, asked("http://a/")); got != "" {
		t.Error("wrong credentials are remembered:", got)
	}

	// A server that lost its nonces and does not say so.
	given(t, x, refused(asked("http://a/"), challenge("4", "")))
	late := asked("http://a/")
	if c := params(t, given(t, x, late)); c.Param("nonce") != "4" || c.Param("nc") != "00000002" {
		t.Error("in advance:", c.Params)
	}
	if c := params(t, given(t, x, refused(late, challenge("5", "")))); c.Param("nonce") != "5" {
		t.Error("after what was sent in advance:", c.Params)
	}
}

func TestDigestSpaces(t *testing.T) {
	x := auth.Digest("a", "b")
	learn := func(url, challenge string) { given(t, x, refused(asked(url), challenge)) }
	realm := func(url string) string {
		got := given(t, x, asked(url))
		if got == "" {
			return ""
		}
		return params(t, got).Param("realm")
	}
	learn("http://a/x", `Digest realm="all", nonce="1", qop="auth"`)
	learn("http://a/in/x", `Digest realm="in", nonce="1", qop="auth", domain="/in http://a/also/ http://other/ https://a/"`)
	learn("http://b/deep/x", `Digest realm="b", nonce="1", qop="auth", domain="http://other/"`)
	for url, want := range map[string]string{
		"http://a/":         "all",
		"http://a/inner":    "in", // RFC 7616 §3.3: a prefix of the text
		"http://a/in/y":     "in",
		"http://a/also/":    "in",
		"http://a/also":     "all",
		"http://a:80/in/y":  "in",
		"https://a/in/y":    "",
		"http://a:81/":      "",
		"http://other/":     "",
		"http://b/":         "",
		"http://b/deep/x/y": "b",
	} {
		if got := realm(url); got != want {
			t.Errorf("%s: realm %q, want %q", url, got, want)
		}
	}
	learn("http://a/in/x", `Digest realm="in", nonce="2", qop="auth"`)
	if got := realm("http://a/"); got != "in" {
		t.Errorf("the realm's new challenge, for all: %q", got)
	}
	proxy := refused(asked("http://a/"), `Digest realm="proxy", nonce="1", qop="auth", domain="/never"`)
	proxy.Proxy = true
	given(t, x, proxy)
	in := asked("http://a/")
	in.Proxy = true
	if c := params(t, given(t, x, in)); c.Param("realm") != "proxy" {
		t.Error(c.Params)
	}
	for i := range 1000 {
		learn(fmt.Sprintf("http://h%d/", i), `Digest realm="x", nonce="1"`)
		learn("http://a/", fmt.Sprintf(`Digest realm="x%d", nonce="1"`, i))
	}
	if n := auth.Remembered(x); n > 256 {
		t.Error(n, "origins are remembered")
	}
}

func TestDigestNextNonce(t *testing.T) {
	x := auth.Digest("a", "b")
	a := refused(asked("http://a/"), `Digest realm="x", nonce="1", qop="auth"`)
	given(t, x, a)
	var head sonde.Head
	head.Header.Set("Authentication-Info", `qop=auth, nextnonce="n,2"`)
	x.(interface {
		Answered(*sonde.AuthRequest, *sonde.Head)
	}).Answered(a, &head)
	if c := params(t, given(t, x, asked("http://a/"))); c.Param("nonce") != "n,2" || c.Param("nc") != "00000001" {
		t.Error(c.Params)
	}
}

// TestDigestBodies: auth-int needs a body that can be read again.
func TestDigestBodies(t *testing.T) {
	x := auth.Digest("a", "b")
	once := asked("http://a/")
	once.Body = sonde.Reader(io.MultiReader(strings.NewReader("x")), -1)
	challenge := `Digest realm="x", nonce="1", qop="auth-int"`
	if got := given(t, x, refused(once, challenge)); got != "" {
		t.Error(got)
	}
	given(t, x, refused(asked("http://a/"), challenge))
	if got := given(t, x, once); got != "" {
		t.Error("in advance:", got)
	}
	fails := asked("http://a/")
	fails.Body = sonde.File("/nowhere/at/all")
	if err := x.Authenticate(context.Background(), fails); err == nil {
		t.Error("no error of the body's")
	}
}

// TestDigestCounts: no two requests have the same count.
func TestDigestCounts(t *testing.T) {
	x := auth.Digest("a", "b")
	given(t, x, refused(asked("http://a/"), `Digest realm="x", nonce="1", qop="auth", algorithm=SHA-256-sess`))
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				a := asked("http://a/")
				if err := x.Authenticate(context.Background(), a); err != nil {
					t.Error(err)
				}
				h, _ := a.Fields()
				_, nc, _ := strings.Cut(h.Get("Authorization"), "nc=")
				mu.Lock()
				seen[nc] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 400 {
		t.Error(len(seen), "counts")
	}
}

func TestDigestWrong(t *testing.T) {
	for _, wrong := range [][2]string{{"a\n", "secret"}, {"a", "secret\x00"}} {
		err := auth.Digest(wrong[0], wrong[1]).Authenticate(context.Background(), asked("http://a/"))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}

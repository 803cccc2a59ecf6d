package cookie

import (
	"fmt"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"

	"sonde"
)

var _ sonde.Jar = (*Jar)(nil)

// TestRules: what one Set-Cookie gives for requests elsewhere, "-" for nothing.
func TestRules(t *testing.T) {
	for _, c := range []struct{ name, from, set, to, want string }{
		{"host only", "https://a.example/", "x=1", "https://b.a.example/", "-"},
		{"a domain", "https://a.example/", "x=1; Domain=a.example", "https://b.a.example/", "x=1"},
		{"of a subdomain", "https://b.a.example/", "x=1; Domain=.A.Example", "https://a.example/", "x=1"},
		{"of another subdomain", "https://b.a.example/", "x=1; Domain=c.a.example", "https://c.a.example/", "-"},
		{"not a label's end", "https://a.example/", "x=1; Domain=a.example", "https://ba.example/", "-"},
		{"a public suffix", "https://a.co.uk/", "x=1; Domain=co.uk", "https://a.co.uk/", "-"},
		{"a private suffix", "https://a.github.io/", "x=1; Domain=github.io", "https://a.github.io/", "-"},
		{"a suffix of its own", "https://github.io/", "x=1; Domain=github.io", "https://github.io/", "x=1"},
		{"a suffix, not below", "https://github.io/", "x=1; Domain=github.io", "https://a.github.io/", "-"},
		{"above a wildcard suffix", "https://b.c.kobe.jp/", "x=1; Domain=kobe.jp", "https://b.c.kobe.jp/", "-"},
		{"a domain beyond ASCII", "https://xn--bcher-kva.example/", "x=1; Domain=bücher.example", "https://bücher.example/", "-"},
		{"a host beyond ASCII", "https://bücher.example/", "x=1; Domain=xn--bcher-kva.example", "https://a.BÜCHER.example/", "x=1"},
		{"a domain of 1025 bytes", "https://a.example/", "x=1; Domain=b.example; Domain=" + strings.Repeat("a", 1025), "https://a.example/", "-"},

		{"an address", "http://127.0.0.1/", "x=1; Domain=127.0.0.1", "http://127.0.0.1:80/", "x=1"},
		{"a part of an address", "http://127.0.0.1/", "x=1; Domain=0.0.1", "http://127.0.0.1/", "-"},
		{"IPv6", "http://[2001:DB8::1]:8080/", "x=1", "http://[2001:db8:0::1]/", "x=1"},
		{"IPv6 as a domain", "http://[2001:db8::1]/", "x=1; Domain=2001:db8::1", "http://[2001:db8::1]/", "x=1"},
		{"a dot at the end", "https://a.example./", "x=1", "https://a.example/", "-"},
		{"a dot at the end, itself", "https://a.example./", "x=1; Domain=a.example.", "https://a.example./", "x=1"},
		{"a dot at the end, below", "https://a.example./", "x=1; Domain=a.example.", "https://b.a.example./", "-"},
		{"localhost", "http://localhost/", "x=1; Domain=localhost", "http://localhost:8080/", "x=1"},
		{"an empty label", "https://a..example/", "x=1", "https://a..example/", "-"},
		{"another port", "https://a.example:1/", "x=1", "https://a.example:2/", "x=1"},

		{"the default path", "https://a.example/p/q", "x=1", "https://a.example/p/r", "x=1"},
		{"above the default path", "https://a.example/p/q", "x=1", "https://a.example/", "-"},
		{"beside the path", "https://a.example/p/q", "x=1", "https://a.example/pq", "-"},
		{"a path", "https://a.example/", "x=1; Path=/p", "https://a.example/p/q", "x=1"},
		{"a relative path", "https://a.example/p/q", "x=1; Path=r", "https://a.example/p", "x=1"},
		{"an empty path after one", "https://a.example/p/q", "x=1; Path=/; Path=", "https://a.example/", "-"},
		{"a path of 1025 bytes", "https://a.example/", "x=1; Path=/p; Path=/" + strings.Repeat("a", 1024), "https://a.example/p", "x=1"},
		{"no path in the URL", "https://a.example", "x=1; Path=/", "https://a.example", "x=1"},
		{"an escaped path", "https://a.example/", "x=1; Path=/a b", "https://a.example/a%20b", "-"},

		{"Secure", "https://a.example/", "x=1; Secure", "https://a.example/", "x=1"},
		{"Secure to http", "https://a.example/", "x=1; Secure", "http://a.example/", "-"},
		{"Secure from http", "http://a.example/", "x=1; Secure", "https://a.example/", "-"},
		{"Secure from localhost", "http://localhost/", "x=1; Secure", "http://localhost/", "x=1"},
		{"Secure from below localhost", "http://a.localhost/", "x=1; Secure", "http://a.localhost/", "x=1"},
		{"Secure from ::1", "http://[::1]/", "x=1; Secure", "http://[::1]/", "x=1"},
		{"Secure from 127.1.2.3", "http://127.1.2.3/", "x=1; Secure", "http://127.1.2.3/", "x=1"},
		{"Secure from elsewhere", "http://192.0.2.1/", "x=1; Secure", "http://192.0.2.1/", "-"},
		{"wss", "https://a.example/", "x=1; Secure", "wss://a.example/", "x=1"},
		{"another scheme", "https://a.example/", "x=1", "ftp://a.example/", "-"},

		{"__Secure-", "https://a.example/", "__Secure-x=1; Secure", "https://a.example/", "__Secure-x=1"},
		{"__Secure- without Secure", "https://a.example/", "__sEcUrE-x=1", "https://a.example/", "-"},
		{"__Host-", "https://a.example/", "__Host-x=1; Secure; Path=/", "https://a.example/", "__Host-x=1"},
		{"__Host- without a path", "https://a.example/", "__Host-x=1; Secure", "https://a.example/", "-"},
		{"__Host- with a path", "https://a.example/", "__Host-x=1; Secure; Path=/p", "https://a.example/p", "-"},
		{"__Host- with a domain", "https://a.example/", "__HOST-x=1; Secure; Path=/; Domain=a.example", "https://a.example/", "-"},
		{"__Host- without Secure", "https://a.example/", "__Host-x=1; Path=/", "https://a.example/", "-"},
		{"__Host- as a value", "https://a.example/", "=__Host-x=1; Secure; Path=/; Domain=a.example", "https://a.example/", "-"},
		{"__Secure- as a value", "https://a.example/", "__Secure-x", "https://a.example/", "-"},

		{"SameSite=None without Secure", "https://a.example/", "x=1; SameSite=None", "https://a.example/", "-"},
		{"SameSite=None", "https://a.example/", "x=1; SameSite=None; Secure", "https://a.example/", "x=1"},
		{"the last SameSite", "https://a.example/", "x=1; SameSite=None; SameSite=what", "https://a.example/", "x=1"},

		{"4096 bytes", "https://a.example/", "x=" + strings.Repeat("y", 4095), "https://a.example/", "x=" + strings.Repeat("y", 4095)},
		{"4097 bytes", "https://a.example/", "x=" + strings.Repeat("y", 4096), "https://a.example/", "-"},
		{"a control byte", "https://a.example/", "x=1\x01", "https://a.example/", "-"},
		{"a control byte in an attribute", "https://a.example/", "x=1; foo\x7f", "https://a.example/", "-"},
		{"a line's end", "https://a.example/", "x=1\r\nX: y", "https://a.example/", "-"},
		{"a tab", "https://a.example/", "x=\t1\t2\t", "https://a.example/", "x=1\t2"},
		{"bytes beyond ASCII", "https://a.example/", "x=\xff\xc3\xa9", "https://a.example/", "x=\xff\xc3\xa9"},
		{"nothing", "https://a.example/", " = ;Secure", "https://a.example/", "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := New(Config{})
			j.SetCookies(mustURL(t, c.from), []string{c.set})
			got := j.Cookie(mustURL(t, c.to))
			if c.want == "-" {
				c.want = ""
			}
			if got != c.want {
				t.Errorf("sent %q, want %q", got, c.want)
			}
		})
	}
}

// TestSecureStays: RFC 6265bis §5.7 step 16, leave secure cookies alone.
func TestSecureStays(t *testing.T) {
	secure := mustURL(t, "https://a.example/login")
	for _, c := range []struct {
		from, set string
		stored    bool
	}{
		{"http://a.example/", "x=evil; Path=/login", false},
		{"http://a.example/", "x=evil; Path=/login/en", false},
		{"http://a.example/", "x=evil; Path=/", true},
		{"http://a.example/", "x=evil; Path=/foo", true},
		{"http://a.example/", "y=evil; Path=/login", true},
		{"http://b.a.example/", "x=evil; Path=/login; Domain=a.example", false},
		{"http://b.a.example/", "x=evil; Path=/login", false},
		{"https://a.example/", "x=evil; Path=/login", true},
	} {
		clk := newClock()
		j := New(Config{Now: clk.Now})
		j.SetCookies(secure, []string{"x=good; Secure; Path=/login; Max-Age=60; Domain=a.example"})
		clk.advance(time.Second)
		j.SetCookies(mustURL(t, c.from), []string{c.set})
		if stored := j.Len() == 2; stored != c.stored {
			t.Errorf("%s sets %s: stored %v, want %v", c.from, c.set, stored, c.stored)
		}
		// One that has expired guards nothing.
		clk.advance(time.Minute)
		j.SetCookies(mustURL(t, c.from), []string{c.set})
		if got := slices.Collect(j.All()); len(got) != 1 || got[0].Value != "evil" {
			t.Errorf("%s sets %s: %v", c.from, c.set, got)
		}
	}
}

// TestExpiry: Max-Age before Expires, 400 days, and the end of a cookie.
func TestExpiry(t *testing.T) {
	u := mustURL(t, "https://a.example/")
	const never, over = -1, 0
	for _, c := range []struct {
		attributes string
		want       time.Duration
	}{
		{"", never},
		{"; Max-Age=60", time.Minute},
		{"; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", time.Minute},
		{"; Expires=Sun, 04 Jan 2026 03:04:05 GMT", 48 * time.Hour},
		{"; Expires=Sun, 04 Jan 2026 03:04:05 GMT; Max-Age=x", 48 * time.Hour},
		{"; Expires=Sun, 04 Jan 2026 03:04:05 GMT; Expires=rubbish", 48 * time.Hour},
		{"; Expires=Sun, 04 Jan 2026 03:04:05 GMT; Expires=Mon, 05 Jan 2026 03:04:05 GMT", 72 * time.Hour},
		{"; Expires=Sun, 04 Jan 2099 03:04:05 GMT", maxAge},
		{"; Max-Age=34560001", maxAge},
		{"; Max-Age=99999999999999999999999", maxAge},
		{"; Max-Age=+60", never},
		{"; Max-Age=", never},
		{"; Max-Age=1.5", never},
		{"; Max-Age=-", never},
		{"; Max-Age=0", over},
		{"; Max-Age=-99999999999999999999999", over},
		{"; Expires=Fri, 02 Jan 2026 03:04:05 GMT", over},
		{"; Expires=Mon, 01 Jan 1601 00:00:00 GMT", over},
	} {
		clk := newClock()
		j := New(Config{Now: clk.Now})
		j.SetCookies(u, []string{"x=1"})
		j.SetCookies(u, []string{"x=1" + c.attributes})
		cookies := j.Cookies(u)
		switch {
		case c.want == over:
			if len(cookies) != 0 || j.Len() != 0 {
				t.Errorf("%s: it is not deleted", c.attributes)
			}
			continue
		case len(cookies) != 1:
			t.Fatalf("%s: %v", c.attributes, cookies)
		case c.want == never:
			if cookies[0].Persistent() {
				t.Errorf("%s: expires %v", c.attributes, cookies[0].Expires)
			}
			continue
		}
		if got := cookies[0].Expires.Sub(clk.now); got != c.want {
			t.Errorf("%s: lives for %v, want %v", c.attributes, got, c.want)
		}
		clk.advance(c.want - time.Nanosecond)
		if j.Cookie(u) == "" {
			t.Errorf("%s: gone before its time", c.attributes)
		}
		if clk.advance(time.Nanosecond); j.Cookie(u) != "" || j.Len() != 0 {
			t.Errorf("%s: still there", c.attributes)
		}
	}
}

// TestOrder: the longest path first, then the oldest; a new value does not make a
// cookie younger, but an expired one leaves nothing.
func TestOrder(t *testing.T) {
	clk := newClock()
	j := New(Config{Now: clk.Now})
	u := mustURL(t, "https://a.example/p/q")
	j.SetCookies(u, []string{"a=1; Path=/", "b=1; Path=/p", "c=1; Path=/", "d=1; Path=/; Max-Age=1"})
	clk.advance(time.Second)
	created := clk.now
	j.SetCookies(u, []string{"e=1; Path=/p", "a=2; Path=/", "d=2; Path=/", "=nameless; Path=/"})
	if got, want := j.Cookie(u), "b=1; e=1; a=2; c=1; d=2; nameless"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	for c := range j.All() {
		if c.Name == "a" && !c.Created.Equal(created.Add(-time.Second)) || c.Name == "d" && !c.Created.Equal(created) {
			t.Errorf("%s was created at %v", c.Name, c.Created)
		}
	}
}

// TestEviction: RFC 6265bis §5.7, the order in which excess cookies go.
func TestEviction(t *testing.T) {
	names := func(j *Jar) string {
		var b strings.Builder
		for c := range j.All() {
			b.WriteString(c.Name)
		}
		return b.String()
	}
	a, b := mustURL(t, "https://a.example/"), mustURL(t, "https://b.example/")
	set := func(j *Jar, clk *clock, u *url.URL, values ...string) {
		for _, v := range values {
			clk.advance(time.Second)
			j.SetCookies(u, []string{v})
		}
	}
	t.Run("a domain", func(t *testing.T) {
		clk := newClock()
		j := New(Config{Now: clk.Now, MaxPerDomain: 3})
		set(j, clk, a, "a=1; Secure", "b=1", "c=1; Path=/c; Max-Age=5")
		set(j, clk, b, "z=1") // another domain does not count
		set(j, clk, a, "d=1")
		if got := names(j); got != "adcz" {
			t.Error("b, not secure and the oldest, should have gone first:", got)
		}
		clk.advance(10 * time.Second)
		set(j, clk, a, "e=1")
		if got := names(j); got != "adez" {
			t.Error("then c, which has expired:", got)
		}
		j.Cookie(a)
		set(j, clk, a, "f=1; Secure; Path=/never")
		if got := names(j); got != "aefz" {
			t.Error("then d, not secure:", got)
		}
		set(j, clk, a, "g=1; Secure", "h=1; Secure")
		if got := names(j); got != "ghfz" {
			t.Error("then e, and a, which was used before f was set:", got)
		}
	})
	t.Run("in total", func(t *testing.T) {
		clk := newClock()
		j := New(Config{Now: clk.Now, Max: 3})
		set(j, clk, a, "a=1", "b=1; Path=/b; Secure")
		set(j, clk, b, "c=1; Max-Age=1")
		j.Cookie(a)
		clk.advance(time.Minute)
		set(j, clk, b, "d=1")
		if got := names(j); got != "abd" || j.Len() != 3 {
			t.Error("c has expired:", got, j.Len())
		}
		set(j, clk, b, "e=1")
		if got := names(j); got != "ade" {
			t.Error("b was used the longest ago:", got)
		}
		j.Cookie(a)
		set(j, clk, mustURL(t, "https://c.example/"), "f=1")
		if got := names(j); got != "aef" {
			t.Error("d was used the longest ago:", got)
		}
	})
	t.Run("at once", func(t *testing.T) {
		j := New(Config{})
		for h := range 40 {
			var values []string
			for i := range 200 {
				values = append(values, fmt.Sprintf("c%d=1", i))
			}
			j.SetCookies(mustURL(t, fmt.Sprintf("https://h%d.example/", h)), values)
			if n := j.Len(); n > 3000 || n < min(2700, 180*(h+1)) {
				t.Fatalf("%d cookies of %d hosts", n, h+1)
			}
		}
	})
}

// TestManage: looking at cookies, adding and deleting them.
func TestManage(t *testing.T) {
	clk := newClock()
	j := New(Config{Now: clk.Now})
	u := mustURL(t, "https://www.a.example/p/")
	j.SetCookies(u, []string{"s=1; HttpOnly; SameSite=Strict", "p=2; Domain=a.example; Path=/; Max-Age=60; Secure; SameSite=lax"})
	all := slices.Collect(j.All())
	if len(all) != 2 {
		t.Fatal(all)
	}
	now := clk.now.In(all[0].Accessed.Location())
	if want := (Cookie{Name: "p", Value: "2", Domain: "a.example", Path: "/", Secure: true, SameSite: SameSiteLax,
		Created: clk.now, Accessed: now, Expires: clk.now.Add(time.Minute)}); all[0] != want {
		t.Errorf("%+v\nwant %+v", all[0], want)
	}
	if want := (Cookie{Name: "s", Value: "1", Domain: "www.a.example", Path: "/p", HostOnly: true, HTTPOnly: true,
		SameSite: SameSiteStrict, Created: clk.now, Accessed: now}); all[1] != want {
		t.Errorf("%+v\nwant %+v", all[1], want)
	}
	if err := j.Set(Cookie{Name: "h", Value: "3", Domain: ".A.Example"}); err != nil {
		t.Error(err)
	}
	if got := j.Cookie(u); got != "s=1; p=2; h=3" {
		t.Error(got)
	}
	if n := j.EndSession(); n != 2 || j.Cookie(u) != "p=2" {
		t.Error(n, j.Cookie(u))
	}
	if n := j.Delete(func(c Cookie) bool { return c.Domain == "a.example" }); n != 1 || j.Len() != 0 {
		t.Error(n, j.Len())
	}
	j.SetCookies(u, []string{"a=1"})
	for range j.All() {
		j.Clear() // a loop over All holds no lock
	}
	if j.Len() != 0 || j.Cookie(u) != "" {
		t.Error("not cleared")
	}
}

// TestSet: what cannot be set by hand.
func TestSet(t *testing.T) {
	j := New(Config{})
	for _, c := range []struct {
		cookie Cookie
		want   string
	}{
		{Cookie{}, "the domain is no host"},
		{Cookie{Domain: "a.example"}, "neither a name nor a value"},
		{Cookie{Name: "a", Domain: "co.uk"}, "public suffix"},
		{Cookie{Name: "a\n", Domain: "a.example"}, "control character"},
		{Cookie{Name: "a=b", Domain: "a.example"}, "; or ="},
		{Cookie{Name: "a", Value: "b;c", Domain: "a.example"}, "; or ="},
		{Cookie{Name: "a", Value: " b", Domain: "a.example"}, "white space"},
		{Cookie{Name: "a", Value: strings.Repeat("b", 4096), Domain: "a.example"}, "4096 bytes"},
		{Cookie{Name: "a", Path: "p", Domain: "a.example"}, "the path"},
		{Cookie{Name: "__Host-a", Domain: "a.example", Secure: true}, "__Host-"},
		{Cookie{Name: "a", Domain: "a.example", SameSite: SameSiteNone}, "SameSite"},
	} {
		if err := j.Set(c.cookie); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cookie, err, c.want)
		}
	}
	for _, c := range []Cookie{
		{Name: "a", Domain: "co.uk", HostOnly: true}, {Name: "a", Domain: "192.0.2.1"}, {Name: "a", Domain: "localhost"},
		{Name: "__Host-a", Domain: "a.example", HostOnly: true, Secure: true},
	} {
		if err := j.Set(c); err != nil {
			t.Error(err)
		}
	}
	if j.Len() != 4 {
		t.Error(j.Len())
	}
}

// TestOwnList: the public suffix list and what is secure can be replaced.
func TestOwnList(t *testing.T) {
	j := New(Config{PublicSuffixes: noSuffix{}, Secure: func(u *url.URL) bool { return u.Scheme == "https" }})
	j.SetCookies(mustURL(t, "http://a.co.uk/"), []string{"x=1; Domain=co.uk"})
	j.SetCookies(mustURL(t, "http://localhost/"), []string{"y=1; Secure"})
	if got := j.Cookie(mustURL(t, "http://b.co.uk/")) + j.Cookie(mustURL(t, "http://localhost/")); got != "x=1" {
		t.Error(got)
	}
}

type noSuffix struct{}

// PublicSuffix is the last label.
func (noSuffix) PublicSuffix(d string) string { return d[strings.LastIndexByte(d, '.')+1:] }

// TestConcurrent: many goroutines at once, more cookies than are kept, and the
// count right at the end.
func TestConcurrent(t *testing.T) {
	j := New(Config{Max: 100, MaxPerDomain: 20})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				u := &url.URL{Scheme: "https", Host: fmt.Sprintf("h%d.s%d.example", g%3, i%30), Path: "/"}
				j.SetCookies(u, []string{
					fmt.Sprintf("c%d=%d", i%50, g), fmt.Sprintf("d%d=1; Domain=s%d.example", i%7, i%30), "gone=1; Max-Age=0",
				})
				if s := j.Cookie(u); strings.Contains(s, "gone") {
					t.Error(s)
				}
				switch i % 50 {
				case 10:
					j.Delete(func(c Cookie) bool { return c.Name == "c10" })
				case 20:
					j.Encode(discard{}, JSON)
				case 30:
					j.EndSession()
				}
			}
		})
	}
	wg.Wait()
	if n := len(slices.Collect(j.All())); n != j.Len() || n > 100 {
		t.Errorf("%d cookies, counted as %d", n, j.Len())
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestFromJar: a jar of net/http's.
func TestFromJar(t *testing.T) {
	inner, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		t.Fatal(err)
	}
	j := FromJar(inner)
	u := mustURL(t, "https://a.example/p/q")
	if got := j.Cookie(u); got != "" {
		t.Error(got)
	}
	j.SetCookies(u, []string{`a="1 2"; Path=/`, "b=2; Path=/p", "rubbish", "c=3; Domain=example"})
	if got := j.Cookie(u); got != `b=2; a="1 2"` {
		t.Error(got)
	}
}

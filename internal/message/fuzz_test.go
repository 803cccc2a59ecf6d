package message

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func FuzzFields(f *testing.F) {
	for _, s := range []string{"A: b\r\n", twentyFields, "A: b\r\n c\r\nD:\te\t\r\n", "A : b\r\n", "A: \x00\r\n", "A: b\nC: d\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var f Fields
		if err := f.Parse(append([]byte(nil), text...), 0, 50); err != nil {
			return
		}
		lines := f.Lines()
		again := parse(t, lines)
		if again.Lines() != lines || again.Len() != f.Len() {
			t.Fatalf("%q became %q", lines, again.Lines())
		}
		var built Fields
		for name, value := range f.All() {
			if err := built.Add(name, value); err != nil {
				t.Fatalf("parsed, but cannot be added: %v", err)
			}
			if !f.Has(name) || f.Len() == 1 && !f.Is(name, value) {
				t.Fatalf("%q is not found", name)
			}
			f.Int(name)
			f.Time(name)
			f.MediaType(name)
			for token := range f.Tokens(name) {
				if !f.HasToken(name, token) {
					t.Fatalf("%q is not in %q", token, f.Combined(name))
				}
			}
		}
		if built.Lines() != lines {
			t.Fatalf("%q was built as %q", lines, built.Lines())
		}
		for name := range f.All() {
			built.Del(name)
		}
		if built.Len() != 0 || built.Lines() != "" {
			t.Fatalf("left: %q", built.Lines())
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{
		"http://example.com", "https://u:p@Bücher.example:8443/a%2Fb?c=ä#d", "http://[fe80::1%25eth0]:80/",
		"http://a/%zz", "unix:/x", "mailto:a@b", "http://a:b@c:99999/", "//x", "http://a?b", "http://a#b",
	} {
		f.Add(s, "../x y?z#f")
	}
	f.Fuzz(func(t *testing.T, raw, ref string) {
		u, err := ParseURL(raw)
		if err != nil {
			return
		}
		std, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("net/url does not take it: %v", err)
		}
		if u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		check(t, u)
		if std.User == nil == u.HasUser {
			t.Fatal("user")
		}
		if again, err := ParseURL(u.text("", u.Target)); err != nil || again.Target != u.Target || again.Authority != u.Authority || again.Fragment != u.Fragment {
			t.Fatalf("%+v is not %+v: %v", again, u, err)
		}
		if to, err := u.Resolve(ref); err == nil && (to.Scheme == "http" || to.Scheme == "https") {
			check(t, to)
		}
	})
}

// check says whether every part of u can be sent.
func check(t *testing.T, u URL) {
	if u.Host == "" || u.Port == "" || u.Authority == "" || !strings.HasPrefix(u.Target, "/") {
		t.Fatalf("incomplete: %+v", u)
	}
	if err := CheckTarget(u.Target); err != nil {
		t.Fatal(err)
	}
	if err := CheckAuthority(u.Authority); err != nil {
		t.Fatal(err)
	}
	if strings.ToLower(u.Authority) != u.Authority || strings.Contains(u.Authority, "%") {
		t.Fatal(u.Authority)
	}
}

// FuzzParseTime compares with net/http, which takes more, such as fractions of
// seconds and names in any case, and does not know the rule for two-digit years
// or leap seconds.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sat, 31 Dec 2016 23:59:60 GMT",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		if err != nil || strings.Contains(s, ":60") {
			return
		}
		want, err := http.ParseTime(s)
		if err != nil {
			// The two-digit year that it assumes may have no 29 February.
			if strings.Contains(s, "day, 29-Feb-") {
				return
			}
			t.Fatalf("%q: net/http does not take it: %v", s, err)
		}
		if got.Equal(want) || strings.Contains(s, "day, ") && got.Year()%100 == want.Year()%100 {
			return
		}
		t.Fatalf("%q: %v, net/http %v", s, got, want)
	})
}

func TestAppendTimeIsParsed(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	got, err := ParseTime(string(AppendTime(nil, now)))
	if err != nil || !got.Equal(now) {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzMediaType compares with package mime where both take the text. mime reads
// "name*0=" continuations of RFC 2231, which are not HTTP's, takes spaces around
// "=", and backslashes in quoted-strings as themselves where Windows would write
// them.
func FuzzMediaType(f *testing.F) {
	for _, s := range []string{"text/html; charset=utf-8", `a/b;x="q\"\\"`, "a/b;;", "a/b; c=d; c=e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMediaType(s)
		if err != nil {
			return
		}
		kind, params, err := mime.ParseMediaType(s)
		if err != nil || strings.ContainsAny(s, `*\`) {
			return
		}
		if kind != m.Type {
			t.Fatalf("%q: %q, mime %q", s, m.Type, kind)
		}
		for name, want := range params {
			if got, ok := m.Param(name); !ok || got != want {
				t.Fatalf("%q: %s=%q, mime %q", s, name, got, want)
			}
		}
	})
}

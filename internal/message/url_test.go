package message

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, c := range []struct{ in, origin, authority, target, fragment string }{
		{"http://example.com", "http://example.com:80", "example.com", "/", ""},
		{"https://example.com/", "https://example.com:443", "example.com", "/", ""},
		{"HTTPS://Example.COM:443/A?b#c", "https://example.com:443", "example.com", "/A?b", "c"},
		{"http://example.com:8080/x", "http://example.com:8080", "example.com:8080", "/x", ""},
		{"http://example.com:0080/x", "http://example.com:80", "example.com", "/x", ""},
		{"http://example.com:/x", "http://example.com:80", "example.com", "/x", ""},
		{"https://example.com:80/", "https://example.com:80", "example.com:80", "/", ""},
		{"http://example.com?q", "http://example.com:80", "example.com", "/?q", ""},
		{"http://example.com/?", "http://example.com:80", "example.com", "/?", ""},
		{"http://example.com/a%2Fb%20c", "http://example.com:80", "example.com", "/a%2Fb%20c", ""},
		{"http://example.com/ä?ö=ü#é", "http://example.com:80", "example.com", "/%C3%A4?%C3%B6=%C3%BC", "%C3%A9"},
		{"http://example.com/a/../b", "http://example.com:80", "example.com", "/a/../b", ""},
		{"http://a_b.local/", "http://a_b.local:80", "a_b.local", "/", ""},
		{"http://example.com./", "http://example.com.:80", "example.com.", "/", ""},
		{"http://127.0.0.1:1/", "http://127.0.0.1:1", "127.0.0.1:1", "/", ""},
		{"http://[::1]/", "http://[::1]:80", "[::1]", "/", ""},
		{"http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080", "[::1]:8080", "/", ""},
		{"http://[FE80::1%25eth0]:81/", "http://[fe80::1%eth0]:81", "[fe80::1]:81", "/", ""},
		{"https://Bücher.example/", "https://xn--bcher-kva.example:443", "xn--bcher-kva.example", "/", ""},
		{"https://faß.example/", "https://xn--fa-hia.example:443", "xn--fa-hia.example", "/", ""},
		{"https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah:443", "xn--r8jz45g.xn--zckzah", "/", ""},
		{"http://user:pa%20ss@example.com/", "http://example.com:80", "example.com", "/", ""},
	} {
		u, err := ParseURL(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if u.Origin.String() != c.origin || u.Authority != c.authority || u.Target != c.target || u.Fragment != c.fragment {
			t.Errorf("%s: %s %+v", c.in, u.Origin, u)
		}
		if err := CheckTarget(u.Target); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		if err := CheckAuthority(u.Authority); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
	}
}

func TestParseURLUser(t *testing.T) {
	for _, c := range []struct {
		in, user, password   string
		hasUser, hasPassword bool
	}{
		{"http://h/", "", "", false, false},
		{"http://u@h/", "u", "", true, false},
		{"http://u:@h/", "u", "", true, true},
		{"http://:p@h/", "", "p", true, true},
		{"http://@h/", "", "", true, false},
		{"http://u:p%40%3A@h/", "u", "p@:", true, true},
	} {
		u, err := ParseURL(c.in)
		if err != nil || u.User != c.user || u.Password != c.password || u.HasUser != c.hasUser || u.HasPassword != c.hasPassword {
			t.Errorf("%s: %+v, %v", c.in, u, err)
		}
	}
}

func TestParseURLOtherScheme(t *testing.T) {
	u, err := ParseURL("unix:///run/x.sock?a")
	if err != nil || u.Scheme != "unix" || u.Target != "/run/x.sock?a" || u.Port != "" || u.Authority != "" {
		t.Errorf("%+v, %v", u, err)
	}
	u, err = ParseURL("Mock://Host/p")
	if err != nil || u.Scheme != "mock" || u.Host != "host" || u.Port != "" || u.Authority != "host" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "the URL is empty"},
		{"example.com/x", `no scheme in the URL "example.com/x": write https://…`},
		{"/x", `no scheme in the URL "/x": write https://…`},
		{"http:///x", "no host in the URL: write http://host/…"},
		{"http:x", "no host in the URL: write http://host/…"},
		{"http://:80/", "no host in the URL"},
		{"http://a b/", `a space in the URL "http://a b/": write %20`},
		{"http://a/b c", `a space in the URL "http://a/b c": write %20`},
		{"http://a/\r\nX: y", `byte 0x0d in the URL "http://a/\r\nX: y"`},
		{"http://a/\x00", `byte 0x00 in the URL "http://a/\x00"`},
		{"http://%61/", "%61 in the host of the URL \"http://%61/\": write the character itself"},
		{"http://a/%zz", "a % without two hexadecimal digits in the URL \"http://a/%zz\": write %25"},
		{"http://a:0/", `the port "0" is not from 1 to 65535`},
		{"http://a:65536/", `the port "65536" is not from 1 to 65535`},
		{"http://a:99999999999999999999/", `the port "99999999999999999999" is not from 1 to 65535`},
		{"http://a..b/", `an empty label in the host name "a..b"`},
		{"http://.a/", `an empty label in the host name ".a"`},
		{"http://a!b/", `byte 0x21 in the host name "a!b"`},
		{"http://" + strings.Repeat("a", 64) + "/", "the label \"" + strings.Repeat("a", 40) + "\"… of a host name is longer than 63 bytes"},
		{"http://" + strings.Repeat("a.", 128) + "/", "the host name \"" + strings.Repeat("a.", 20) + "\"… is longer than 253 bytes"},
		{"http://[::g]/", `the URL "http://[::g]/" cannot be read: invalid host: ParseAddr("::g"): each colon-separated field must have at least one digit (at "g")`},
	} {
		_, err := ParseURL(c.in)
		if err == nil || c.want != "" && err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestURLShowsNoCredentials(t *testing.T) {
	for _, in := range []string{
		"http://user:secret@host/",
		"http://secret@host/",
		"http://user:secret@host/ x",
		"http://user:sec ret@host/",
		"http://user:secret%zz@host/",
		"http://user:secret/secret@host/",
		"http://user:secret#secret@host/",
		"http://user:secret?secret@host/",
		"http://user:secret@host:secret/",
		"http://user:secret@host:99999/",
		"http://us[er:secret@host/",
		"user:secret@host/",
		"//user:secret@host/",
		"http://user:secret@[::x/",
		"http://user:secret\x01@host/",
	} {
		u, err := ParseURL(in)
		for _, text := range []string{u.String(), errText(err)} {
			if text := strings.ReplaceAll(text, "host:secret", ""); strings.Contains(text, "secret") || strings.Contains(text, "sec ret") {
				t.Errorf("%q shows %q", in, text)
			}
		}
	}
	u, _ := ParseURL("https://u:p@Host:8443/a?b#c")
	if got := u.String(); got != "https://***@host:8443/a?b#c" {
		t.Error(got)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ base, ref, want string }{
		// RFC 3986, section 5.4, with http: the base http://a/b/c/d;p?q.
		{"", "g", "http://a/b/c/g"},
		// What is escaped stays so beside what has to be.
		{"", "g%2Fh/é", "http://a/b/c/g%2Fh/%C3%A9"},
		{"", "/g%2fh|i", "http://a/g%2fh%7Ci"},
		{"", "./g", "http://a/b/c/g"},
		{"", "g/", "http://a/b/c/g/"},
		{"", "/g", "http://a/g"},
		{"", "//g", "http://g/"},
		{"", "?y", "http://a/b/c/d;p?y"},
		{"", "g?y", "http://a/b/c/g?y"},
		{"", "#s", "http://a/b/c/d;p?q#s"},
		{"", "g#s", "http://a/b/c/g#s"},
		{"", ";x", "http://a/b/c/;x"},
		{"", ".", "http://a/b/c/"},
		{"", "..", "http://a/b/"},
		{"", "../g", "http://a/b/g"},
		{"", "../../g", "http://a/g"},
		{"", "../../../g", "http://a/g"},
		{"", "/./g", "http://a/g"},
		{"", "g.", "http://a/b/c/g."},
		{"", "g?y/../x", "http://a/b/c/g?y/../x"},
		{"", "https://B:444/x?y", "https://b:444/x?y"},
		{"", "/with space", "http://a/with%20space"},
		{"", " /trimmed\t", "http://a/trimmed"},
		{"", "/ä?ö", "http://a/%C3%A4?%C3%B6"},
		{"", "/a%2Fb", "http://a/a%2Fb"},
		{"http://a/x%2Fy/z", "w", "http://a/x%2Fy/w"},
		{"http://a/x?", "y", "http://a/y"},
		// The fragment goes along (RFC 9110, section 10.2.2).
		{"http://a/x#f", "y", "http://a/y#f"},
		{"http://a/x#f", "y#g", "http://a/y#g"},
		{"http://a/x#f", "y#", "http://a/y"},
		{"http://a/x#f", "https://b/y", "https://b/y#f"},
		// The user stays where the authority does.
		{"http://u:p@a/x", "y", "http://***@a/y"},
		{"http://u:p@a/x", "http://a/y", "http://a/y"},
		{"http://u:p@a/x", "//b/y", "http://b/y"},
		{"http://a:81/x", "y", "http://a:81/y"},
		{"http://[fe80::1%25eth0]/x", "y", "http://[fe80::1]/y"},
	} {
		if c.base == "" {
			c.base = "http://a/b/c/d;p?q"
		}
		base, err := ParseURL(c.base)
		if err != nil {
			t.Fatal(err)
		}
		got, err := base.Resolve(c.ref)
		if err != nil || got.String() != c.want {
			t.Errorf("%s + %s: %s, %v; want %s", c.base, c.ref, &got, err, c.want)
		}
		if !strings.Contains(c.ref, "//") && got.Origin != base.Origin {
			t.Errorf("%s + %s: origin %v", c.base, c.ref, got.Origin)
		}
	}
	base, _ := ParseURL("http://u:secret@a/")
	for _, ref := range []string{"", "http://", "http:x", "/\x00", "/a\tb", "%zz", "http://b:0/", "http://a:b:c/"} {
		if u, err := base.Resolve(ref); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, %v", ref, u, err)
		}
	}
}

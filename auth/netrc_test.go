package auth_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sonde"
	"sonde/auth"
)

func TestNetrc(t *testing.T) {
	const file = `# a comment: machine commented login x password y
machine plain.example login ada password s3cret
machine	tabs.example
	login ada
	password p#ss:w"rd   # not after a word: 'p#ss' keeps its #
machine quoted.example login "ada l" password "a \"b\" \\ \n\t\r \x"
MACHINE Case.Example LOGIN ada PASSWORD p account accounting

macdef init
machine macro.example login no password no
	cd /tmp

machine after.example login a password b
machine twice.example login first password 1
machine twice.example login second password 2
machine nopassword.example login a
machine nologin.example password b
`
	n, err := auth.ParseNetrc(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		host, user, password string
		ok                   bool
	}{
		{"plain.example", "ada", "s3cret", true},
		{"PLAIN.example", "ada", "s3cret", true},
		{"tabs.example", "ada", `p#ss:w"rd`, true},
		{"quoted.example", "ada l", "a \"b\" \\ \n\t\r x", true},
		{"case.example", "ada", "p", true},
		{"after.example", "a", "b", true},
		{"twice.example", "first", "1", true},
		{"nopassword.example", "a", "", true},
		{"nologin.example", "", "b", true},
		{"macro.example", "", "", false},
		{"commented", "", "", false},
		{"sub.plain.example", "", "", false},
		{"", "", "", false},
	} {
		user, password, ok := n.Login(tt.host)
		if user != tt.user || password != tt.password || ok != tt.ok {
			t.Errorf("%s: %q, %q, %v", tt.host, user, password, ok)
		}
	}
}

func TestNetrcErrors(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"machine", "line 1: machine without a value"},
		{"machine a\nlogin", "line 2: login without a value"},
		{"machine a login b password \"secret", "line 1: a quote that is not closed"},
		{"machine a login b password \"secret\n\"", "line 1: a quote that is not closed"},
		{"machine a\nlogin b\npassword my secret", "line 3: none of"},
		{"login secret", "line 1: login before the first machine"},
		{`machine "" password secret`, "line 1: a machine without a name"},
	} {
		_, err := auth.ParseNetrc(strings.NewReader(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", tt.file, err)
		}
	}
	for _, fine := range []string{"", "\n", "#", "macdef x", "default", "machine a"} {
		if _, err := auth.ParseNetrc(strings.NewReader(fine)); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
	if _, err := auth.ParseNetrc(strings.NewReader(strings.Repeat(" ", 17<<20))); err == nil {
		t.Error("a file of 17 MiB is taken")
	}
}

// TestNetrcOrigins: who gets credentials, and who gets them after a redirect.
func TestNetrcOrigins(t *testing.T) {
	n, err := auth.ParseNetrc(strings.NewReader("machine named.example login a password b default login c password d"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		url, want string
		covers    bool
	}{
		{"http://named.example/", "Basic YTpi", false},
		{"https://named.example:8443/", "Basic YTpi", true},
		{"https://other.example/", "Basic Yzpk", false},
	} {
		if got := given(t, n, asked(tt.url)); got != tt.want || covers(n, tt.url) != tt.covers {
			t.Errorf("%s: %s, covered %v", tt.url, got, !tt.covers)
		}
	}
	d := n.With(auth.Digest)
	if got := given(t, d, asked("http://named.example/")); got != "" {
		t.Error(got)
	}
	given(t, d, refused(asked("http://named.example/"), `Digest realm="x", nonce="n", qop="auth"`))
	if got := given(t, d, asked("http://named.example/")); !strings.Contains(got, "nc=00000002") {
		t.Error("a Digest of its own each time:", got)
	}
	if x, _ := auth.ParseNetrc(strings.NewReader("machine a")); given(t, x, asked("http://b/")) != "" {
		t.Error("credentials for a machine that is not named")
	}
	var _ sonde.Authenticator = n
}

func TestReadNetrc(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".netrc")
	if err := os.WriteFile(path, []byte("machine a login b password c"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(path string) *auth.Netrc {
		n, err := auth.ReadNetrc(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := n.Login("a"); !ok {
			t.Error("another file was read")
		}
		return n
	}
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	t.Setenv("NETRC", "")
	read("")
	if read(path).Exposed {
		t.Error("a file of mode 0600 is called exposed")
	}
	t.Setenv("NETRC", path)
	t.Setenv("HOME", "/nowhere")
	read("")
	if runtime.GOOS != "windows" {
		os.Chmod(path, 0o640)
		if !read(path).Exposed {
			t.Error("a file of mode 0640 is not called exposed")
		}
	}
	for _, no := range []string{filepath.Join(dir, "none"), dir} {
		if _, err := auth.ReadNetrc(no); err == nil {
			t.Errorf("%s was read", no)
		}
	}
}

func FuzzNetrc(f *testing.F) {
	for _, s := range []string{"machine a login b password c", `default login "\`, "macdef x\n\n", "#\n\"\"", "machine \"a\" login"} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, file, host string) {
		n, err := auth.ParseNetrc(strings.NewReader(file))
		if err != nil {
			return
		}
		n.Login(host)
		if _, _, ok := n.Login(""); ok && !strings.Contains(strings.ToLower(file), "default") {
			t.Errorf("%q has a default", file)
		}
	})
}

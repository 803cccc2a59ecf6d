package cookie

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func loadString(t *testing.T, clk *clock, s string) *Jar {
	t.Helper()
	j := New(Config{Now: clk.Now})
	if err := j.Decode(strings.NewReader(s)); err != nil {
		t.Fatal(err)
	}
	return j
}

func encode(t *testing.T, j *Jar, f Format) string {
	t.Helper()
	var b bytes.Buffer
	if err := j.Encode(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCurlFile: a file that curl wrote.
func TestCurlFile(t *testing.T) {
	clk := newClock()
	j := New(Config{Now: clk.Now})
	if err := j.Load("testdata/curl.txt"); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		"http://www.a.example/dir/":   `session=abc; wide=1; quoted="x y"; eq=a=b=c`,
		"http://b.www.a.example/dir/": `wide=1; eq=a=b=c`,
		"http://www.a.example/p":      `empty=; wide=1; quoted="x y"; eq=a=b=c`,
	} {
		if got := j.Cookie(mustURL(t, to)); sortedPairs(got) != sortedPairs(want) {
			t.Errorf("%s gets %q, want %q", to, got, want)
		}
	}
	httpOnly := map[string]bool{}
	for c := range j.All() {
		httpOnly[c.Name] = c.HTTPOnly
		if c.Persistent() != (c.Name == "wide" || c.Name == "quoted") {
			t.Errorf("%s expires %v", c.Name, c.Expires)
		}
	}
	if !httpOnly["session"] || !httpOnly["eq"] || httpOnly["wide"] {
		t.Error(httpOnly)
	}
}

// TestCurlReads: curl sends what is in a file of ours.
func TestCurlReads(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Join(r.Header.Values("Cookie"), "|"))
	})}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })

	j := New(Config{})
	u := mustURL(t, "http://www.a.example/dir/x")
	j.SetCookies(u, []string{
		"session=abc; HttpOnly", "wide=1; Domain=a.example; Path=/; Max-Age=1000", "empty=; Path=/dir",
		`q="x y"; Path=/`, "no=1; Path=/elsewhere", "eq=a=b=c; Path=/; Domain=www.a.example",
	})
	j.SetCookies(mustURL(t, "https://www.a.example/"), []string{"tls=1; Secure"})
	file := filepath.Join(t.TempDir(), "cookies.txt")
	if err := j.Save(file, Netscape); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(curl, "-q", "-sS", "--noproxy", "*", "-b", file,
		"--resolve", fmt.Sprintf("www.a.example:%d:127.0.0.1", ln.Addr().(*net.TCPAddr).Port),
		fmt.Sprintf("http://www.a.example:%d/dir/x", ln.Addr().(*net.TCPAddr).Port)).Output()
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(string(out), "; "), strings.Split(j.Cookie(u), "; ")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) != 5 {
		t.Errorf("curl sends %q, we %q", got, want)
	}
}

// TestRoundTrip: what is written and read again sends the same. A second writing
// gives the same bytes.
func TestRoundTrip(t *testing.T) {
	for _, f := range []Format{Netscape, JSON} {
		clk := newClock()
		j := New(Config{Now: clk.Now})
		urls := []string{
			"https://a.example/p/q", "https://b.a.example/p/q", "https://bücher.example/", "http://[2001:db8::1]/", "https://github.io/",
		}
		for _, u := range urls {
			clk.advance(time.Minute + time.Millisecond)
			j.SetCookies(mustURL(t, u), []string{
				"one=1", "two=2; Path=/; HttpOnly; SameSite=Strict; Max-Age=100000", "=nameless", "=name=less; Path=/",
				"bytes=\xff\x80; Path=/\xff; Secure", `json="\<>&é"`, "gone=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
				"__Host-x=1; Path=/; Secure", "#HttpOnly_x=1; Path=/",
			})
		}
		j.SetCookies(mustURL(t, urls[0]), []string{"wide=1; Domain=a.example; Path=/p"})
		text := encode(t, j, f)
		again := loadString(t, clk, text)
		if got := encode(t, again, f); got != text {
			t.Errorf("written again:\n%s\nfirst:\n%s", got, text)
		}
		if again.Len() != j.Len() || j.Len() != 36 {
			t.Errorf("%d cookies, %d before", again.Len(), j.Len())
		}
		for _, u := range urls {
			got, want := again.Cookie(mustURL(t, u)), j.Cookie(mustURL(t, u))
			if f == Netscape { // it has no order of age
				got, want = sortedPairs(got), sortedPairs(want)
			}
			if got != want || want == "" {
				t.Errorf("%d: to %s: %q, before %q", f, u, got, want)
			}
		}
	}
}

func sortedPairs(s string) string {
	pairs := strings.Split(s, "; ")
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// TestNetscapeText: the format, to the byte.
func TestNetscapeText(t *testing.T) {
	clk := newClock()
	j := New(Config{Now: clk.Now})
	j.SetCookies(mustURL(t, "https://www.a.example/p/"), []string{
		"s=1; HttpOnly", "w=2; Domain=a.example; Path=/; Secure; Max-Age=60", "tab=a\tb", "=v; Path=/",
	})
	want := netscapeHead +
		".a.example\tTRUE\t/\tTRUE\t1767323105\tw\t2\n" +
		"www.a.example\tFALSE\t/\tFALSE\t0\t\tv\n" +
		"#HttpOnly_www.a.example\tFALSE\t/p\tFALSE\t0\ts\t1\n"
	if got := encode(t, j, Netscape); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestReadNetscape: what other programs write, and what is wrong.
func TestReadNetscape(t *testing.T) {
	clk := newClock()
	j := loadString(t, clk, "# comment\r\n\r\n"+
		"a.example\tFALSE\t/\tFALSE\t0\tplain\t1\r\n"+
		"A.Example\tTRUE\t/\tFALSE\t0\twide\t2\n"+
		".a.example\ttrue\tTRUE\t1900000000\tnopath\t3\n"+ // curl reads it so
		"a.example\tFALSE\t/\tFALSE\t0\tempty\n"+
		"a.example\tFALSE\t/\tFALSE\t1\texpired\t1\n"+
		"co.uk\tTRUE\t/\tFALSE\t0\tsuffix\t1\n"+
		"a.example\tFALSE\t/\tFALSE\t0\t__Secure-x\t1\n"+
		"Set-Cookie: field=4; Domain=.a.example; Path=/; Max-Age=60\n"+
		"set-cookie: gone=4; Domain=a.example; Max-Age=0\n"+
		"#HttpOnly_a.example\tFALSE\t/\tFALSE\t0\tlast\t5")
	if got, want := j.Cookie(mustURL(t, "https://a.example/")), "plain=1; wide=2; nopath=3; empty=; field=4; last=5"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := j.Cookie(mustURL(t, "http://b.a.example/")), "wide=2; field=4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, c := range []struct {
		line int
		text string
		want string
	}{
		{1, "rubbish", "1 fields"},
		{3, "# x\n\na.example\tFALSE\t/\tFALSE\t0", "5 fields"},
		{2, "a.example\tFALSE\t/\tFALSE\t0\ta\t1\na.example\tmaybe\t/\tFALSE\t0\ta\t1", "second field"},
		{1, "a.example\tFALSE\t/\t?\t0\ta\t1", "Secure"},
		{1, "a.example\tFALSE\t/\tFALSE\tsoon\ta\t1", "seconds"},
		{1, "a.example\tFALSE\t/\tFALSE\t-1\ta\t1", "seconds"},
		{1, "a b\tFALSE\t/\tFALSE\t0\ta\t1", "no host"},
		{1, "#HttpOnly_a b\tFALSE\t/\tFALSE\t0\ta\t1", "no host"},
		{1, "Set-Cookie: a=1", "without a Domain"},
		{1, "Set-Cookie: a=\x01", "no Set-Cookie field"},
	} {
		j := New(Config{Now: clk.Now})
		err := j.Decode(strings.NewReader(c.text))
		var at *LineError
		if !errors.As(err, &at) || at.Line != c.line || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want line %d: %s", c.text, err, c.line, c.want)
		}
		if j.Len() != 0 {
			t.Errorf("%q: something was added all the same", c.text)
		}
	}
}

// TestReadJSON: what is wrong with a file, and where.
func TestReadJSON(t *testing.T) {
	for _, c := range []struct {
		line int
		text string
	}{
		{2, "{\"version\": 1,\n\"cookies\": [}"},
		{3, "{\"version\": 1, \"cookies\": [\n{},\n{\"name\": 3}\n]}"},
		{1, "{\"version\": 2}"},
		{1, "{"},
	} {
		var at *LineError
		if err := New(Config{}).Decode(strings.NewReader(c.text)); !errors.As(err, &at) || at.Line != c.line {
			t.Errorf("%q: %v, want line %d", c.text, err, c.line)
		}
	}
	if err := New(Config{}).Decode(strings.NewReader(`{"version":1,"cookies":[{"latin1":true,"name":"€","domain":"a.example"}]}`)); err == nil ||
		!strings.Contains(err.Error(), "cookie 1") {
		t.Error(err)
	}
	j := loadString(t, newClock(), `{"version":1,"cookies":[{"name":"a","value":"b","domain":"a.example","expires":"0001-01-01T00:00:00Z"}]}`)
	if j.Len() != 0 {
		t.Error("a cookie that expired in the year 1 is there")
	}
}

// TestSave: a file is replaced as a whole, for its owner only.
func TestSave(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "cookies"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	j := New(Config{})
	j.SetCookies(mustURL(t, "https://a.example/"), []string{"a=1"})
	if err := j.Save(file, Format(9)); err == nil {
		t.Error("an unknown format was written")
	}
	if data, _ := os.ReadFile(file); string(data) != "before" {
		t.Errorf("a failed Save left %q", data)
	}
	if err := j.Save(link, JSON); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(file)
	if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Error(info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced", err)
	}
	again := New(Config{})
	if err := again.Load(link); err != nil || again.Len() != 1 {
		t.Error(err, again.Len())
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Error("something is left behind", entries, err)
	}
	if err := j.Save(dir, JSON); err == nil {
		t.Error("a directory was written")
	}
	if err := again.Load(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	os.WriteFile(file, []byte("a.example\n"), 0o600)
	if err := again.Load(file); err == nil || !strings.Contains(err.Error(), "cookies: line 1: ") {
		t.Error(err)
	}
}

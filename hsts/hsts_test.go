package hsts

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sonde"
)

var _ sonde.HSTS = (*Store)(nil)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newStore(t testing.TB, cfg Config) (*Store, *clock) {
	t.Helper()
	clk := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	cfg.Now = clk.Now
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, clk
}

// TestParse: RFC 6797 §6.1 and §6.2; "-" is a field that counts for nothing.
func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"max-age=31536000":                          "8760h0m0s",
		"max-age=15768000 ; includeSubDomains":      "4380h0m0s all",
		"max-age=\"60\"":                            "1m0s",
		"max-age=0; includeSubDomains":              "0s all",
		"MAX-AGE=60;INCLUDESUBDOMAINS":              "1m0s all",
		" ; ;max-age = 60 ; ":                       "1m0s",
		"includeSubDomains;max-age=\"6\\0\"":        "1m0s all",
		"max-age=60; preload; foo=\"a;b\"; bar=baz": "1m0s",
		"max-age=60; foo=\";max-age=1\"":            "1m0s",
		"max-age=99999999999999999999999":           longest.String(),
		"":                                          "-",
		"includeSubDomains":                         "-",
		"max-age":                                   "-",
		"max-age=":                                  "-",
		"max-age=-1":                                "-",
		"max-age=+1":                                "-",
		"max-age=1.5":                               "-",
		"max-age=60 60":                             "-",
		"max-age=60, max-age=60":                    "-",
		"max-age=60; max-age=60":                    "-",
		"max-age=60; foo; foo":                      "-",
		"max-age=60; includeSubDomains=1":           "-",
		"max-age=60; includeSubDomains; INCLUDEsubdomains": "-",
		"max-age=60; foo=\"open":                           "-",
		"max-age=60; =x":                                   "-",
		"max-age=60; foo=":                                 "-",
		"max-age=60; a b":                                  "-",
	} {
		got := "-"
		if p, ok := parse(in); ok {
			if got = p.maxAge.String(); p.subdomains {
				got += " all"
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// TestStore: what is known of which hosts, and for how long.
func TestStore(t *testing.T) {
	s, clk := newStore(t, Config{Preload: []string{"one.example", ".ALL.example", "bücher.example"}})
	s.Learn("learned.example", "max-age=60")
	s.Learn("Below.Example.", "max-age=3600; includeSubDomains")
	s.Learn("localhost", "max-age=60")
	s.Learn("127.0.0.1", "max-age=60")
	s.Learn("2001:db8::1", "max-age=60")
	s.Learn("wrong.example", "max-age")
	s.Learn("one.example", "max-age=0")
	want := map[string]bool{
		"one.example": true, "a.one.example": false, "all.example": true, "a.b.all.example": true, "notall.example": false,
		"xn--bcher-kva.example": true, "bücher.example": true, "learned.example": true, "LEARNED.example.": true,
		"a.learned.example": false, "below.example": true, "a.below.example": true, "localhost": true,
		"127.0.0.1": false, "2001:db8::1": false, "wrong.example": false, "example": false, "": false, ".": false,
	}
	check := func() {
		t.Helper()
		for host, want := range want {
			if got := s.Secure(host); got != want {
				t.Errorf("%q: %v, want %v", host, got, want)
			}
		}
	}
	check()
	clk.now = clk.now.Add(time.Minute)
	for _, h := range []string{"learned.example", "LEARNED.example.", "localhost"} {
		want[h] = false
	}
	check()
	s.Learn("a.below.example", "max-age=0") // it is below a host that says otherwise
	check()
	s.Learn("below.example", "max-age=60")
	want["a.below.example"] = false
	check()
	s.Learn("below.example", "max-age=0")
	want["below.example"] = false
	check()
	if s.Delete("one.example") || s.Delete("none.example") {
		t.Error("what was preloaded, or not there, was deleted")
	}
	s.Learn("gone.example", "max-age=60")
	if !s.Delete("Gone.Example") || s.Secure("gone.example") {
		t.Error("not deleted")
	}
	if names := len(slices.Collect(s.All())); names != 3 {
		t.Error(names, "hosts")
	}
	for _, bad := range []string{"", ".", "a b", "192.0.2.1", "http://a.example"} {
		if _, err := New(Config{Preload: []string{bad}}); err == nil {
			t.Errorf("%q is taken for a host", bad)
		}
	}
}

// TestBound: no more hosts are kept than may be, and those that last longest.
func TestBound(t *testing.T) {
	s, clk := newStore(t, Config{Max: 20, Preload: []string{"kept.example"}})
	s.Learn("short.example", "max-age=1")
	clk.now = clk.now.Add(time.Second)
	for i := range 500 {
		s.Learn(fmt.Sprintf("h%d.example", i), fmt.Sprintf("max-age=%d", 1000+i))
		if n := len(s.all); n > 21 {
			t.Fatalf("%d hosts", n)
		}
	}
	if !s.Secure("kept.example") || !s.Secure("h499.example") || !s.Secure("h490.example") || s.Secure("h0.example") || len(s.all) < 15 {
		t.Error(len(s.all), slices.Collect(s.All()))
	}
}

// TestFile: the format of curl's, there and back.
func TestFile(t *testing.T) {
	s, clk := newStore(t, Config{Preload: []string{"pre.example"}})
	s.Learn("b.example", "max-age=60")
	s.Learn("a.example", "max-age=3600; includeSubDomains")
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	text := fileHead + ".a.example \"20260102 04:04:05\"\nb.example \"20260102 03:05:05\"\n"
	if b.String() != text {
		t.Errorf("%s\nwant\n%s", b.String(), text)
	}
	file := filepath.Join(t.TempDir(), "hsts")
	if err := s.Save(file); err != nil {
		t.Fatal(err)
	}
	again, _ := newStore(t, Config{})
	if err := again.Load(file); err != nil {
		t.Fatal(err)
	}
	if !again.Secure("x.a.example") || !again.Secure("b.example") || again.Secure("x.b.example") || again.Secure("pre.example") {
		t.Error(slices.Collect(again.All()))
	}
	if err := again.Load(file + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	clk.now = clk.now.Add(time.Hour)
	again, _ = newStore(t, Config{Now: clk.Now})
	if err := again.Decode(strings.NewReader("# x\r\n\r\n.u.example \"unlimited\"\r\nold.example \"20250102 04:04:05\"\n")); err != nil {
		t.Fatal(err)
	}
	if !again.Secure("a.u.example") || again.Secure("old.example") {
		t.Error(slices.Collect(again.All()))
	}
	for text, line := range map[string]int{
		"a.example": 1, "# x\na.example 20260102 04:04:05": 2, "a.example \"soon\"": 1, "192.0.2.1 \"unlimited\"": 1,
		"a.example \"": 1, "b.example \"unlimited\"\n\n. \"unlimited\"": 3,
	} {
		again, _ := newStore(t, Config{})
		var at *LineError
		if err := again.Decode(strings.NewReader(text)); !errors.As(err, &at) || at.Line != line || len(again.all) != 0 {
			t.Errorf("%q: %v, want line %d", text, err, line)
		}
	}
}

// TestCurl: curl goes by https to the hosts in a file of ours.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	if out, _ := exec.Command(curl, "-V").Output(); !bytes.Contains(out, []byte("HSTS")) {
		t.Skip("curl has no HSTS")
	}
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Learn("a.example", "max-age=3600; includeSubDomains")
	s.Learn("b.example", "max-age=3600")
	file := filepath.Join(t.TempDir(), "hsts")
	if err := s.Save(file); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"a.example": "https", "x.a.example": "https", "b.example": "https", "x.b.example": "http"} {
		// Port 1 refuses the connection: the scheme alone is of interest.
		out, _ := exec.Command(curl, "-q", "-s", "--noproxy", "*", "--hsts", file, "--connect-to", "::127.0.0.1:1", "-w", "%{scheme} %{url_effective}", "http://"+host+"/").Output()
		if got := strings.ToLower(string(out)); !strings.Contains(got, want+"://"+host) {
			t.Errorf("%s: curl says %q, want %s", host, got, want)
		}
	}
}

// TestConcurrent: for the race detector.
func TestConcurrent(t *testing.T) {
	s, _ := newStore(t, Config{Max: 10})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 200 {
				host := fmt.Sprintf("h%d.example", i%30)
				s.Learn(host, fmt.Sprintf("max-age=%d", i*g))
				s.Secure("a." + host)
				for range s.All() {
					s.Delete(host)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzLearn: a field never makes a panic, and what was learned comes through a file.
func FuzzLearn(f *testing.F) {
	f.Add("a.example", "max-age=60; includeSubDomains; foo=\"b\\\"c\"")
	f.Add("bücher.example.", "max-age=\"0\"")
	f.Fuzz(func(t *testing.T, host, field string) {
		s, _ := newStore(t, Config{})
		s.Learn(host, field)
		var b bytes.Buffer
		if err := s.Encode(&b); err != nil {
			t.Fatal(err)
		}
		again, _ := newStore(t, Config{})
		if err := again.Decode(&b); err != nil {
			t.Fatal(err)
		}
		if s.Secure(host) != again.Secure(host) || s.Secure("x."+host) != again.Secure("x."+host) {
			t.Fatalf("%q %q: %v", host, field, slices.Collect(again.All()))
		}
	})
}

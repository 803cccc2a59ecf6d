package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// helloMost bounds the size of hello/sonde for linux/amd64, without paths and commits:
// those make 12 KB of what rows_build.go measures. The target is 8.00 MB.
const helloMost = 7_950_000

// unlinked are parts of what the linker leaves out of a program that only calls Get,
// each by a symbol's name or, with a dot at its end, a package's. Where one of them
// is back, something that every call goes through refers to it: see extras in package
// sonde.
var unlinked = []string{
	"sonde.New",                            // all that Config is checked for and can ask for
	"sonde.NewProxy",                       // what is more than the environment's proxies
	"sonde.(*call).pass",                   // Config.AttemptMiddleware
	"sonde.(*race).run",                    // Config.Hedge
	"sonde.(*call).retried",                // Config.Retry
	"sonde.(*call).challenged",             // Config.Auth
	"sonde.(*call).takeCookies",            // Config.Jar
	"sonde.(*Client).secured",              // Config.HSTS
	"sonde.(*Client).doThrough",            // Config.Middleware, Config.Schemes
	"sonde.(*Client).roundTrip",            // package nethttp's door
	"sonde.(*Client).Close",                // it must not be called of the default client
	"sonde.(*Exchange).Upgrade",            // Open
	"sonde.(*BodyReader).Read",             // the same, and Stream
	"sonde.(*Request).settleFields",        // fields of requests
	"sonde.(*Body).prepare",                // bodies of requests
	"sonde/internal/h1.newUpload",          // the same
	"sonde/internal/dial.(*Dialer).borrow", // Config.Dial
	"errors.As",                            // it is reflection: AsType does the same
	"reflect.Value.Method",                 // with it every exported method of every type stays
	"encoding/json.Marshal", "encoding/json.Unmarshal", "compress/flate.NewWriter",
	"golang.org/x/net/http/httpproxy.", "golang.org/x/net/idna.", "golang.org/x/net/publicsuffix.", "golang.org/x/sys/cpu.", "golang.org/x/sys/unix.", "golang.org/x/text/", "log.", "log/slog.", "net/http.", "mime/multipart.", "text/template.", "regexp.",
}

// TestUnlinked: what TestHello looks for exists.
func TestUnlinked(t *testing.T) {
	for _, name := range unlinked {
		pkg, rest, found := strings.Cut(name, ".")
		dir, ours := strings.CutPrefix(pkg, "sonde")
		if !ours || !found || strings.HasSuffix(name, ".") {
			continue
		}
		want := "\nfunc " + rest + "("
		if recv, method, ok := strings.Cut(rest, ")."); ok {
			want = " " + strings.TrimPrefix(recv, "(") + ") " + method + "("
		}
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files: %v", name, err)
		}
		if !slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(source), want)
		}) {
			t.Errorf("%s is nowhere: is it called otherwise now?", name)
		}
	}
}

// TestHello: a program that sends one GET stays small, and has nothing of what it
// does not use.
func TestHello(t *testing.T) {
	out := filepath.Join(t.TempDir(), "hello")
	// Paths and commits would be in the program, and their length in its size.
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", out, "./hello/sonde")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f MB", float64(info.Size())/1e6)
	if info.Size() > helloMost {
		t.Errorf("%d bytes, over %d", info.Size(), helloMost)
	}
	f, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, s := range symbols {
		all[s.Name] = true
		for _, u := range unlinked {
			if s.Name == u || strings.HasSuffix(u, ".") && strings.HasPrefix(s.Name, u) {
				t.Errorf("%s is linked", s.Name)
			}
		}
	}
	// What every call may need is there: names look like that.
	for _, name := range []string{"sonde.Get", "sonde.(*call).run", "sonde.(*call).redirected", "sonde.plainProxy",
		"sonde/internal/h1.(*Conn).RoundTrip", "sonde/internal/dial.(*Dialer).race", "sonde/internal/idna.decoded"} {
		if !all[name] {
			t.Errorf("%s is not linked", name)
		}
	}
}

package examples

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// connections finds the number in "10 requests, 1 connections".
var connections = regexp.MustCompile(`^\d+ requests, (\d+) connections`)

// TestExamples builds and runs every example, and knows what each must show.
func TestExamples(t *testing.T) {
	want := map[string]func(*testing.T, string){
		"nethttp-undrained":        between(10, 10),
		"nethttp-drained":          between(1, 1),
		"nethttp-concurrent":       between(11, 100), // many more than goroutines
		"nethttp-concurrent-tuned": between(1, 15),   // 10, but for a loaded machine
		"nethttp-connection-each":  between(10, 10),
		"sequential":               between(1, 1),
		"concurrent":               between(1, 10),
		"concurrent-tuned":         between(1, 3),
		"connection-each":          between(10, 10),
		"events": contains("call-start", "conn-opened: first to this route", "again, idle for",
			"call-done: status 200", "conn-closed: closed by the user"),
		"pool": contains("3 connections opened ahead", "5 requests, opened because: warming the pool",
			"3 opened, 3 closed, 5 requests found one at once"),
		"download": contains("200 OK 67108864 bytes"),
		"upload": contains("{Method:PUT Length:10485760 Bytes:10485760}", "{Method:POST Length:-1 Bytes:8890}",
			"{Method:POST Length:13 Bytes:13}"),
	}
	bin := build(t)
	mains, err := filepath.Glob("*/main.go")
	// The sniffer needs packets to see, and has a test of its own for that.
	mains = slices.DeleteFunc(mains, func(m string) bool { return filepath.Dir(m) == "sniffer" })
	if err != nil || len(mains) != len(want) {
		t.Errorf("%d examples (%v), but %d are known here", len(mains), err, len(want))
	}
	for _, main := range mains {
		name := filepath.Dir(main)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := want[name]
			if check == nil {
				t.Fatal("nobody has said what it must show")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, filepath.Join(bin, name)).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			check(t, string(out))
		})
	}
}

// build builds all examples at once.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir() + string(os.PathSeparator)
	if out, err := exec.Command("go", "build", "-o", bin, "./...").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func between(low, high int) func(*testing.T, string) {
	return func(t *testing.T, out string) {
		m := connections.FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("printed %q", out)
		}
		if n, _ := strconv.Atoi(m[1]); n < low || n > high {
			t.Errorf("%d connections, want %d to %d", n, low, high)
		}
	}
}

func contains(parts ...string) func(*testing.T, string) {
	return func(t *testing.T, out string) {
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Errorf("%q is not in:\n%s", part, out)
			}
		}
	}
}

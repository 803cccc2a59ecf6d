package sonde_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// golist runs go list and returns its lines.
func golist(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("go list: %s", exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// TestDependencies: root must not link net/http, nor what only some programs need.
func TestDependencies(t *testing.T) {
	deps := golist(t, "-deps", ".")
	if len(deps) < 50 || !slices.Contains(deps, "crypto/tls") {
		t.Fatalf("go list gave %d packages", len(deps))
	}
	for _, d := range deps {
		switch {
		case d == "net/http", d == "testing", d == "log", d == "log/slog":
			t.Error("root depends on", d)
		case strings.HasPrefix(d, "sonde/"):
			if d != "sonde/trace" && !strings.HasPrefix(d, "sonde/internal/") {
				t.Error("root depends on", d)
			}
		case strings.HasPrefix(d, "vendor/"), !strings.Contains(strings.Split(d, "/")[0], "."): // the standard library
		default:
			t.Error("root depends on another module:", d)
		}
	}
}

// TestNetHTTPStaysOut: of all packages only lab, which compares with it, and what
// stands above lab link net/http.
func TestNetHTTPStaysOut(t *testing.T) {
	for _, p := range golist(t, "./...") {
		// x/net/publicsuffix makes package cookie link it.
		// andybalholm/brotli makes package br link it; nethttp is about it.
		if p == "sonde/br" || p == "sonde/cookie" || p == "sonde/lab" || p == "sonde/nethttp" || p == "sonde/internal/proxy/proxytest" || p == "sonde/cmd/sonde" || strings.HasPrefix(p, "sonde/examples") {
			continue
		}
		if slices.Contains(golist(t, "-deps", p), "net/http") {
			t.Error(p, "depends on net/http")
		}
	}
}

// mayImport says which packages of sonde each inner one may import: calls go
// down, a protocol knows neither pool nor dialing, the pool knows no protocol.
// Neither packets nor sockets know the client.
var mayImport = map[string][]string{
	"sonde/trace":            {"sonde/internal/clock", "sonde/internal/flight"},
	"sonde/sfv":              {},
	"sonde/internal/clock":   {},
	"sonde/internal/errs":    {},
	"sonde/internal/flight":  {},
	"sonde/internal/race":    {},
	"sonde/internal/fault":   {"sonde/trace"},
	"sonde/internal/event":   {"sonde/trace", "sonde/internal/clock", "sonde/internal/flight"},
	"sonde/internal/socket":  {"sonde/internal/clock", "sonde/internal/errs"},
	"sonde/internal/idna":    {},
	"sonde/internal/message": {"sonde/trace", "sonde/internal/event", "sonde/internal/idna"},
	"sonde/internal/dial": {"sonde/trace", "sonde/internal/clock", "sonde/internal/event",
		"sonde/internal/errs", "sonde/internal/fault", "sonde/internal/message", "sonde/internal/proxy", "sonde/internal/socket"},
	"sonde/internal/proxy": {"sonde/trace", "sonde/internal/clock", "sonde/internal/errs", "sonde/internal/fault", "sonde/internal/h1",
		"sonde/internal/message", "sonde/internal/socket"},
	"sonde/internal/proxy/proxytest": {},
	"sonde/internal/h1": {"sonde/trace", "sonde/internal/clock", "sonde/internal/event",
		"sonde/internal/errs", "sonde/internal/fault", "sonde/internal/message", "sonde/internal/socket"},
	"sonde/internal/core": {"sonde/internal/message"},
	"sonde/nethttp":       {"sonde", "sonde/internal/core", "sonde/internal/idna", "sonde/internal/message"},
	"sonde/internal/pool": {"sonde/trace", "sonde/internal/clock", "sonde/internal/event",
		"sonde/internal/errs", "sonde/internal/fault", "sonde/internal/message", "sonde/internal/socket"},

	"sonde/br":       {},
	"sonde/zstd":     {},
	"sonde/digest":   {"sonde", "sonde/sfv"},
	"sonde/download": {"sonde", "sonde/digest"},

	"sonde/trace/slogsink": {"sonde/trace"},
	"sonde/trace/otlp":     {"sonde", "sonde/trace"},
	"sonde/har":            {"sonde", "sonde/trace"},
	"sonde/auth":           {"sonde", "sonde/internal/message"},
	"sonde/guard":          {},
	"sonde/resolver":       {"sonde"},
	"sonde/lab": {"sonde", "sonde/trace", "sonde/sockets", "sonde/capture", "sonde/capture/decode", "sonde/capture/filter",
		"sonde/inspect"},
	// The three witnesses meet here; none knows another.
	"sonde/inspect": {"sonde/trace", "sonde/sockets", "sonde/capture", "sonde/capture/decode", "sonde/capture/decode/tlsrec",
		"sonde/capture/filter", "sonde/capture/flow", "sonde/capture/httpview", "sonde/capture/keylog", "sonde/capture/tlsplain"},
	"sonde/sockets":            {},
	"sonde/internal/watchtest": {"sonde/capture", "sonde/capture/filter", "sonde/capture/keylog", "sonde/inspect", "sonde/sockets"},

	"sonde/cookie":             {"sonde", "sonde/internal/idna", "sonde/internal/replace"},
	"sonde/hsts":               {"sonde/internal/idna", "sonde/internal/replace"},
	"sonde/ndjson":             {"sonde"},
	"sonde/sse":                {"sonde"},
	"sonde/internal/replace":   {},
	"sonde/internal/porttest":  {},
	"sonde/internal/netnstest": {},

	"sonde/capture":                {},
	"sonde/capture/internal/build": {},
	"sonde/capture/filter":         {},
	"sonde/capture/keylog":         {},
	"sonde/capture/decode":         {"sonde/capture"},
	"sonde/capture/decode/dns":     {},
	"sonde/capture/decode/quic":    {},
	"sonde/capture/decode/tlsrec":  {},
	"sonde/capture/flow":           {"sonde/capture/decode"},
	"sonde/capture/tlsplain":       {"sonde/capture/decode/tlsrec", "sonde/capture/flow", "sonde/capture/keylog"},
	"sonde/capture/httpview": {"sonde/capture/decode", "sonde/capture/decode/tlsrec", "sonde/capture/flow",
		"sonde/capture/tlsplain"},
	"sonde/capture/sniff": {"sonde/capture", "sonde/capture/decode", "sonde/capture/decode/dns", "sonde/capture/decode/quic",
		"sonde/capture/decode/tlsrec", "sonde/capture/filter", "sonde/capture/flow", "sonde/capture/httpview", "sonde/capture/keylog"},
}

// TestImportsPointDown holds the packages to their places.
func TestImportsPointDown(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath == "sonde" || strings.HasPrefix(p.ImportPath, "sonde/cmd/") || strings.HasPrefix(p.ImportPath, "sonde/examples") {
			continue // TestDependencies has root; the others are on top
		}
		seen[p.ImportPath] = true
		allowed, known := mayImport[p.ImportPath]
		if !known {
			t.Errorf("%s is new: say in mayImport what it may import", p.ImportPath)
		}
		for _, i := range p.Imports {
			if (i == "sonde" || strings.HasPrefix(i, "sonde/")) && known && !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
	for p := range mayImport {
		if !seen[p] {
			t.Errorf("%s is gone", p)
		}
	}
}

package sonde_test

import (
	"net/http/httptrace"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sonde/trace"
)

// TestTracingTable: docs/tracing.md has a row for each hook of httptrace's
// ClientTrace and each of sonde's own, with a kind of event that exists and the
// test that shows it; TestNamedTests sees that the test exists.
func TestTracingTable(t *testing.T) {
	text, err := os.ReadFile("docs/tracing.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for k := trace.CallStart; k.String() != "unknown"; k++ {
		kinds[k.String()] = true
		if !strings.Contains(string(text), "`"+k.String()+"`") {
			t.Errorf("no word of event %s", k)
		}
	}
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|(.*)\\|(.*)\\|$").FindAllSubmatch(text, -1) {
		rows[string(m[1])] = []string{string(m[2]), string(m[3])}
	}
	hooks := map[string]bool{}
	for _, of := range []reflect.Type{reflect.TypeFor[httptrace.ClientTrace](), reflect.TypeFor[trace.Hooks]()} {
		for i := range of.NumField() {
			hooks[of.Field(i).Name] = true
		}
	}
	named := regexp.MustCompile("`([^`]+)`")
	for hook := range hooks {
		row, ok := rows[hook]
		if !ok {
			t.Errorf("no row for %s", hook)
			continue
		}
		for _, kind := range named.FindAllStringSubmatch(row[0], -1) {
			if !kinds[kind[1]] {
				t.Errorf("%s: there is no event %s", hook, kind[1])
			}
		}
		if !strings.Contains(row[1], "`Test") {
			t.Errorf("%s: no test", hook)
		}
	}
	for hook := range rows {
		if !hooks[hook] {
			t.Errorf("a row for %s, which is no hook", hook)
		}
	}
}

package main

import (
	"os/exec"
	"regexp"
	"testing"
)

func mustCompile(t *testing.T, pattern string) *regexp.Regexp {
	t.Helper()
	re, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

func requireNginx(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed")
	}
}

// TestNames keeps names of rows apart, since -row picks by them.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		if seen[r.name] || r.name == "" || r.title == "" || r.run == nil {
			t.Errorf("row %q: there is another one, or it is not complete", r.name)
		}
		seen[r.name] = true
	}
}

func TestChoose(t *testing.T) {
	got, err := choose(rows(), "^small-(1|8)$")
	if err != nil || len(got) != 2 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	if _, err := choose(rows(), "nothing"); err == nil {
		t.Error("no error for a pattern without a row")
	}
	if _, err := choose(rows(), "("); err == nil {
		t.Error("no error for a pattern that is none")
	}
}
